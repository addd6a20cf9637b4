"""What is still to be told, as rows: what the clock brings of it, what it is about, and keeping it. What is told of it is the domain's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.enrich.domain.world import Untold
from services.enrich.store import identity
from services.enrich.store import rows as row_of
from services.enrich.store.rows import World
from shared import clock, ids
from shared.stage import Input, Tx


async def due(tx: Tx, until: Mapping[int, datetime], limit: int) -> list[Input]:
    """What these numbers have still to tell, what was left first."""
    # In the order in which it was left.
    rows = await tx.fetch(
        """
        SELECT lead_id, event_id::text, revision, withdrawn, history, part, at FROM untold WHERE part = ANY ($1::int[]) ORDER BY at, seq LIMIT $2
        """,
        list(until),
        limit,
    )
    found = []
    for lead_id, event_id, revision, withdrawn, history, part, at in rows:
        id_ = ids.timer_id(lead_id, f"tell {event_id} {revision} {withdrawn}", clock.to_ms(at))
        found.append(Input(id_, Untold(lead_id, event_id, revision, withdrawn, history, part, at), at, part))
    return found


async def subjects(tx: Tx, world: World, untold: Sequence[Untold], locked: set[str]) -> None:
    """Puts the leads and activities that these are about into the world, the leads locked.

    Raises asyncpg.LockNotAvailableError when another instance works on one of them: they may be out of order.
    """
    if not untold:
        return
    await identity.lock_leads(tx, {one.lead_id for one in untold}, locked)
    await row_of.leads(tx, world, list({one.lead_id for one in untold if ("lead", one.lead_id) not in world}))
    # The activities, whoever they are of now.
    for row in await tx.fetch(
        f"SELECT {row_of.ACTIVITY} FROM activity WHERE event_id = ANY ($1::uuid[])", [one.event_id for one in untold]
    ):
        row_of.kept(world, row)


async def save(tx: Tx, untold: Mapping[tuple[str, str, bool], Untold | None]) -> None:
    """Keeps what is to be told until it was."""
    left = [one for one in untold.values() if one is not None]
    # What was told is told; what is left comes behind all that waits.
    await tx.execute(
        """
        WITH told AS (
            DELETE FROM untold AS u USING unnest($1::text[], $2::uuid[], $3::boolean[]) AS t (lead_id, event_id, withdrawn)
             WHERE (u.lead_id, u.event_id, u.withdrawn) = (t.lead_id, t.event_id, t.withdrawn)
        )
        INSERT INTO untold (lead_id, event_id, withdrawn, revision, history, part, at)
        SELECT * FROM unnest($4::text[], $5::uuid[], $6::boolean[], $7::int[], $8::boolean[], $9::int[], $10::timestamptz[])
            ON CONFLICT (lead_id, event_id, withdrawn) DO UPDATE
           SET revision = excluded.revision, history = excluded.history, part = excluded.part, at = excluded.at
        """,
        [lead_id for (lead_id, _, _), one in untold.items() if one is None],
        [event_id for (_, event_id, _), one in untold.items() if one is None],
        [withdrawn for (_, _, withdrawn), one in untold.items() if one is None],
        [one.lead_id for one in left],
        [one.event_id for one in left],
        [one.withdrawn for one in left],
        [one.revision for one in left],
        [one.history for one in left],
        [one.part for one in left],
        [one.at for one in left],
    )
