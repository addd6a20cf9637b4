"""Records and events as they stand on topics, with defaults; a test names only what matters to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from shared import contracts, ids
from shared.contracts import (
    Activity,
    Captured,
    Context,
    Dead,
    Email,
    Enriched,
    Handover,
    HandoverScore,
    Name,
    Noted,
    Owner,
    Page,
    Phone,
    Place,
    Points,
    Profile,
    RouteStep,
    RulesetRef,
    Scored,
)
from shared.stage import Record
from shared.topology import CAPTURED, DEAD, ENRICHED, HANDOVER, SCORED

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1000)
LEAD = "ld_abc"
PROFILE = Profile(
    email=Email(address="jo.fields@acme.example", kind="business", domain="acme.example"),
    phone=Phone(e164="+442079460123"),
    name=Name(full="Jo Fields", given="Jo", family="Fields"),
    country="GB",
)


def event_id(number: int) -> str:
    return ids.submission_id("test", str(number))


def record(topic: str, value: bytes, *, at_ms: int = 0, part: int = 0, offset: int = 0, **headers: str) -> Record:
    """`at_ms` is after noon."""
    return Record(
        topic, part, offset, NOON_MS + at_ms, b"key", value, {name: text.encode() for name, text in headers.items()}
    )


def _about(topic: str, type_: str, event: Any, at_ms: int, subject: str = LEAD) -> Record:
    return record(topic, contracts.encode(event), at_ms=at_ms, ce_type=type_, ce_id=event.event_id, ce_subject=subject)


def activity(number: int, **more: Any) -> Activity:
    given: dict[str, Any] = {"revision": 0, "name": "contact", "kind": "form", "occurred_at": NOON, "property": "acme"}
    given |= more
    return Activity(
        id=event_id(number), properties={"note": "private words"}, page=Page(url="https://a.example/?who=jo"), **given
    )


def captured(number: int, *, at_ms: int = 5) -> Record:
    event = Captured(
        event_id=event_id(number),
        property="acme",
        kind="form",
        name="contact",
        occurred_at=NOON,
        received_at=NOON,
        anonymous_id="cookie-1",
        user_id="user-77",
        traits={"email": "jo.fields@acme.example", "name": "Jo Fields"},
        context=Context(ip="192.0.2.7", user_agent="Browser/1", marks=["bot"]),
    )
    return _about(CAPTURED.name, "lead.captured", event, at_ms, subject="pk_1")


def enriched(number: int, *, at_ms: int = 10, **more: Any) -> Record:
    event = Enriched(
        event_id=event_id(1000 + number),
        lead_id=LEAD,
        profile_version=1,
        activity=activity(number, **more),
        profile=PROFILE,
    )
    return _about(ENRICHED.name, "lead.enriched", event, at_ms)


def noted(number: int, *, at_ms: int = 10, why: str = "visitor") -> Record:
    event = Noted(event_id=event_id(2000 + number), activity_id=event_id(number), why=why)
    return _about(ENRICHED.name, "lead.noted", event, at_ms, subject="pk_1")


def scored(number: int, *, at_ms: int = 20, version: int = 1, stage: str = "MQL", before: str = "raw") -> Record:
    event = Scored(
        event_id=event_id(3000 + number),
        lead_id=LEAD,
        score_version=version,
        score=Points(total=95, fit=35, engagement=60),
        grade="B2",
        stage=stage,
        previous_stage=before,
        stage_since=NOON,
        ruleset=RulesetRef(id="default", version=1),
        cause=event_id(number),
        contributions=[],
        profile=PROFILE,
        activity=activity(number),
    )
    return _about(SCORED.name, "lead.scored", event, at_ms)


def handover(*, at_ms: int = 30, created_ms: int = 20, owner: str = "anna") -> Record:
    event = Handover(
        event_id=event_id(4000),
        handover_id=f"ho_{LEAD}_1_1",
        lead_id=LEAD,
        episode=1,
        attempt=1,
        owner=Owner(id=owner, name="Anna Beck", email="anna@ours.example"),
        profile=PROFILE,
        score=HandoverScore(total=120, fit=35, engagement=85),
        path=[RouteStep(rule="world", matched=True, to="world", because="pool")],
        created_at=datetime.fromtimestamp((NOON_MS + created_ms) / 1000, UTC),
    )
    return _about(HANDOVER.name, "lead.handover", event, at_ms)


def dead(
    *, place: Place | None = None, value: bytes = b'{"traits": {"email": "jo.fields@acme.example"}}', **more: Any
) -> Dead:
    given: dict[str, Any] = {"service": "enrich", "reason": "undecodable", "detail": "", "at": NOON} | more
    place = place or Place(topic=CAPTURED.name, partition=1, offset=7)
    return Dead(
        event_id=ids.dead_id(given["service"], place.topic, place.partition, place.offset),
        place=place,
        value=value,
        key=b"pk_1",
        **given,
    )


def dead_record(letter: Dead | bytes, *, offset: int = 0) -> Record:
    value = letter if isinstance(letter, bytes) else msgspec.json.encode(letter)
    return record(DEAD.name, value, offset=offset, ce_type="lead.dead")
