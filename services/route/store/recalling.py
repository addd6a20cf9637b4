"""What a rebuild of route's store needs of leads.nurture.v1: what it tells of the leads of a batch, and the steps that were taken. Its handovers are read
in batch/loading.py."""

from __future__ import annotations

from collections.abc import Hashable, MutableMapping, Sequence
from typing import Any

from services.route.domain import needs
from services.route.domain.events import Scored
from services.route.domain.nurture import recalled
from services.route.domain.nurture.state import Stored
from services.route.domain.state import READING, Key
from shared.stage import Input, Record, Tx

# What the topic tells of steps under the names of these leads ($1), and of these leads ($2, as recalled.of_lead has them) under any name.
TOLD = """
SELECT event_id::text, about::text, value FROM recalled
 WHERE stage = 'route' AND topic = 'leads.nurture.v1' AND value IS NOT NULL AND (subject = ANY ($1::text[]) OR about = ANY ($2::uuid[]))
 ORDER BY revision
"""

# Steps as the topic tells them, whatever is decided of them meanwhile.
RESTORE = """
INSERT INTO nurture_step AS s (event_id, lead_id, part, track, step, content, channel, at, skipped, because, due_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[],
                     $10::text[], $11::timestamptz[])
ON CONFLICT (event_id) DO UPDATE
   SET lead_id = excluded.lead_id, part = excluded.part, track = excluded.track, step = excluded.step, content = excluded.content,
       channel = excluded.channel, at = excluded.at, skipped = excluded.skipped, because = excluded.because, due_at = excluded.due_at
"""


async def recall(tx: Tx, world: MutableMapping[Hashable, Any], inputs: Sequence[Input], reading: bool) -> None:
    """Puts into `world` what the topic tells of its leads, and whether everything is read again. Stage.recall."""
    world[READING] = reading
    leads = set(needs.lead_ids(inputs))
    for input_ in inputs:
        if type(input_.event) is Scored:
            others = {*(input_.event.absorbed or ()), *(input_.event.restored or ())}
            leads.update(others, *(world.get(Key("absorbs", id_), ()) for id_ in others))
    names = {recalled.of_lead(lead_id): lead_id for lead_id in leads}
    for event_id, about, value in await tx.fetch(TOLD, sorted(leads), sorted(names)):
        if about is None:
            world[Stored("told", event_id)] = recalled.remembered(value)
        elif about in names:
            key = Stored("turned", names[about])
            known = world.get(key, ())
            if all(one.event_id != event_id for one in known):
                world[key] = (*known, recalled.turned(value))


async def restore(tx: Tx, part: int, records: Sequence[Record]) -> None:
    """Keeps the steps that these records of the topic tell of. Stage.restore."""
    rows: dict[str, tuple[Any, ...]] = {}
    for record in records:
        if (one := recalled.step(record)) is not None:
            said = (one.content, one.channel, one.at, one.skipped, one.because, one.due_at)
            rows.setdefault(one.event_id, (one.event_id, one.lead_id, part, one.track, one.step, *said))
    if rows:
        await tx.execute(RESTORE, *(list(column) for column in zip(*rows.values(), strict=True)))
