"""What each statement of the core and of the tally stage does to the tables in memory. A statement that is not here is an error."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import asyncpg

from tests.simulation.tables import Handler, Row, Session


async def _cursor_begin(s: Session, stage: str, part: int, topics: Sequence[str], begins: Sequence[int]) -> list[Row]:
    for topic, begin in zip(topics, begins, strict=True):
        key = (stage, topic, part)
        if s.get("cursor", key) is None:
            await s.lock("cursor", key)
            if s.get("cursor", key) is None:
                row = {"owner_epoch": 0, "owner": "", "next_offset": begin, "recall_until": None, "fresh": True}
                s.put("cursor", key, row)
    return []


async def _cursor_lock(s: Session, stage: str, part: int) -> list[Row]:
    for key in sorted(key for key, _ in s.scan("cursor") if key[0] == stage and key[2] == part):
        await s.lock("cursor", key)
    return []


async def _cursor_claim(s: Session, stage: str, part: int, owner: str) -> list[Row]:
    epoch = s.tables.next("owner_epoch")
    found: list[Row] = []
    for key, row in list(s.scan("cursor")):
        if key[0] == stage and key[2] == part:
            await s.lock("cursor", key)
            row = {**(s.get("cursor", key) or row), "owner_epoch": epoch, "owner": owner}
            s.put("cursor", key, row)
            found.append({"topic": key[1], **row})
    return found


async def _fence(
    s: Session,
    stage: str,
    topics: Sequence[str],
    parts: Sequence[int],
    epochs: Sequence[int],
    offsets: Sequence[int],
    ids: Sequence[str],
) -> list[Row]:
    # One snapshot for the whole statement: the inbox is read as it was when the statement began.
    inbox = s.tables.table("inbox")
    seen: list[Row] = [{"topic": None, "part": None, "event_id": id_} for id_ in ids if (stage, id_) in inbox]
    mine: list[Row] = []
    for topic, part, epoch, offset in zip(topics, parts, epochs, offsets, strict=True):
        key = (stage, topic, part)
        row = s.get("cursor", key)
        if row is None or row["owner_epoch"] != epoch:
            continue
        await s.lock("cursor", key)
        row = s.get("cursor", key)  # it may have changed while we waited
        if row is None or row["owner_epoch"] != epoch:
            continue
        s.put("cursor", key, {**row, "next_offset": max(row["next_offset"], offset)})
        mine.append({"topic": topic, "part": part, "event_id": None})
    return mine + seen


async def _traces(
    s: Session,
    stage: str,
    acknowledged: Sequence[int],
    ids: Sequence[str],
    times: Sequence[Any],
    parts: Sequence[int],
    packed: Sequence[bytes],
    *_commands: Any,
) -> list[Row]:
    await _sweep(s, acknowledged)
    counted = 0
    for id_, at in zip(ids, times, strict=True):
        key = (stage, id_)
        if s.get("inbox", key) is None:
            await s.lock("inbox", key)
            if s.get("inbox", key) is None:
                s.put("inbox", key, {"at": at})
                counted += 1
    kept: list[Row] = []
    for part, messages in zip(parts, packed, strict=True):
        row = s.tables.next("outbox")
        s.put("outbox", row, {"id": row, "stage": stage, "part": part, "messages": messages})
        kept.append({"id": row, "part": part})
    return [*kept, {"id": None, "part": counted}]


async def _left(s: Session, stage: str, part: int, epoch: int) -> list[Row]:
    if not any(key[0] == stage and key[2] == part and row["owner_epoch"] == epoch for key, row in s.scan("cursor")):
        return []
    return [row for _, row in sorted(s.scan("outbox")) if row["stage"] == stage and row["part"] == part]


async def _sweep(s: Session, acknowledged: Sequence[int]) -> list[Row]:
    for id_ in acknowledged:
        if s.get("outbox", id_) is not None:
            await s.lock("outbox", id_)
            s.put("outbox", id_, None)
    return []


async def _remember(s: Session, stage: str, part: int, *columns: Sequence[Any]) -> list[Row]:
    for id_, topic, type_, subject, value, *_ in zip(*columns, strict=True):
        key = (stage, id_, part)
        if s.get("recalled", key) is None:
            await s.lock("recalled", key)
            s.put("recalled", key, {"topic": topic, "type": type_, "subject": subject, "value": value})
    return []


async def _recall_begin(s: Session, stage: str, part: int, topics: Sequence[str], until: Sequence[int]) -> list[Row]:
    for topic, offset in zip(topics, until, strict=True):
        key = (stage, topic, part)
        if s.get("cursor", key) is not None:
            await s.lock("cursor", key)
            row = s.get("cursor", key) or {}
            s.put("cursor", key, {**row, "recall_until": max(row["recall_until"] or 0, offset)})
    return []


async def _recall_nothing(s: Session, stage: str, part: int) -> list[Row]:
    for key, _ in list(s.scan("cursor")):
        if key[0] == stage and key[2] == part:
            await s.lock("cursor", key)
            s.put("cursor", key, {**(s.get("cursor", key) or {}), "fresh": False})
    return []


async def _recall_phase(s: Session, stage: str, partitions: int) -> list[Row]:
    numbers: dict[int, list[Row]] = {}
    for key, row in s.scan("cursor"):
        if key[0] == stage:
            numbers.setdefault(key[2], []).append(row)
    fresh = {part for part, rows in numbers.items() if any(row["fresh"] for row in rows)}
    begun = {part for part, rows in numbers.items() if any(row["recall_until"] is not None for row in rows)}
    behind = any(row["next_offset"] < (row["recall_until"] or 0) for rows in numbers.values() for row in rows)
    claimed = fresh <= begun and len(numbers) >= partitions
    return [{"claimed": claimed, "read": not behind, "rebuilding": bool(fresh)}]


async def _recall_ends(s: Session, stage: str, part: int, epoch: int) -> list[Row]:
    ended: list[Row] = []
    for key, _ in list(s.scan("cursor")):
        if key[0] == stage and key[2] == part:
            await s.lock("cursor", key)
            row = s.get("cursor", key) or {}
            if row.get("owner_epoch") == epoch:
                s.put("cursor", key, {**row, "recall_until": None, "fresh": False})
                ended.append({"topic": key[1]})
    return ended


async def _recalled_go(s: Session, stage: str, part: int) -> list[Row]:
    for key, _ in list(s.scan("recalled")):
        if key[0] == stage and key[2] == part:
            await s.lock("recalled", key)
            s.put("recalled", key, None)
    return []


async def _known(s: Session, stage: str, ids: Sequence[str]) -> list[Row]:
    wanted = set(ids)
    return [{"event_id": key[1]} for key, _ in s.scan("recalled") if key[0] == stage and key[1] in wanted]


async def _tally_lock(s: Session, keys: Sequence[str]) -> list[Row]:
    for key in keys:
        await s.lock("advisory", key)
    return []


async def _tally_load(s: Session, keys: Sequence[str]) -> list[Row]:
    found: list[Row] = []
    for key in sorted(keys):
        if s.get("tally", key) is not None:
            await s.lock("tally", key)
            row = s.get("tally", key)
            if row is not None:
                found.append(row)
    return found


async def _tally_save(s: Session, *columns: Sequence[Any]) -> list[Row]:
    for key, part, total, count, rings, due_at in zip(*columns, strict=True):
        if total < 0:
            raise asyncpg.CheckViolationError("tally_total_check")
        await s.lock("tally", key)
        before = s.get("tally", key) or {"key": key, "part": part}
        s.put("tally", key, {**before, "total": total, "count": count, "rings": rings, "due_at": due_at})
    return []


async def _tally_due(s: Session, parts: Sequence[int], up_to: Sequence[Any], limit: int) -> list[Row]:
    watermarks = dict(zip(parts, up_to, strict=True))
    due = [
        row
        for _, row in s.scan("tally")
        if row["due_at"] is not None and row["part"] in watermarks and row["due_at"] <= watermarks[row["part"]]
    ]
    return sorted(due, key=lambda row: (row["due_at"], row["key"]))[:limit]


async def _waiting(s: Session, stage: str) -> list[Row]:
    return [{"waiting": sum(row["stage"] == stage for _, row in s.scan("outbox")), "seconds": 0.0}]


_KNOWN: tuple[tuple[str, Handler], ...] = (
    ("INSERT INTO cursor", _cursor_begin),
    ("SELECT id, messages FROM outbox", _left),
    ("SELECT FROM cursor", _cursor_lock),
    ("nextval('owner_epoch')", _cursor_claim),
    ("WITH mine AS", _fence),
    ("WITH swept AS", _traces),
    ("DELETE FROM outbox WHERE id = ANY ($1", _sweep),
    ("INSERT INTO recalled", _remember),
    ("SET recall_until = greatest", _recall_begin),
    ("SET fresh = false WHERE stage = $1 AND part = $2", _recall_nothing),
    ("AS rebuilding", _recall_phase),
    ("SET recall_until = NULL", _recall_ends),
    ("DELETE FROM recalled", _recalled_go),
    ("SELECT event_id::text FROM recalled", _known),
    ("pg_advisory_xact_lock", _tally_lock),
    ("FROM tally WHERE key = ANY", _tally_load),
    ("INSERT INTO tally", _tally_save),
    ("FROM tally JOIN", _tally_due),
    ("SELECT count(*) AS waiting", _waiting),
)


@functools.cache
def handler(sql: str) -> Handler:
    """Who carries out a statement of the core. Raises LookupError for one that the simulation does not know."""
    for fragment, found in _KNOWN:
        if fragment in sql:
            return found
    raise LookupError(f"The simulated Postgres does not know this statement; add it to {__name__}:\n{sql}")
