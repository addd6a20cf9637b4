"""The stage that is simulated: the tally stage, smaller: every second number of a key is told on the transactional topic."""

from __future__ import annotations

from collections.abc import Hashable, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from shared import ids
from shared.outcome import Decision, Outcome, Outgoing
from shared.stage import Input, Stage, Tx, World
from shared.topology import DEAD, Topic
from tests.core import tally

NAME = "tally"
READS = Topic("in", "key", (), (), ())
SUMS = Topic("sums", "key", (), (), ())
TWOS = Topic("twos", "key", (), (), (), transactional=True)
GROUP = f"leadflow-{NAME}"
REFUSED = 1_000_000  # a sum whose timer the store refuses
OUTPUTS = (SUMS.name, TWOS.name, DEAD.name)


def _told(topic: Topic, type_: str, input_: Input, one: tally.Sum) -> Outgoing:
    id_ = ids.event_id(NAME, input_.event_id, one.key, one.count, type_)
    told = {"key": one.key, "total": one.total, "count": one.count, "rings": one.rings, "of": input_.event_id}
    return Outgoing(topic, one.key, type_, id_, msgspec.json.encode(told))


def _decide(world: World, input_: Input) -> Outcome:
    event = input_.event
    before: tally.Sum = world.get(event.key) or tally.Sum(event.key, input_.part)
    if isinstance(event, tally.Ring):
        if before.total == REFUSED:
            return Decision({event.key: replace(before, total=-1)})
        rung = replace(before, rings=before.rings + 1, due_at=None)
        return Decision({event.key: rung}, [_told(SUMS, "tally.rang", input_, rung)])
    after = tally.counted(event, before, input_.now)
    if not isinstance(after, tally.Sum):
        return after
    emit = [_told(SUMS, "tally.summed", input_, after)]
    if after.count % 2 == 0:
        emit.append(_told(TWOS, "tally.two", input_, after))
    return Decision({event.key: after}, emit)


async def _load(tx: Tx, inputs: Sequence[Input]) -> MutableMapping[Hashable, Any]:
    # A key that two numbers meet for the first time at once has no row to lock yet.
    await tx.fetch(
        "SELECT pg_advisory_xact_lock(hashtext(key)) FROM (SELECT DISTINCT unnest($1::text[]) AS key ORDER BY 1) AS k",
        sorted({input_.event.key for input_ in inputs}),
    )
    return await tally.load(tx, inputs)


STAGE = Stage(NAME, (READS,), (SUMS, TWOS), tally.decode, _load, _decide, tally.save, tally.due)
WITHOUT_CLOCK = Stage(
    NAME, (READS,), (SUMS, TWOS), tally.decode, _load, _decide, tally.save
)  # where no input sets a timer
