"""What commands are about, and what operators have said: loaded for a batch that holds commands, and kept."""

from __future__ import annotations

from collections.abc import Sequence

from services.enrich.domain import command
from services.enrich.domain.world import Command, Ruling
from services.enrich.store import identity
from services.enrich.store import rows as row_of
from services.enrich.store.rows import World
from shared.stage import Tx


async def subjects(tx: Tx, world: World, commands: Sequence[Command], locked: set[str]) -> None:
    """Puts the activities that these commands are about, their leads, and what was said about them before, into the world; all of it locked.

    Raises asyncpg.LockNotAvailableError when another instance works on one of them: what is locked here comes out of order, so
    waiting for it could be waiting in a circle.
    """
    wanted = sorted({event_id for one in commands for event_id in command.events(one)})
    # Lock these event ids, known or not, without waiting.
    await tx.execute("SELECT lock_events($1::uuid[])", wanted)
    while True:
        # The activities that are known.
        rows = await tx.fetch(f"SELECT {row_of.ACTIVITY} FROM activity WHERE event_id = ANY ($1::uuid[])", wanted)
        others = {row["lead_id"] for row in rows if row["lead_id"] is not None}
        if others <= locked:
            break
        await identity.lock_leads(
            tx, others, locked
        )  # and look again: until then an activity may have become another's
    for row in rows:
        row_of.kept(world, row)
    await row_of.leads(
        tx, world, [lead_id for row in rows if (lead_id := row["lead_id"]) and ("lead", lead_id) not in world]
    )
    await rulings(tx, world, wanted)


async def rulings(tx: Tx, world: World, event_ids: Sequence[str]) -> None:
    """Puts what operators have said about these activities into the world."""
    # What was said last about each.
    for row in await tx.fetch(
        "SELECT event_id, at, command_id, human, by, reason FROM ruling WHERE event_id = ANY ($1::uuid[])", event_ids
    ):
        event_id = str(row["event_id"])
        world["ruling", event_id] = Ruling(
            event_id, row["at"], str(row["command_id"]), row["human"], row["by"], row["reason"]
        )


async def rule(tx: Tx, given: Sequence[Ruling]) -> None:
    """Keeps what operators have said last."""
    # One row an activity, known or not.
    await tx.execute(
        """
        INSERT INTO ruling (event_id, at, command_id, human, by, reason)
        SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::float8[], $5::text[], $6::text[])
        ON CONFLICT (event_id) DO UPDATE
           SET at = excluded.at, command_id = excluded.command_id, human = excluded.human, by = excluded.by, reason = excluded.reason
        """,
        [one.event_id for one in given],
        [one.at for one in given],
        [one.command_id for one in given],
        [one.human for one in given],
        [one.by for one in given],
        [one.reason for one in given],
    )
