"""The two tables of documents in a service's store: texts that were ever published or drafted, and what came into force where and when."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Hashable, Mapping, MutableMapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from shared.database import Pool
from shared.documents.inforce import Documents, Publication
from shared.documents.record import Given
from shared.stage import Input, Tx

_turns: WeakKeyDictionary[Documents[Any], asyncio.Lock] = WeakKeyDictionary()


async def load(_: Tx, __: Sequence[Input]) -> MutableMapping[Hashable, Any]:
    """Nothing: whether a document is taken depends on itself alone."""
    return {}


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    """Keeps documents and, of those that were published, the publications of these numbers; a command whose last number this was is done."""
    given: list[Given] = list(changes.values())
    first: dict[tuple[str, str], Given] = {}
    for one in sorted(given, key=lambda one: (one.document.kind, one.document.version, one.at, one.part)):
        first.setdefault((one.document.kind, one.document.version), one)
    # Numbers of one command that different instances own: the one that comes later sees what the other wrote.
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM unnest($1::text[]) AS c (id) ORDER BY id",
        sorted({one.command_id for one in given}),
    )
    # Each text once, with whoever gave it first: a number that is read later may have been told earlier.
    await tx.execute(
        """
        INSERT INTO document AS d (kind, version, id, text, author, note, known_at)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
        ON CONFLICT (kind, version) DO UPDATE SET author = excluded.author, note = excluded.note, known_at = excluded.known_at
         WHERE excluded.known_at < d.known_at
        """,
        [kind for kind, _ in first],
        [version for _, version in first],
        [one.document.id for one in first.values()],
        [one.document.text for one in first.values()],
        [one.author for one in first.values()],
        [one.document.note for one in first.values()],
        [one.at for one in first.values()],
    )
    # What came into force, a row a number. Drafts came to be known only: they have a row as well, so that the last number can be told.
    await tx.execute(
        """
        INSERT INTO publication (kind, part, seq, version, in_force_at, is_draft, command_id, author, note, options)
        SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::timestamptz[], $6::bool[], $7::uuid[], $8::text[], $9::text[],
                             $10::text[])
        ON CONFLICT DO NOTHING
        """,
        [one.document.kind for one in given],
        [one.part for one in given],
        [one.seq for one in given],
        [one.document.version for one in given],
        [one.at for one in given],
        [not one.document.published for one in given],
        [one.command_id for one in given],
        [one.author for one in given],
        [one.document.note for one in given],
        [msgspec.json.encode(one.document.options).decode() for one in given],
    )
    # Commands of which every number has come.
    await tx.execute(
        """
        INSERT INTO command AS c (command_id, status, result)
        SELECT command_id, 'done', version FROM unnest($1::uuid[], $2::int[], $3::text[]) AS g (command_id, numbers, version)
         WHERE (SELECT count(*) FROM publication AS p WHERE p.command_id = g.command_id) >= numbers
        ON CONFLICT (command_id) DO UPDATE SET status = excluded.status, result = excluded.result
        """,
        *map(list, zip(*{(one.command_id, one.document.numbers, one.document.version) for one in given}, strict=True)),
    )


async def refresh(pool: Pool, documents: Documents[Any], *, parts: Collection[int]) -> None:
    """Tells `documents` what is in force in these numbers and was. The shell does so for the numbers that are held; who asks about another one
    does so first. Raises Unusable when a document in force can't be used by this version of the service.

    One at a time: of two, the one that looked later tells last. Else what came into force between them would be forgotten again."""
    async with _turns.setdefault(documents, asyncio.Lock()):
        await _refresh(pool, documents, parts)


async def _refresh(pool: Pool, documents: Documents[Any], parts: Collection[int]) -> None:
    # What is in force where, and was.
    rows = await pool.fetch(
        "SELECT part, seq, in_force_at, version, options FROM publication WHERE kind = $1 AND part = ANY ($2::int[]) AND NOT is_draft ORDER BY part, seq",
        documents.kind,
        list(parts),
    )
    found: dict[int, list[Publication]] = {part: [] for part in parts}
    for part, seq, at, version, options in rows:
        found[part].append(Publication(part, seq, at, version, msgspec.json.decode(options)))
    # Their texts.
    texts = await pool.fetch(
        "SELECT version, text FROM document WHERE kind = $1 AND version = ANY ($2::text[])",
        documents.kind,
        list({row["version"] for row in rows}),
    )
    for part, publications in found.items():
        documents.take_in(part, publications, {row["version"]: row["text"] for row in texts})
