"""Builders with defaults for the tests of score: rulesets, activities, records, and a world that keeps as the store does."""

from __future__ import annotations

import random
import textwrap
import uuid
from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from services.score import main
from services.score.domain.advice import Advice
from services.score.domain.inforce import InForce
from services.score.domain.known import Decided, Former, Known, Profiled, Reported
from services.score.domain.lead import Kept, Lead, Told, known_at
from services.score.domain.load import load
from services.score.domain.publications import Rulesets
from services.score.domain.rescore import wants_history
from services.score.domain.tally import is_countable
from shared.contracts import Scored
from shared.documents.inforce import Documents
from shared.outcome import Decision, Outcome, Outgoing, Reject
from shared.stage import Input, Record

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)
BUSINESS = {"email": {"address": "jo@acme.example", "kind": "business", "domain": "acme.example"}}
READY = {**BUSINESS, "phone": {"e164": "+493012345678"}, "country": "DE"}

RULESET = """
format: 1
id: test
timezone: Europe/Berlin
lists: {competitors: [rival.example]}
fit:
  cap: 40
  rules:
    - {id: business, when: 'profile.email.kind == "business"', points: 25}
    - {id: phone, when: 'has(profile.phone)', points: 12.5}
    - {id: big, when: 'profile.company.size >= 1000', points: 20}
    - {id: again, when: 'lead.recycled > 0', points: -5}
engagement:
  cap: 150
  floor: -20
  min_human: 0.5
  rules:
    - {id: contact, match: {kind: form, name: [contact, enquiry]}, points: 60, limit: 1 per day}
    - {id: magnet, match: {kind: form, name: 'magnet-*'}, points: 7.25, limit: 2 per day, cap: 30}
    - {id: demo, match: {kind: form, name: demo}, points: 80, limit: once}
    - {id: pricing, match: {kind: page}, when: 'activity.page.path.startsWith("/pricing")', points: 3.1, cap: 12}
    - {id: careers, match: {kind: page, page.path: '/careers*'}, points: -10.5, cap: 40}
    - {id: paid, match: {property: www}, when: 'activity.campaign.medium == "cpc" || activity.properties.paid == true', points: 1}
total: {floor: -30, cap: 160}
exclude:
  - {id: competitor, when: 'profile.email.domain in lists.competitors', reason: competitor}
stages:
  IQL: {any: ['lead.activities["form"] > 0', 'total >= 10']}
  MQL: {enter: 50, leave: 40, min_fit: 5}
  SQL: {enter: 100, leave: 80, min_fit: 20}
grades:
  fit: {A: 30, B: 10, C: -1000}
  engagement: {1: 100, 2: 40, 3: -1000}
"""


def ruleset(text: str = RULESET) -> InForce:
    return InForce(load(textwrap.dedent(text), source="test.yaml"))


def only(in_force: InForce) -> Rulesets:
    """Rulesets of which this one is in force, and none was published."""
    return Documents(
        "ruleset", read=lambda _: in_force, name=lambda one: one.ruleset.id, first=in_force.ruleset.fingerprint
    )


def activity_id(number: int) -> str:
    return str(uuid.UUID(int=random.Random(number).getrandbits(128), version=4))


def an_activity(number: int = 1, *, at: datetime = NOON, revision: int = 0, **fields: Any) -> dict[str, Any]:
    """An activity as JSON holds it. A page's path can be given as `path`."""
    path = fields.pop("path", None)
    page = {"page": {"path": path}} if path is not None else {}
    made = {
        "id": activity_id(number),
        "revision": revision,
        "kind": "form",
        "name": "contact",
        "occurred_at": at.isoformat(),
        "property": "www",
        "human": 1.0,
        **page,
        **fields,
    }
    return {key: value for key, value in made.items() if value is not None}


def enriched(
    activity: Mapping[str, Any],
    *,
    lead_id: str = "ld_jo",
    profile: Mapping[str, Any] = BUSINESS,
    profile_version: int = 1,
    event_id: str | None = None,
    **fields: Any,
) -> dict[str, Any]:
    return {
        "event_id": event_id or str(uuid.uuid4()),
        "lead_id": lead_id,
        "profile_version": profile_version,
        "activity": activity,
        "profile": profile,
        **fields,
    }


def outcome(
    word: str, *, at: datetime = NOON, lead_id: str = "ld_jo", handover_id: str | None = None
) -> dict[str, Any]:
    payload = {"outcome": word, "occurred_at": at.isoformat(), "handover_id": handover_id}
    return {
        "event_id": str(uuid.uuid4()),
        "kind": "outcome",
        "issued_at": at.isoformat(),
        "lead_id": lead_id,
        "payload": {key: value for key, value in payload.items() if value is not None},
    }


def a_record(value: Mapping[str, Any], *, type_: str | None = "lead.enriched", now: datetime = NOON) -> Record:
    topic = {"lead.command": "leads.commands.v1", "lead.signal": "leads.signals.v1"}.get(
        type_ or "", "leads.enriched.v1"
    )
    headers = {"ce_type": type_.encode()} if type_ is not None else {}
    return Record(topic, 3, 0, int(now.timestamp() * 1000), b"key", msgspec.json.encode(value), headers)


class Desk:
    """Score without a broker and a database: what is told goes through decode and decide, and is kept as the store keeps it."""

    def __init__(self, in_force: InForce | None = None, *, always_loads_all: bool = False) -> None:
        self.in_force = in_force or ruleset()
        self.stage = main.stage(only(self.in_force))
        self.always_loads_all = always_loads_all
        self.leads: dict[str, Lead] = {}
        self.by_clock: list[Outgoing] = []  # what the clock had done before the records that were told
        self.kept: dict[str, list[Kept]] = {}
        self.former: dict[str, list[Former]] = {}
        self.reported: dict[str, list[Reported]] = {}
        self.advised: dict[str, list[Advice]] = {}

    def use(self, in_force: InForce) -> None:
        """From here on another ruleset is in force."""
        self.in_force, self.stage = in_force, main.stage(only(in_force))

    def tell(
        self, value: Mapping[str, Any], *, type_: str | None = "lead.enriched", now: datetime = NOON
    ) -> Scored | None:
        """One record; what was emitted for it, without the data that is only passed on."""
        input_ = self.stage.decode(a_record(value, type_=type_, now=now))
        assert isinstance(input_, Input), input_
        decided = self.decide(input_)
        assert isinstance(decided, Decision), decided
        if not decided.emit:
            return None
        *by_clock, outgoing = decided.emit
        self.by_clock += by_clock
        passed_on = {"profile": msgspec.Raw(b"{}"), "activity": None, "first_touch": None, "last_touch": None}
        assert isinstance(outgoing.data, msgspec.Struct)
        return msgspec.json.decode(
            msgspec.json.encode(msgspec.structs.replace(outgoing.data, **passed_on)), type=Scored
        )

    def decide(self, input_: Input) -> Outcome:
        outcome_ = self.stage.decide(self.load([input_]), input_)
        assert not isinstance(outcome_, Reject)
        self.save(outcome_.changes)
        return outcome_

    def load(self, inputs: Sequence[Input]) -> dict[Hashable, Any]:
        """What store.load promises: the lead, and its activities where counting on is not enough."""
        found: dict[Hashable, Any] = {}
        for input_ in inputs:
            lead = self.leads.get(getattr(input_.event, "lead_id", ""))
            if lead is None:
                if isinstance(input_.event, Told) and input_.event.fact.at > input_.now:
                    found[input_.event.lead_id] = Lead(lead_id=input_.event.lead_id, part=input_.part, bodies=())
                continue
            kept = self._latest(lead.lead_id, lead.state.life)
            needs = wants_history(lead.state, self.in_force, input_.now)
            known = {}
            if isinstance(input_.event, Told):
                fact = input_.event.fact
                needs |= fact.at > input_.now and self.in_force.ruleset.has_decay
                known = {fact.id: kept[fact.id].fact.revision} if fact.id in kept else {}
                needs |= not is_countable(lead.state.tally, known, [fact], self.in_force.leaving)
            bodies = tuple(one.body for one in kept.values()) if needs or self.always_loads_all else None
            found[lead.lead_id] = msgspec.structs.replace(
                lead, known=known, bodies=bodies, history=None, kept=(), former=(), reported=(), advised=()
            )
        return found

    def save(self, changes: Mapping[Any, Lead]) -> None:
        for lead in changes.values():
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(lead.state), type=type(lead.state))
            self.leads[lead.lead_id] = msgspec.structs.replace(lead, state=state)
            self.kept.setdefault(lead.lead_id, []).extend(lead.kept)
            self.former.setdefault(lead.lead_id, []).extend(lead.former)
            self.reported.setdefault(lead.lead_id, []).extend(lead.reported)
            self.advised.setdefault(lead.lead_id, []).extend(lead.advised)

    def _latest(self, lead_id: str, life: int, at: datetime | None = None) -> dict[str, Kept]:
        """Each activity of one of its lives in its latest revision; with `at`: of those that were known then."""
        found: dict[str, Kept] = {}
        for one in self.kept.get(lead_id, ()):
            is_known = one.life == life and (at is None or one.known_at <= at)
            if is_known and (one.fact.id not in found or found[one.fact.id].fact.revision < one.fact.revision):
                found[one.fact.id] = one
        return found

    def known(self, at: datetime, lead_id: str = "ld_jo") -> Known | None:
        """What was known of a lead at a moment, as store/history.py finds it."""
        if lead_id not in self.leads:
            return None
        former = [one for one in self.former[lead_id] if one.known_at <= at]
        lives = {one.life for one in self.kept[lead_id]}
        return known_at(
            self.leads[lead_id],
            at,
            decided_then=next((one.what for one in reversed(former) if isinstance(one.what, Decided)), None),
            profiled_then=next((one.what for one in reversed(former) if isinstance(one.what, Profiled)), None),
            activities=[(life, one.body) for life in lives for one in self._latest(lead_id, life, at).values()],
            reported=[one for one in self.reported[lead_id] if one.known_at <= at],
            advised=[one for one in self.advised[lead_id] if one.known_at <= at],
        )


def days(number: float) -> timedelta:
    return timedelta(days=number)


def rules_of(scored: Scored | None) -> dict[str, float]:
    """Points by rule of a lead.scored."""
    assert scored is not None
    return {part.rule: part.points for part in scored.contributions}


READY_FOR_SALES = [an_activity(1, name="contact", at=NOON - days(2)), an_activity(2, name="demo", at=NOON - days(1))]


def in_sql(desk: Desk | None = None) -> Desk:
    """A lead in its first episode."""
    desk = desk or Desk()
    for activity in READY_FOR_SALES:
        scored = desk.tell(enriched(activity, profile=READY))
    assert scored is not None
    assert (scored.stage, scored.episode) == ("SQL", 1)
    return desk
