"""What nobody should put on a topic: bytes that are no event, and events that break a constraint of a store. Pure; sends nothing."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from shared import cloudevent, ids
from shared.topology import CAPTURED, COMMANDS, DEAD, ENRICHED, OUTCOMES, SCORED, TOPICS

_AT = "2026-01-02T03:04:05Z"


class Garbage(NamedTuple):
    """One bad record. `event_id` is what it claims as its own, where it claims one that could count."""

    topic: str
    form: str
    value: bytes
    headers: list[tuple[str, bytes]]
    event_id: str = ""


def everywhere(rng: random.Random) -> Iterator[Garbage]:
    """Some for every topic: random bytes, JSON of another shape, and where stages read it, an event that a store must refuse."""
    for topic in TOPICS:
        yield Garbage(topic.name, "bytes", rng.randbytes(rng.randint(0, 200)), [])
        shapeless: Any = rng.choice(([], {}, "text", {"event_id": 7}, {"event_id": None, "lead_id": [1]}, 1e300))
        headers = _headers(rng.choice(topic.events), str(_uuid(rng)))
        yield Garbage(topic.name, "shape", msgspec.json.encode(shapeless), headers)
        row = _ROWS.get(topic.name)
        if row is not None:
            event_id = str(_uuid(rng))
            type_, form, event = rng.choice(row(event_id))
            if (
                form == "no-uuid" and topic is CAPTURED
            ):  # enrich makes a UUID of a name that is none, scoped by the property
                event_id = ids.submission_id("garbage", event["event_id"])
            yield Garbage(topic.name, form, msgspec.json.encode(event), _headers(type_, event_id), event_id)


def _headers(type_: str, event_id: str) -> list[tuple[str, bytes]]:
    return cloudevent.headers(event_id=event_id, type_=type_, source="nobody", time=_AT)


def _uuid(rng: random.Random) -> uuid.UUID:
    return uuid.UUID(int=rng.getrandbits(128), version=4)


Rows = list[tuple[str, str, dict[str, Any]]]


def _captured(event_id: str) -> Rows:
    event = {
        "event_id": event_id,
        "property": "garbage",
        "kind": "form",
        "name": "contact",
        "occurred_at": _AT,
        "received_at": _AT,
        "anonymous_id": f"garbage-{event_id}",
    }
    return [
        ("lead.captured", "no-uuid", {**event, "event_id": f"not {event_id}"}),
        ("lead.captured", "nul", {**event, "anonymous_id": f"nul\x00{event_id}", "name": "a\x00b"}),
        ("lead.captured", "year-1", {**event, "occurred_at": "0001-01-01T00:00:00+14:00"}),
        ("lead.captured", "nobody", {**event, "anonymous_id": None}),
    ]


def _enriched(event_id: str) -> Rows:
    activity = {"id": event_id, "revision": 1, "name": "x", "kind": "form", "occurred_at": _AT, "property": "garbage"}
    event = {
        "event_id": event_id,
        "lead_id": f"ld_garbage{event_id}",
        "profile_version": 1,
        "activity": activity,
        "profile": {},
    }
    return [
        ("lead.enriched", "version-too-big", {**event, "profile_version": 2**70}),
        ("lead.enriched", "nul", {**event, "lead_id": f"ld_\x00{event_id}"}),
        ("lead.enriched", "no-uuid", {**event, "activity": {**activity, "id": "no uuid"}}),
        ("lead.enriched", "revision-too-big", {**event, "activity": {**activity, "revision": 2**40}}),
        ("lead.merged", "nul", {"event_id": event_id, "survivor": "a\x00", "absorbed": "b\x00", "because": "x"}),
    ]


def _scored(event_id: str) -> Rows:
    event = {
        "event_id": event_id,
        "lead_id": f"ld_garbage{event_id}",
        "score_version": 1,
        "score": {"total": 1, "fit": 1, "engagement": 0},
        "grade": "D4",
        "stage": "raw",
        "previous_stage": "raw",
        "stage_since": _AT,
        "ruleset": {"id": "x", "version": 1},
        "cause": "clock",
        "contributions": [],
        "profile": {},
        "episode": 0,
    }
    return [
        ("lead.scored", "version-too-big", {**event, "score_version": 2**70}),
        ("lead.scored", "episode-too-big", {**event, "episode": 2**40}),
        ("lead.scored", "nul", {**event, "lead_id": f"ld_\x00{event_id}"}),
        ("lead.scored", "nul-stage", {**event, "stage": "r\x00w"}),
        ("lead.scored", "no-uuid", {**event, "event_id": "no uuid"}),
    ]


def _command(event_id: str) -> Rows:
    payload = {"outcome": "accepted", "handover_id": f"ho_ld_garbage{event_id}_1_1", "occurred_at": _AT}
    event = {"event_id": event_id, "kind": "outcome", "issued_at": _AT, "lead_id": f"ld_garbage{event_id}"}
    return [
        ("lead.command", "nul", {**event, "payload": {**payload, "reason": "a\x00b"}}),
        ("lead.command", "no-uuid", {**event, "event_id": "no uuid", "payload": payload}),
        ("lead.command", "amount", {**event, "payload": {**payload, "amount": "much"}}),
        ("lead.command", "nul-lead", {**event, "lead_id": f"a\x00{event_id}", "payload": payload}),
    ]


def _outcome(event_id: str) -> Rows:
    event = {"event_id": event_id, "handover_id": f"ho_ld_garbage{event_id}_1_1", "outcome": "accepted"}
    return [
        ("lead.outcome", "nul", {**event, "reason": "a\x00b"}),
        ("lead.outcome", "no-handover", {**event, "handover_id": "ho_nothing"}),
        ("lead.outcome", "unknown", {**event, "outcome": "perhaps"}),
        ("lead.outcome", "nobody", {"event_id": event_id, "outcome": "won"}),
    ]


def _dead(event_id: str) -> Rows:
    place = {"topic": "nowhere", "partition": 0, "offset": 0}
    event = {
        "event_id": event_id,
        "service": "nobody",
        "reason": "invalid",
        "detail": "",
        "place": place,
        "at": _AT,
        "value": "",
    }
    return [
        ("lead.dead", "no-uuid", {**event, "event_id": "no uuid"}),
        ("lead.dead", "nul", {**event, "detail": "a\x00b"}),
        ("lead.dead", "partition-too-big", {**event, "place": {**place, "partition": 2**40}}),
    ]


_ROWS: dict[str, Callable[[str], Rows]] = {
    CAPTURED.name: _captured,
    ENRICHED.name: _enriched,
    SCORED.name: _scored,
    COMMANDS.name: _command,
    OUTCOMES.name: _outcome,
    DEAD.name: _dead,
}
