"""Dead letters as the console keeps them: reading one from its topic, and what may be done with it. No IO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from shared import clock, cloudevent, ids
from shared.contracts import Command, Dead, Place
from shared.outcome import Decision, Reason, Reject
from shared.stage import Input, Record, World
from shared.topology import BY_NAME, COMMANDS

REPLAY = "dead.replay"  # the kind of command that notes a replay
REPLAY_OF = "replay-of"  # the header of a replayed record: the dead letter's id

_dead = msgspec.json.Decoder(Dead).decode
_command = msgspec.json.Decoder(Command).decode
_LARGEST_PART = 2**31 - 1
_LARGEST_OFFSET = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Kept:
    """A dead letter to keep."""

    dead: Dead
    replay_of: str | None  # the dead letter whose replay died here


@dataclass(frozen=True, slots=True)
class Replayed:
    """A note that a dead letter was sent again."""

    command_id: str
    dead_id: str
    at: Any


def decode(record: Record) -> Input | Reject:
    """A record of leads.dead.v1 or of leads.commands.v1.

    What is no dead letter on leads.dead.v1 is kept as a dead letter of the console's own, so that whatever stands there can be
    listed, and nothing that the console refuses comes back to it. Commands of others pass.
    """
    now = clock.from_ms(record.timestamp_ms)
    if record.topic == COMMANDS.name:
        try:
            command = _command(record.value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return Input(_id_of_place(record), None, now, record.part, record)  # whom it concerns says what is wrong
        if not cloudevent.is_uuid(command.event_id):
            return Input(_id_of_place(record), None, now, record.part, record)
        return Input(command.event_id, _replayed(command), now, record.part, record)
    kept = read(record)
    return Input(kept.dead.event_id, kept, now, record.part, record)


def read(record: Record) -> Kept:
    """The dead letter in a record, or the record itself as one."""
    try:
        dead = _dead(record.value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Kept(_itself(record, Reason.UNDECODABLE), None)
    if not _can_be_kept(dead):
        return Kept(_itself(record, Reason.INVALID), None)
    replay_of = dict(dead.headers).get(REPLAY_OF, b"").decode("ascii", "replace")
    return Kept(dead, replay_of if cloudevent.is_uuid(replay_of) else None)


def decide(_: World, input_: Input) -> Decision:
    """Everything is kept."""
    match input_.event:
        case Kept() | Replayed() as found:
            return Decision({input_.event_id: found})
        case _:
            return Decision()


def why_not(place: Place, *, partitions: int) -> str | None:
    """Why a dead letter of this place can't be sent again, as a sentence; None when it can."""
    if place.topic == "http":
        return "It was refused at capture's door and never stood on a topic. Send the event again, corrected: its body is in `leads dead show`."
    if place.topic == "timer":
        return (
            "It was a timer of the service itself, not a record. Mend the cause; the timer falls due again by itself."
        )
    topic = BY_NAME.get(place.topic)
    if topic is None or place.partition >= partitions:
        return f"Its place {place.topic}/{place.partition} is none of this stack's topics, so there is nowhere to send it to."
    if topic.transactional:
        return f"{topic.name} is written in transactions by its one writer only. Nothing of ours reads it, so nothing can have died there."
    return None


def replay_headers(dead: Dead) -> list[tuple[str, bytes]]:
    """The original headers, and which dead letter this is a replay of."""
    return [
        *((name, value) for name, value in dead.headers if name != REPLAY_OF),
        (REPLAY_OF, dead.event_id.encode()),
    ]


def _replayed(command: Command) -> Replayed | None:
    dead_id = command.payload.get("dead_id")
    if command.kind != REPLAY or not isinstance(dead_id, str) or not cloudevent.is_uuid(dead_id):
        return None
    return Replayed(command.event_id, dead_id, command.issued_at)


def _can_be_kept(dead: Dead) -> bool:
    """Whether Postgres takes it: ids are UUIDs, numbers fit, texts hold no NUL. Ours always can; anybody may write to the topic."""
    texts = (dead.service, dead.reason, dead.detail, dead.place.topic)
    return (
        cloudevent.is_uuid(dead.event_id)
        and not any("\0" in text for text in texts)
        and 0 <= dead.place.partition <= _LARGEST_PART
        and 0 <= dead.place.offset <= _LARGEST_OFFSET
    )


def _itself(record: Record, reason: Reason) -> Dead:
    return Dead(
        event_id=_id_of_place(record),
        service="console",
        reason=reason,
        detail="no dead letter",
        place=Place(topic=record.topic, partition=record.part, offset=record.offset),
        at=clock.from_ms(record.timestamp_ms),
        value=record.value,
        key=record.key,
        headers=list(record.headers.items()),
    )


def _id_of_place(record: Record) -> str:
    return ids.dead_id("console", record.topic, record.part, record.offset)
