"""A test stage: adds numbers up per key, tells the new sum, hands over every tenth time exactly once, and rings timers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from shared import clock, ids
from shared.outcome import Decision, Outcome, Outgoing, Reason, Reject
from shared.stage import Input, Record, Stage, Tx, World
from shared.topology import Topic

MIGRATIONS = Path(__file__).parent / "migrations"


class Added(Struct, frozen=True):
    """One number for one key. `do` asks for trouble: raise, refuse (by a constraint of the store), reject, big."""

    event_id: str
    key: str
    n: int
    do: str = ""
    ring_in_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Ring:
    """A timer of `key` that fell due."""

    key: str


@dataclass(frozen=True, slots=True)
class Sum:
    """What is known of one key."""

    key: str
    part: int
    total: int = 0
    count: int = 0
    rings: int = 0
    due_at: datetime | None = None


_decode = msgspec.json.Decoder(Added).decode


def decode(record: Record) -> Input | Reject:
    added = _decode(record.value)
    return Input(added.event_id, added, clock.from_ms(record.timestamp_ms), record.part, record)


async def load(tx: Tx, inputs: Sequence[Input]) -> MutableMapping[Hashable, Any]:
    keys = sorted({input_.event.key for input_ in inputs})
    rows = await tx.fetch("SELECT * FROM tally WHERE key = ANY ($1) ORDER BY key FOR UPDATE", keys)
    return {row["key"]: Sum(**dict(row)) for row in rows}


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    sums = sorted(changes.values(), key=lambda one: one.key)
    await tx.execute(
        """
        INSERT INTO tally (key, part, total, count, rings, due_at)
        SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::int[], $5::int[], $6::timestamptz[])
        ON CONFLICT (key) DO UPDATE SET total = excluded.total, count = excluded.count, rings = excluded.rings,
            due_at = excluded.due_at
        """,
        [one.key for one in sums],
        [one.part for one in sums],
        [one.total for one in sums],
        [one.count for one in sums],
        [one.rings for one in sums],
        [one.due_at for one in sums],
    )


async def due(tx: Tx, watermarks: Mapping[int, datetime], limit: int) -> Sequence[Input]:
    rows = await tx.fetch(
        """
        SELECT key, tally.part, due_at FROM tally JOIN unnest($1::int[], $2::timestamptz[]) AS w(part, up_to) USING (part)
         WHERE due_at <= up_to ORDER BY due_at, key LIMIT $3
        """,
        list(watermarks),
        list(watermarks.values()),
        limit,
    )
    return [
        Input(
            ids.timer_id(row["key"], "ring", clock.to_ms(row["due_at"])), Ring(row["key"]), row["due_at"], row["part"]
        )
        for row in rows
    ]


def counted(event: Added, before: Sum, now: datetime) -> Sum | Outcome:
    """The sum with one number more, or the trouble that the event asks for."""
    match event.do:
        case "raise":
            raise KeyError("in decide")
        case "reject":
            return Reject(Reason.INVALID, "asked for")
        case "refuse":
            return Decision({event.key: replace(before, total=-1_000_000)})
    due_at = before.due_at if event.ring_in_ms is None else now + timedelta(milliseconds=event.ring_in_ms)
    return replace(before, total=before.total + event.n, count=before.count + 1, due_at=due_at)


def stage(*, reads: Topic, sums: Topic, tens: Topic, name: str = "tally") -> Stage:
    """The stage over three topics; every tenth number of a key is told on `tens`, which is transactional."""

    def told(topic: Topic, type_: str, input_: Input, one: Sum, pad: str = "") -> Outgoing:
        id_ = ids.event_id(name, input_.event_id, one.key, one.count, type_)
        data = msgspec.json.encode(
            {"event_id": id_, "key": one.key, "total": one.total, "count": one.count, "rings": one.rings, "pad": pad}
        )
        return Outgoing(topic, one.key, type_, id_, data)

    def decide(world: World, input_: Input) -> Outcome:
        event = input_.event
        before: Sum = world.get(event.key) or Sum(event.key, input_.part)
        if isinstance(event, Ring):
            rung = replace(before, rings=before.rings + 1, due_at=None)
            return Decision({event.key: rung}, [told(sums, "tally.rang", input_, rung)])
        after = counted(event, before, input_.now)
        if not isinstance(after, Sum):
            return after
        emit = [told(sums, "tally.summed", input_, after, pad="x" * 2_000_000 if event.do == "big" else "")]
        if after.count % 10 == 0:
            emit.append(told(tens, "tally.ten", input_, after))
        return Decision({event.key: after}, emit)

    return Stage(name, (reads,), (sums, tens), decode, load, decide, save, due)
