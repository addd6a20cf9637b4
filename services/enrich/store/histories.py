"""What a decision needs beyond a batch's own leads: visits on a cookie, a crowd's moments, a lead's whole history; with the leads locked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from asyncpg import Record as Row

from services.enrich.domain import crowd
from services.enrich.domain.cookies import HISTORY_EVENTS
from services.enrich.domain.lacking import names_of
from services.enrich.domain.world import Cookie, Identifier, Kept, Moments, NotLoaded, Visits
from services.enrich.store import identity
from services.enrich.store.rows import ACTIVITY, World, identifiers, kept, lead, leads
from shared.stage import Tx


async def visits(tx: Tx, world: World, lack: NotLoaded, locked: set[str]) -> None:
    """The activities on these cookies since the time that matters, and the leads that they are of, locked."""
    while True:
        # On each cookie: everything since the last identification before that time; where there is none, the latest before it.
        rows = await tx.fetch(
            """
            SELECT a.event_id, a.lead_id, a.revision, a.verdict, a.cookie, a.happened, a.apart
              FROM unnest($1::text[], $2::timestamptz[]) AS c(cookie, since)
              LEFT JOIN LATERAL (SELECT max(b.occurred_at) AS at FROM activity AS b
                                  WHERE b.cookie = c.cookie AND b.occurred_at < c.since AND b.identified) AS base ON true
             CROSS JOIN LATERAL (
                   SELECT * FROM activity AS a WHERE a.cookie = c.cookie AND a.occurred_at >= coalesce(base.at, c.since)
                    UNION ALL
                  (SELECT * FROM activity AS a WHERE a.cookie = c.cookie AND a.occurred_at < c.since AND base.at IS NULL
                    ORDER BY a.occurred_at DESC, a.event_id DESC LIMIT $3)) AS a
            """,
            list(lack.cookies),
            list(lack.cookies.values()),
            HISTORY_EVENTS,
        )
        others = {row["lead_id"] for row in rows if row["lead_id"] is not None}
        if others <= locked:
            break
        await identity.lock_leads(tx, others, locked)  # and look again
    on: dict[str, list[str]] = {cookie: [] for cookie in lack.cookies}
    for row in rows:
        on[row["cookie"]].append(kept(world, row))
    for cookie, since in lack.cookies.items():
        world["visits", cookie] = Visits(since, tuple(on[cookie]))
    await _their_leads(tx, world, rows)


async def moments(tx: Tx, world: World, lack: NotLoaded, locked: set[str]) -> None:
    """The activities of these crowds at these moments, and the leads that they are of, locked."""
    spans = {crowd_: crowd.merged(wanted) for crowd_, wanted in lack.moments.items()}
    asked = [(crowd_, _lead(world, crowd_), *span) for crowd_, theirs in spans.items() for span in theirs]
    while True:
        # On a cookie all that was done on it; of a person what its lead did without a cookie.
        rows = await tx.fetch(
            """
            SELECT c.crowd, a.event_id, a.lead_id, a.revision, a.verdict, a.happened, a.apart
              FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) AS c(crowd, lead_id, since, until)
             CROSS JOIN LATERAL (
                   SELECT * FROM activity AS a WHERE c.lead_id IS NULL AND a.cookie = c.crowd AND a.occurred_at BETWEEN c.since AND c.until
                    UNION ALL
                   SELECT * FROM activity AS a WHERE a.lead_id = c.lead_id AND a.cookie IS NULL AND a.occurred_at BETWEEN c.since AND c.until) AS a
            """,
            *(list(column) for column in zip(*asked, strict=True)),
        )
        others = {row["lead_id"] for row in rows if row["lead_id"] is not None}
        if others <= locked:
            break
        await identity.lock_leads(tx, others, locked)  # and look again
    found: dict[str, list[str]] = {crowd_: [] for crowd_ in spans}
    for row in rows:
        event_id = kept(world, row)
        if world["activity", event_id].happened.crowd == row["crowd"]:
            found[row["crowd"]].append(event_id)
    for crowd_, theirs in spans.items():
        before: Moments = world.get(("moments", crowd_)) or Moments(spans=())
        events = tuple(dict.fromkeys((*before.events, *found[crowd_])))
        world["moments", crowd_] = Moments(events, (*(before.spans or ()), *theirs))
    await _their_leads(tx, world, rows)


def _lead(world: World, crowd_: str) -> str | None:
    """The lead of a person who acts without a cookie."""
    row: Identifier | Cookie | None = world.get(("identifier", crowd_))
    return row.lead_id if isinstance(row, Identifier) else None


async def _their_leads(tx: Tx, world: World, rows: Sequence[Row]) -> None:
    await leads(tx, world, [lead_id for row in rows if (lead_id := row["lead_id"]) and ("lead", lead_id) not in world])


async def whole(tx: Tx, world: World, wanted_leads: Iterable[str], locked: set[str]) -> None:
    """Everything about these leads: activities, identifiers, and the leads that they absorbed; those that a command names are locked now."""
    wanted = sorted(wanted_leads)
    await identity.lock_leads(tx, set(wanted), locked)
    await leads(tx, world, [id_ for id_ in wanted if ("lead", id_) not in world])
    for id_ in wanted:
        world.setdefault(("lead", id_), None)
    history: dict[str, list[str]] = {id_: [] for id_ in wanted}
    found: set[str] = set()
    # All activities of these leads.
    for row in await tx.fetch(f"SELECT {ACTIVITY} FROM activity WHERE lead_id = ANY ($1::text[])", wanted):
        event_id = kept(world, row)
        history[row["lead_id"]].append(event_id)
        one: Kept = world["activity", event_id]
        found.update(names_of(one.happened))
        if one.apart is not None:
            found.add(one.apart.to)
    await identifiers(tx, world, sorted(name for name in found if ("identifier", name) not in world))
    absorbed: dict[str, list[str]] = {id_: [] for id_ in wanted}
    # The leads that these absorbed.
    for row in await tx.fetch(
        """
        SELECT lead_id, made_at, made_by, profile_version, absorbed_into, state FROM lead WHERE absorbed_into = ANY ($1::text[])
        """,
        wanted,
    ):
        world["lead", row["lead_id"]] = lead(row)
        absorbed[row["absorbed_into"]].append(row["lead_id"])
    for id_ in wanted:
        world["history", id_] = tuple(history[id_])
        world["absorbed", id_] = tuple(absorbed[id_])
