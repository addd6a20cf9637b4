"""Rulings and the review queue as rows, and the evidence of who is who. What they mean is binding.py's and judge.py's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from services.enrich.domain.judgement import Judgement
from services.enrich.domain.review import Review
from services.enrich.domain.world import Answer, Command, Kept, Merge, Split
from services.enrich.store.rows import World, encode, identifiers
from shared.stage import Input, Tx

decode_judgement = msgspec.json.Decoder(Judgement).decode


async def asked(tx: Tx, world: World, inputs: Sequence[Input]) -> list[str]:
    """Puts the questions that these commands answer into the world, and returns the identifiers on which they will depend, as far as can be seen
    before anything is locked."""
    reviews, leads = set[str](), set[str]()
    for input_ in inputs:
        if isinstance(input_.event, Command):
            match input_.event.asked:
                case Answer() as answer:
                    reviews.add(answer.review_id)
                case Merge() as merge:
                    leads.update(merge.lead_ids)
                case Split() as split:
                    leads.add(split.lead_id or input_.event.lead_id or "")
                case _:
                    pass
    if not reviews and not leads:
        return []
    names: set[str] = set()
    # The questions, by their ids as text: what is no id is no question.
    for row in await tx.fetch("SELECT * FROM review WHERE review_id::text = ANY ($1::text[])", list(reviews)):
        world["asked", str(row["review_id"])] = Review(
            row["phone"], row["strong"], row["rule"], (row["at"], str(row["event_id"]))
        )
        names |= {row["phone"], row["strong"]}
    # All that the events of these leads, or of those that they became, name; visits name nobody.
    rows = await tx.fetch(
        """
        SELECT DISTINCT name
          FROM lead AS l
          JOIN activity AS a ON a.lead_id = coalesce(l.absorbed_into, l.lead_id)
         CROSS JOIN LATERAL (SELECT document(a.happened) AS h) AS said
         CROSS JOIN LATERAL (SELECT unnest(ARRAY[h ->> 'email', h ->> 'user', h ->> 'phone', face(h)]) AS name
                              UNION ALL SELECT json_array_elements_text(h -> 'externals') WHERE h -> 'externals' IS NOT NULL) AS named
         WHERE l.lead_id = ANY ($1::text[]) AND a.identified AND name IS NOT NULL
        """,
        list(leads),
    )
    return sorted(names | {row["name"] for row in rows})


async def linked(tx: Tx, world: World, wanted: Sequence[str], locked: set[str]) -> None:
    """Puts these identifiers, known or not, and their leads into the world, locked. Without waiting, since they may be out of order: raises
    LockNotAvailableError where another instance works on them."""
    # Lock the identifiers, all or the transaction is done again.
    free = await tx.fetchval(
        "SELECT bool_and(pg_try_advisory_xact_lock(hashtextextended(name, 2))) FROM unnest($1::text[]) AS name", wanted
    )
    if not free:
        raise asyncpg.LockNotAvailableError("an identifier of these people is another instance's at the moment")
    # The leads that they name.
    rows = await tx.fetch(
        "SELECT DISTINCT lead_id FROM identifier WHERE name = ANY ($1::text[]) AND lead_id IS NOT NULL", wanted
    )
    await lock_leads(tx, {row["lead_id"] for row in rows}, locked)
    await identifiers(tx, world, wanted)
    for name in wanted:
        world.setdefault(("identifier", name), None)


async def lock_leads(tx: Tx, leads: set[str], locked: set[str]) -> None:
    """Locks those of these leads that are not; raises LockNotAvailableError where another instance has one."""
    others = sorted(leads - locked)
    if others:
        # Without waiting, since they may be out of order.
        await tx.execute("SELECT FROM lead WHERE lead_id = ANY ($1::text[]) ORDER BY lead_id FOR UPDATE NOWAIT", others)
        locked.update(others)


async def save(
    tx: Tx, rulings: Sequence[Judgement], reviews: dict[str, Review | None], activities: Sequence[Kept]
) -> None:
    """Writes rulings, what they took off, and what the review queue asks now."""
    apart = [one for one in activities if one.apart is not None]
    if rulings or apart:
        # A ruling, once; and the events that it takes off.
        await tx.execute(
            """
            WITH ruled AS (
                INSERT INTO judgement (command_id, at, document) SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::bytea[])
                ON CONFLICT DO NOTHING
            )
            UPDATE activity AS a SET apart = t.apart FROM unnest($4::uuid[], $5::bytea[]) AS t (event_id, apart) WHERE a.event_id = t.event_id
            """,
            [one.command_id for one in rulings],
            [one.at for one in rulings],
            [encode(one) for one in rulings],
            [one.happened.event_id for one in apart],
            [encode(one.apart) for one in apart],
        )
    if reviews:
        asked = [one for one in reviews.values() if one is not None]
        # What needs no answer any more goes; a number is asked about once, as things are now.
        await tx.execute(
            """
            WITH answered AS (DELETE FROM review WHERE phone = ANY ($1::text[]))
            INSERT INTO review (phone, review_id, strong, rule, event_id, at)
            SELECT * FROM unnest($2::text[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::timestamptz[])
            ON CONFLICT (phone) DO UPDATE SET review_id = excluded.review_id, strong = excluded.strong, rule = excluded.rule,
                event_id = excluded.event_id, at = excluded.at
            """,
            [phone for phone, one in reviews.items() if one is None],
            [one.phone for one in asked],
            [one.review_id for one in asked],
            [one.strong for one in asked],
            [one.rule for one in asked],
            [one.rank[1] for one in asked],
            [one.rank[0] for one in asked],
        )


def sorted_out(changes: Any) -> tuple[list[Judgement], dict[str, Review | None]]:
    """The rulings and questions among the changes of a batch."""
    rulings = [value for key, value in changes.items() if key[0] == "judgement"]
    reviews = {key[1]: value for key, value in changes.items() if key[0] == "review"}
    return rulings, reviews
