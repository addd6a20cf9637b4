"""Builders with defaults: each test names only what matters to it. And a shell in miniature, that decides on records in order."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from services.route.domain import document, events, timers
from services.route.domain.decide import deciding
from services.route.domain.decode import decode
from services.route.domain.events import Due
from services.route.domain.routing import Deadlines, Routing
from services.route.domain.state import Handover, Key, Lead, Timer, TimerKey
from services.route.settings import SHIPPED_ROUTING
from shared import contracts
from shared.clock import to_ms
from shared.outcome import Decision, Outcome, Outgoing, Reject
from shared.stage import Input, Record
from shared.topology import COMMANDS, OUTCOMES, SCORED

ALWAYS = Path(__file__).with_name("always.yaml")
REFERENCE = SHIPPED_ROUTING.with_name("reference.yaml")
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)

PROFILE: dict[str, Any] = {
    "email": {"address": "jo@acme.example", "kind": "business", "domain": "acme.example"},
    "company": {"name": "Acme", "domain": "acme.example", "size": 20},
    "country": "DE",
    "consent": {"sales": {"given": True, "at": "2026-11-27T11:00:00Z", "version": "3"}},
}


def routing(text: str | None = None) -> Routing:
    """A document in which everybody is always there, or another."""
    return document.read(text or ALWAYS.read_text(), name="routing.yaml")


def two_free_owners(*, weights: tuple[int, int] = (1, 1)) -> Routing:
    """A document without anything sticky: every handover is the pool's."""
    return routing(f"""
format: 1
id: two
owners:
  - {{id: ann, name: Ann, email: ann@us.example, weight: {weights[0]}}}
  - {{id: bob, name: Bob, email: bob@us.example, weight: {weights[1]}}}
pools: {{all: [ann, bob]}}
rules: [{{id: everybody, when: 'true', to: {{pool: all}}}}]
""")


def in_time(by: Routing, **given: Any) -> Routing:
    """The same document with deadlines: half an hour to accept, four to contact, three attempts, and the desk looks after the rest."""
    half_an_hour, four = timedelta(minutes=30), timedelta(hours=4)
    deadlines: dict[str, Any] = {"accept": half_an_hour, "contact": four, "attempts": 3, "escalate_to": "desk"} | given
    return dataclasses.replace(by, deadlines=Deadlines(**deadlines))


def activity(**given: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "revision": 1,
        "name": "demo",
        "kind": "form",
        "occurred_at": "2026-11-27T11:59:00Z",
        "property": "www",
        "human": 1.0,
    } | given


def scored(lead_id: str = "ld_jo", *, version: int = 1, stage: str = "SQL", **given: Any) -> dict[str, Any]:
    return {
        "event_id": str(uuid.uuid4()),
        "lead_id": lead_id,
        "score_version": version,
        "score": {"total": 95.0, "fit": 35.0, "engagement": 60.0},
        "grade": "A",
        "stage": stage,
        "previous_stage": "raw",
        "stage_since": "2026-11-27T11:59:30Z",
        "ruleset": {"id": "default", "version": 1},
        "cause": "clock",
        "contributions": [{"rule": "business-email", "version": 1, "points": 35.0}],
        "profile": PROFILE,
    } | given


def record(
    value: Mapping[str, Any] | bytes, *, at: datetime = NOON, part: int = 0, offset: int = 0, **given: Any
) -> Record:
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    return Record(
        topic=given.pop("topic", SCORED.name),
        part=part,
        offset=offset,
        timestamp_ms=to_ms(at),
        key=None,
        value=body,
        headers=given.pop("headers", {}),
    )


def reported(outcome: str = "accepted", **given: Any) -> dict[str, Any]:
    return {"outcome": outcome, "handover_id": "ho_ld_jo_1_1"} | given


def outcome_record(value: Mapping[str, Any] | bytes, **given: Any) -> Record:
    return record(value, topic=OUTCOMES.name, **given)


def commanded(outcome: str = "accepted", *, handover_id: str | None = "ho_ld_jo_1_1", **given: Any) -> Record:
    at: datetime = given.pop("at", NOON)
    payload = {"outcome": outcome, **({"handover_id": handover_id} if handover_id else {}), **given.pop("payload", {})}
    command = {
        "event_id": str(uuid.uuid4()),
        "kind": "outcome",
        "issued_at": "2026-11-27T12:00:00Z",
        "lead_id": "ld_jo",
        "payload": payload,
    } | given
    return record(command, topic=COMMANDS.name, at=at)


def assigned(owner: Any = "bob", *, at: datetime = NOON, **given: Any) -> Record:
    command = {
        "event_id": str(uuid.uuid4()),
        "kind": "assign",
        "issued_at": "2026-11-27T12:00:00Z",
        "lead_id": "ld_jo",
        "payload": {"owner": owner},
    } | given
    return record(command, topic=COMMANDS.name, at=at)


class Desk:
    """Route without a broker and a store: a world that keeps everything, and what was written, in order."""

    def __init__(self, by: Routing | None = None) -> None:
        made = by or routing()
        self.decide: Callable[[Any, Input], Outcome] = deciding(lambda *_: made)
        self.world: dict[Any, Any] = {}
        self.emitted: list[Outgoing] = []
        self.moment = NOON

    def reads(self, *records: Record | Mapping[str, Any]) -> list[Outgoing]:
        """Decides on `records` in order, those without a time of their own a second apart; what they make route write."""
        written: list[Outgoing] = []
        for one in records:
            outcome = self.judges(one)
            assert isinstance(outcome, Decision), outcome
            written += outcome.emit
        return written

    def passes(self, until: datetime) -> list[Outgoing]:
        """The clock goes on to `until`: what falls due meanwhile, and what that makes route write."""
        written: list[Outgoing] = []
        while due := self.due(until):
            outcome = self.decide(self.world, due[0])
            assert isinstance(outcome, Decision), outcome
            self.world.update(outcome.changes)
            written += outcome.emit
        self.emitted += written
        self.moment = max(self.moment, until)
        return written

    def due(self, until: datetime) -> list[Input]:
        """What fell due up to `until`, as the clock gives it."""
        return [
            Input(timers.input_id(timer, one.due_at), Due(timer.lead_id, timer.kind), one.due_at, one.part)
            for timer, one in sorted(self.timers().items(), key=lambda one: (one[1].due_at, one[0]))
            if one.due_at <= until
        ]

    def timers(self) -> dict[TimerKey, Timer]:
        """The timers that run."""
        return {key: one for key, one in self.world.items() if isinstance(key, TimerKey) and one is not None}

    def judges(self, one: Record | Mapping[str, Any]) -> Outcome:
        self.moment += timedelta(seconds=1)
        made = one if isinstance(one, Record) else record(one)
        if made.timestamp_ms == to_ms(NOON):
            made = msgspec.structs.replace(made, timestamp_ms=to_ms(self.moment))
        input_ = decode(made)
        if isinstance(input_, Reject):
            return input_
        outcome = self.decide(self.world, input_)
        if isinstance(outcome, Decision):
            self.world.update(outcome.changes)
            self.emitted += outcome.emit
        return outcome

    def lead(self, lead_id: str = "ld_jo") -> Lead:
        found = self.world[lead_id]
        assert isinstance(found, Lead)
        return found

    def handover(self, handover_id: str = "ho_ld_jo_1_1") -> Handover:
        found = self.world[Key("handover", handover_id)]
        assert isinstance(found, Handover)
        return found


def handover(outgoing: Outgoing) -> contracts.Handover:
    """What was written, read as a sales tool reads it."""
    assert outgoing.type == "lead.handover"
    assert isinstance(outgoing.data, bytes)
    return msgspec.json.decode(outgoing.data, type=contracts.Handover)


def owners(written: Sequence[Outgoing]) -> list[str]:
    return [handover(one).owner.id for one in written if one.type == "lead.handover"]


def name_of(lead_id: str, episode: int = 1, attempt: int = 1) -> str:
    return events.handover_id(lead_id, episode, attempt)
