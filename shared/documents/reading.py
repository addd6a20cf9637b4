"""What the API tells of documents: versions with their history, what is in force where, whether a publication is on its way."""

from __future__ import annotations

from typing import Any

import msgspec

from shared import clock
from shared.database import Pool
from shared.documents.inforce import version_of

# The versions of a kind ($1), or one of them ($2), each with when it came into force: once for each command, though every number has its own moment.
_VERSIONS = """
SELECT d.version, d.id, d.text, d.author, d.note, d.known_at,
       ARRAY(SELECT json_build_object('at', min(p.in_force_at), 'by', min(p.author), 'note', min(p.note), 'numbers', count(*),
                                      'options', min(p.options))::text
               FROM publication p WHERE p.kind = d.kind AND p.version = d.version AND NOT p.is_draft
              GROUP BY p.command_id ORDER BY min(p.in_force_at)) AS published
  FROM document d
 WHERE d.kind = $1 AND ($2::text IS NULL OR d.version = $2)
 ORDER BY d.known_at DESC, d.version
"""

# What each number was told last.
_IN_FORCE = """
SELECT DISTINCT ON (part) part, version, in_force_at FROM publication WHERE kind = $1 AND NOT is_draft ORDER BY part, seq DESC
"""

# The versions that were published, the latest first.
_PUBLISHED = """
SELECT min(version), min(in_force_at) FROM publication WHERE kind = $1 AND NOT is_draft GROUP BY command_id ORDER BY 2 DESC LIMIT 1000
"""

# Commands of this kind that some numbers have and others do not: for a minute it may be on its way, then it never was complete.
_UNDER_WAY = """
SELECT EXISTS (SELECT FROM publication p JOIN command c USING (command_id)
                WHERE p.kind = $1 AND c.status = 'pending' AND p.in_force_at > now() - interval '1 minute')
"""


async def versions(pool: Pool, *, kind: str, first: str) -> list[dict[str, Any]]:
    """Every version without its text, the latest first; what the service was started with (`first`) is there too."""
    found = [_shown(row) for row in await pool.fetch(_VERSIONS, kind, None)]
    for one in found:
        del one["text"]
    file = version_of(first)
    if all(one["version"] != file for one in found):
        found.append({"version": file, "file": True})
    return found


async def version(pool: Pool, *, kind: str, version: str) -> dict[str, Any] | None:
    """One version with its text, or None."""
    row = await pool.fetchrow(_VERSIONS, kind, version)
    return None if row is None else _shown(row)


async def in_force(pool: Pool, *, kind: str, partitions: int, first: str) -> list[dict[str, Any]]:
    """Which version is in force in which numbers, and since when the last of them; the one in most numbers first."""
    last = {row["part"]: row for row in await pool.fetch(_IN_FORCE, kind)}
    found: dict[str, dict[str, Any]] = {}
    for part in range(partitions):
        row = last.get(part)
        one = found.setdefault(first if row is None else row["version"], {"numbers": [], "since": None})
        one["numbers"].append(part)
        if row is not None:
            one["since"] = max(one["since"] or row["in_force_at"], row["in_force_at"])
    return [
        {"version": version, "numbers": one["numbers"], "since": one["since"] and clock.text(one["since"])}
        for version, one in sorted(found.items(), key=lambda found: -len(found[1]["numbers"]))
    ]


async def previous(pool: Pool, *, kind: str, first: str) -> str | None:
    """The version that was in force before the present one: of the publications, or what the service was started with; None where it is that."""
    versions = [version for version, _ in await pool.fetch(_PUBLISHED, kind)]
    return next((one for one in [*versions[1:], first] if one != versions[0]), None) if versions else None


async def is_under_way(pool: Pool, *, kind: str) -> bool:
    """Whether a publication of this kind has come to some numbers and not to all."""
    return bool(await pool.fetchval(_UNDER_WAY, kind))


def _shown(row: Any) -> dict[str, Any]:
    published = [msgspec.json.decode(one) for one in row["published"]]
    for one in published:
        one["options"] = msgspec.json.decode(one["options"])
    said = {
        "version": row["version"],
        "id": row["id"],
        "text": row["text"],
        "by": row["author"],
        "note": row["note"],
        "known_at": clock.text(row["known_at"]),
        "published": [{name: value for name, value in one.items() if value not in (None, {})} for one in published],
    }
    return {name: value for name, value in said.items() if value is not None}
