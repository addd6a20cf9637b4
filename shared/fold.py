"""The pure middle of a batch: decide on each input in order, let each see what the one before decided, and encode what goes out."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared import ids, message
from shared.contracts import Dead, Place
from shared.message import Message
from shared.outcome import CommandResult, Decision, Outgoing, Reason, Reject
from shared.stage import Input, Record, Stage
from shared.topology import COMMANDS, DEAD


@dataclass(slots=True)
class Folded:
    """What a batch comes to: changed world, event ids that count now, messages by number, and what was rejected."""

    changes: dict[Hashable, Any] = field(default_factory=dict)
    counted: dict[str, datetime] = field(default_factory=dict)
    messages: dict[int, list[Message]] = field(default_factory=dict)
    commands: list[CommandResult] = field(default_factory=list)
    rejected: list[tuple[Reason, Record | None]] = field(default_factory=list)
    aside: set[str] = field(default_factory=set)  # timers that were rejected: they stay due
    told: list[tuple[Input, Outgoing]] = field(default_factory=list)  # in order, without dead letters
    raised: int = 0  # rejects because our own code raised: these count towards the reject limit


def fold(
    stage: Stage,
    world: MutableMapping[Hashable, Any],
    inputs: Sequence[Input],
    *,
    partitions: int,
    refused: Mapping[str, str],
) -> Folded:
    """Decides on `inputs` in order. `refused` names inputs (by event id) that Postgres refused before, with the SQLSTATE.

    Whatever `decide` raises, or emits over the size limit, rejects that input alone: none of its changes is applied.
    """
    done = Folded()
    for input_ in inputs:
        if input_.event_id in refused:
            reject(done, stage, input_, Reject(Reason.REFUSED_BY_STORE, refused[input_.event_id]))
            continue
        try:
            outcome = stage.decide(world, input_)
        except Exception as error:
            done.raised += 1
            reject(done, stage, input_, Reject(Reason.DECIDE_FAILED, type(error).__name__))
            continue
        if not isinstance(outcome, Decision):  # asked of what it nearly always is: a struct that is another costs 1 us
            reject(done, stage, input_, outcome)
            continue
        encoded: list[Message] = []
        for outgoing in outcome.emit:
            part = input_.part if stage.same_part else ids.partition(outgoing.key.encode(), partitions)
            made = message.encode(outgoing, stage=stage.name, cause=input_, part=part)
            if made is None:
                break
            encoded.append(made)
        if len(encoded) < len(outcome.emit):
            reject(done, stage, input_, Reject(Reason.TOO_LARGE, "what it would cause is over the topic's size limit"))
            continue
        if outcome.changes:
            world.update(outcome.changes)
            done.changes.update(outcome.changes)
        if encoded:
            done.told += [(input_, outgoing) for outgoing in outcome.emit]
            done.messages.setdefault(input_.part, []).extend(encoded)
        if stage.inbox and input_.record is not None:
            done.counted[input_.event_id] = input_.now
        if outcome.commands:
            done.commands += outcome.commands
        elif input_.record is not None and input_.record.topic == COMMANDS.name:
            done.commands.append(CommandResult(input_.event_id, "done"))
    return done


def reject(done: Folded, stage: Stage, input_: Input, why: Reject) -> None:
    """Puts the dead letter of `input_` among the messages. A rejected input makes no inbox entry, so that it can be replayed."""
    record = input_.record
    done.rejected.append((why.reason, record))
    if record is None:
        done.aside.add(input_.event_id)
        record = Record("timer", input_.part, 0, 0, None, input_.event_id.encode(), {})
    done.messages.setdefault(input_.part, []).append(dead_letter(stage.name, record, why, input_))
    if record.topic == COMMANDS.name and input_.event_id:  # what names no command can't be asked for
        done.commands.append(
            CommandResult(input_.event_id, "refused", f"{why.reason}: {why.detail}" if why.detail else why.reason)
        )


def dead_letter(stage: str, record: Record, why: Reject, cause: Input) -> Message:
    """The record whole, with reason, place and time. Its id is its place: dying twice there is one death."""
    dead = Dead(
        event_id=ids.dead_id(stage, record.topic, record.part, record.offset)
        if record.topic != "timer"
        else ids.dead_id(stage, f"timer {cause.event_id}", record.part, 0),
        service=stage,
        reason=why.reason,
        detail=why.detail,
        place=Place(topic=record.topic, partition=record.part, offset=record.offset),
        at=cause.now,
        value=record.value,
        key=record.key,
        headers=[(name, value or b"") for name, value in record.pairs or record.headers.items()],
    )
    outgoing = Outgoing(DEAD, "", "lead.dead", dead.event_id, dead)
    made = message.encode(outgoing, stage=stage, cause=cause, part=record.part)
    assert made is not None  # a dead letter has no limit: what a broker took compressed it takes again
    return Message(made.topic, made.part, record.key, made.value, made.headers, made.event_id)
