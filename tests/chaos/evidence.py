"""Looks at what a run has left: every physical record of every topic, and what the stores hold. Judges nothing."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from shared.reader import read
from shared.stage import Record as Raw
from shared.topology import BY_NAME, DEAD, HANDOVER, TOPICS
from tests.chaos.history import Place, Record, Stores
from tests.chaos.records import MARK
from tests.chaos.rig import MOVED, Rig

ALL_TOPICS = tuple(topic.name for topic in TOPICS)


async def records(
    rig: Rig, *, beyond: dict[tuple[str, int], int] | None = None, topics: Sequence[str] = ALL_TOPICS
) -> list[Record]:
    """Every record on these topics (or those beyond given ends), also those of transactions that were aborted."""
    begins = beyond or {(topic, part): 0 for topic in topics for part in range(rig.facts.partitions)}
    committed = set()
    places = {place: offset for place, offset in begins.items() if place[0] == HANDOVER.name}
    if places:
        async for record in read(rig.layout.kafka, places, committed_only=True):
            committed.add(Place(record.topic, record.part, record.offset))
    found = []
    async for record in read(rig.layout.kafka, begins, committed_only=False):
        place = Place(record.topic, record.part, record.offset)
        found.append(seen(record, committed=record.topic != HANDOVER.name or place in committed))
    return found


async def ends(rig: Rig) -> dict[tuple[str, int], int]:
    """Where every topic ends now."""
    return await rig.ends([topic.name for topic in TOPICS])


def seen(record: Raw, *, committed: bool) -> Record:
    """A physical record as the checker sees it; of what is no event of ours only the place and the mark."""
    plain: dict[str, Any] = {
        "topic": record.topic,
        "part": record.part,
        "offset": record.offset,
        "at_ms": record.timestamp_ms,
        "digest": zlib.crc32(record.value),
        "committed": committed,
        "type": record.headers.get("ce_type", b"").decode("utf-8", "replace"),
        "mark": record.headers.get(MARK, b"").decode("utf-8", "replace"),
    }
    if plain["mark"]:
        return Record(**plain)
    try:
        said = msgspec.json.decode(record.value)
        plain |= _facts(record.topic, plain["type"], said)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        plain["type"] = "unreadable"
    return Record(**plain)


def _facts(topic: str, type_: str, said: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {"event_id": said.get("event_id", "")}
    activity = said.get("activity") or {}
    match type_:
        case "lead.enriched":
            facts |= {"lead_id": said["lead_id"], "version": said["profile_version"], "activity_id": activity["id"]}
            facts["revision"] = activity["revision"]
        case "lead.merged":
            facts |= {"lead_id": said["survivor"], "absorbed": said["absorbed"]}
        case "lead.noted":
            facts["activity_id"] = said["activity_id"]
        case "lead.scored":
            facts |= {"lead_id": said["lead_id"], "version": said["score_version"], "cause": said["cause"]}
            facts |= {"stage": said["stage"], "previous_stage": said["previous_stage"]}
            facts |= {"activity_id": activity.get("id", ""), "revision": activity.get("revision", 0)}
            facts["episode"] = said.get("episode", 0)
        case "lead.handover":
            facts |= {key: said[key] for key in ("lead_id", "episode", "attempt", "handover_id")}
        case "lead.handover.withdrawn" | "lead.command":
            facts["lead_id"] = said.get("lead_id") or ""
    if topic == DEAD.name:
        at = said["place"]
        facts |= {"service": said["service"], "reason": f"{said['reason']} {said['detail']}".strip()}
        facts["died_at"] = Place(at["topic"], at["partition"], at["offset"])
        facts["message_id"] = _name_in(msgspec.json.decode(msgspec.json.encode(said["value"]), type=bytes))
    return facts


def _name_in(value: bytes) -> str:
    try:
        said = msgspec.json.decode(value)
        return str(said.get("messageId", ""))
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError):
        return ""


async def progress(rig: Rig, services: Sequence[str]) -> Stores:
    """How far these services have come: outbox rows, lag, and who reads what. A store that is not filled yet has no lag and no outbox."""
    found = Stores()
    on_topics = await ends(rig)
    for service in services:
        (row,) = await rig.fetch(service, "SELECT count(*) AS n FROM outbox")
        found.outbox_rows[service] = row["n"]
        for cursor in await rig.fetch(service, "SELECT stage, topic, part, next_offset FROM cursor"):
            topic = BY_NAME.get(cursor["topic"])
            if topic is None or topic.transactional:
                continue
            behind = on_topics[topic.name, cursor["part"]] - cursor["next_offset"]
            found.lag[f"{cursor['stage']} {topic.name}/{cursor['part']}"] = behind
            found.readers.setdefault(topic.name, set()).add(cursor["stage"])
    return found


# Each hour and property of the books against a new count of its lines.
_UNBALANCED = """
    WITH counted AS (
        SELECT hour, property, count(*) AS accepted, count(*) FILTER (WHERE ending = 3) AS scored, count(*) FILTER (WHERE ending = 2) AS noted,
               count(*) FILTER (WHERE ending = 1) AS dead
          FROM audit WHERE hour IS NOT NULL GROUP BY hour, property
    )
    SELECT format('%s %s: %s, and its lines %s', hour, property, b, c) AS page FROM book AS b FULL JOIN counted AS c USING (hour, property)
     WHERE (b.accepted, b.scored, b.noted, b.dead) IS DISTINCT FROM (c.accepted, c.scored, c.noted, c.dead)
"""


async def stores(rig: Rig) -> Stores:
    """What the stores hold now. Raises what asyncpg or aiokafka raise while they are away."""
    found = await progress(rig, MOVED)
    (row,) = await rig.fetch("capture", "SELECT coalesce(sum(events), 0) AS n FROM spool")
    found.spool_rows = row["n"]
    for row in await rig.fetch("route", "SELECT command_id::text AS id, status FROM command"):
        found.commands[row["id"]] = row["status"]
    for row in await rig.fetch("route", "SELECT command_id::text AS id, verdict FROM outcome_log"):
        found.outcomes[row["id"]] = row["verdict"]
    found.queued = {row["lead_id"] for row in await rig.fetch("route", "SELECT lead_id FROM queue")}
    found.absorbed = {row["lead_id"] for row in await rig.fetch("route", "SELECT lead_id FROM absorbed")}
    found.absorbed |= {
        row["lead_id"] for row in await rig.fetch("enrich", "SELECT lead_id FROM lead WHERE absorbed_into IS NOT NULL")
    }
    for row in await rig.fetch("console", "SELECT topic, part, place FROM dead"):
        found.dead.add(Place(row["topic"], row["part"], row["place"]))
    for row in await rig.fetch("console", "SELECT event_id::text AS id, ending FROM audit WHERE hour IS NOT NULL"):
        found.booked[row["id"]] = row["ending"]
    found.unbalanced = [row["page"] for row in await rig.fetch("console", _UNBALANCED)]
    return found


def hits(orders: Path) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """How often processes died, and how often they froze, at each point: by (point, service)."""
    crashes: Counter[tuple[str, str]] = Counter()
    stops: Counter[tuple[str, str]] = Counter()
    log = orders / "hits"
    for line in log.read_text().splitlines() if log.exists() else ():
        _, member, what, point = line.split()
        (crashes if what == "crash" else stops)[point, member.partition("-")[0]] += 1
    return crashes, stops


def behind(found: Stores) -> list[str]:
    """What is still on its way, in words."""
    waiting = [f"{place} is {records} behind" for place, records in found.lag.items() if records > 0]
    waiting += [f"{service} has {rows} outbox rows" for service, rows in found.outbox_rows.items() if rows]
    if found.spool_rows:
        waiting.append(f"capture has {found.spool_rows} events in its spool")
    if not found.lag:
        waiting.append("no stage has read anything")
    return waiting
