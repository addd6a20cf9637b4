"""Commands: what somebody asks of enrich on leads.commands.v1, read, and decided on by kind. What a kind does stands in a module of its own.

A command's effect follows from the set of events and commands, not from the order in which they arrive: so what a command says is kept,
also of what is not known yet, and of several about the same the latest counts, then the greater command id.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from services.enrich.domain import asking, judge, revising
from services.enrich.domain.leads import KEEPING
from services.enrich.domain.world import Asked, Changes, Command, Human, Owed, Ruling, World
from shared import clock, cloudevent, submission
from shared.contracts import Moment
from shared.outcome import CommandResult, Decision, Outcome, Reason, Reject
from shared.stage import Input, Record

_Text = Annotated[str, Meta(max_length=500)]
_LONGEST_ID = 200


class _Kind(Struct):
    kind: str


class _Command(Struct):
    """lead.command, as much as is needed of it."""

    event_id: str
    issued_at: Moment
    lead_id: str | None = None
    by: _Text | None = None
    payload: msgspec.Raw = msgspec.Raw(b"{}")


class _Human(Struct):
    event_id: str
    human: Annotated[float, Meta(ge=0, le=1)]
    reason: _Text | None = None


_kind = msgspec.json.Decoder(_Kind).decode
_command = msgspec.json.Decoder(_Command).decode
_human = msgspec.json.Decoder(_Human).decode


def decode(record: Record) -> Input | Reject | None:
    """The command of a record; None for those of others. What is no command at all is refused by whoever reads it, so by enrich too.

    What can't be carried out as it is written is still an Input where its id can be read, so that who gave it learns of it.
    """
    value = submission.cleaned(record.value) if b"\\" in record.value else record.value
    try:
        read = _READ.get(_kind(value).kind)
        if read is None:
            return None
        said = _command(value)
    except msgspec.ValidationError:
        return Reject(Reason.INVALID, "is no command")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Reject(Reason.UNDECODABLE, "is not JSON")
    if not cloudevent.is_uuid(said.event_id):
        return Reject(Reason.INVALID, "event_id is no UUID")
    asked: Asked | Reject
    if said.lead_id is not None and len(said.lead_id) > _LONGEST_ID:
        asked = Reject(Reason.INVALID, f"lead_id has more than {_LONGEST_ID} characters")
    else:
        try:
            asked = read(said.payload)
        except msgspec.MsgspecError as error:
            asked = Reject(Reason.INVALID, str(error))  # names types and places, never values
    command_id = str(uuid.UUID(said.event_id))
    now = clock.from_ms(record.timestamp_ms)
    at = min(said.issued_at, now)  # a clock that is ahead would have the last word for ever
    event = asked if isinstance(asked, Reject) else Command(command_id, at, said.lead_id, said.by, asked)
    return Input(command_id, event, now, record.part, record)


def _read_human(payload: msgspec.Raw) -> Human | Reject:
    said = _human(payload)
    if not cloudevent.is_uuid(said.event_id):
        return Reject(Reason.INVALID, "payload.event_id is no activity's id")
    return Human(str(uuid.UUID(said.event_id)), said.human, said.reason)


# How the payload of each kind of ours is read. Raises msgspec's errors.
_READ: dict[str, Callable[[Any], Asked | Reject]] = {
    "human": _read_human,
    "merge": asking.read_merge,
    "split": asking.read_split,
    "review": asking.read_answer,
}


def events(command: Command) -> list[str]:
    """The activities that a command is about: they and their leads are in the world, as far as they are known, when it is decided on."""
    match command.asked:
        case Human() as asked:
            return [asked.event_id]
        case _:
            return []  # their leads, as judge.py asks for them


def decide(world: World, input_: Input, *, secret: bytes) -> Outcome:
    """What the command of `input_` changes. In a rebuild it waits until all is there that the topic tells of."""
    command: Command | Reject = input_.event
    if isinstance(command, Reject):
        return command
    owed = "owed", command.command_id
    if KEEPING in world and input_.record is not None:
        waiting = CommandResult(command.command_id, "pending")
        told = ("told", command.command_id) in world
        changes: Changes = {owed: Owed(input_.part, input_.now, replace(command, told=True) if told else command)}
        if isinstance(
            command.asked, Human
        ):  # the last word is kept already, so that an earlier one does not count for a moment
            ruling = revising.said(command, command.asked)
            last: Ruling | None = world.get(("ruling", ruling.event_id))
            if last is None or last.rank < ruling.rank:
                changes["ruling", ruling.event_id] = ruling
        return Decision(changes, commands=[waiting])
    decision = _decided(world, input_, command, secret)
    if input_.record is not None:
        return decision
    if isinstance(decision, Reject):
        refused = CommandResult(command.command_id, "refused", f"{decision.reason}: {decision.detail}")
        return Decision({owed: None}, commands=[refused])
    results = decision.commands or [CommandResult(command.command_id, "done")]
    return Decision({**decision.changes, owed: None}, decision.emit, results)


def _decided(world: World, input_: Input, command: Command, secret: bytes) -> Decision | Reject:
    match command.asked:
        case Human() as asked:
            return revising.rule(world, input_, command, asked, secret=secret)
        case asked:
            return judge.decide(world, input_, command, asked, secret=secret)
