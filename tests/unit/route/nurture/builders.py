"""A lead and its nurture without a broker and a store: records, outcomes and the clock in the order of time, and what was told."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec

from services.route.domain.decide import deciding
from services.route.domain.decode import decode
from services.route.domain.events import Due
from services.route.domain.nurture import needs, steps
from services.route.domain.nurture.beside import beside
from services.route.domain.nurture.read import read
from services.route.domain.nurture.ready import Ready
from services.route.domain.nurture.state import Nurtured, Stored, Suppressed, Suppression
from services.route.domain.routing import Routing
from services.route.domain.state import DUE, Timer, TimerKey
from services.route.domain.timers import NURTURE as NURTURE_TIMER
from services.route.settings import SHIPPED_NURTURE
from shared import contracts
from shared.clock import from_ms
from shared.outcome import Decision, Outgoing
from shared.stage import Input, Record
from shared.topology import COMMANDS, NURTURE
from tests.unit.route.builders import activity, record, routing, scored

MONDAY = datetime(2026, 11, 30, 12, tzinfo=UTC)
GIVEN = {"given": True, "at": "2026-11-27T11:00:00Z"}
JO: dict[str, Any] = {
    "email": {"address": "jo@acme.example", "kind": "business", "domain": "acme.example"},
    "phone": {"e164": "+4930123456"},
    "consent": {"marketing_email": GIVEN, "ads": GIVEN},
}


def shipped() -> str:
    return SHIPPED_NURTURE.read_text()


@cache
def ready(text: str | None = None) -> Ready:
    return Ready(read(text or shipped()))


@cache
def _routing() -> Routing:
    return routing()


class House:
    """Route with nurture beside it: a world that keeps everything. Only what `needs` names of suppressions is there, as in the store."""

    def __init__(self, text: str | None = None) -> None:
        self.ready = ready(text)
        self.decide = beside(deciding(lambda *_: _routing()), lambda part, now: self.ready)
        self.world: dict[Any, Any] = {}
        self.told: list[contracts.Nurture] = []
        self.emitted: list[Outgoing] = []
        self.handovers = 0
        self.versions: dict[str, int] = {}
        self.stages: dict[str, str] = {}
        self.profiles: dict[str, Mapping[str, Any]] = {}

    def publish(self, text: str) -> None:
        self.ready = ready(text)

    def hears(
        self, lead_id: str = "ld_jo", *, at: datetime, stage: str | None = None, **given: Any
    ) -> list[contracts.Nurture]:
        """A lead.scored: a newer version of what was told before, where nothing else is said."""
        self.passes(at)
        before = self.stages.get(lead_id, "raw")
        self.stages[lead_id] = stage or before
        self.versions[lead_id] = self.versions.get(lead_id, 0) + 1
        self.profiles[lead_id] = given.pop("profile", None) or self.profiles.get(lead_id, JO)
        did = given.pop("activity", None)
        if did is not None:
            did = activity(**{"occurred_at": at.isoformat(), "kind": "page", "name": "page", **did})
        value = scored(
            lead_id,
            version=given.pop("version", self.versions[lead_id]),
            stage=self.stages[lead_id],
            previous_stage=before,
            profile=self.profiles[lead_id],
            **({"activity": did} if did else {}),
            **given,
        )
        return self.reads(record(value, at=at))

    def asks(self, kind: str, lead_id: str = "ld_jo", *, at: datetime, **payload: Any) -> list[contracts.Nurture]:
        """A command about a lead."""
        self.passes(at)
        said = {
            "event_id": str(uuid.uuid4()),
            "kind": kind,
            "issued_at": "2026-11-27T12:00:00Z",
            "lead_id": lead_id,
            "payload": payload,
        }
        return self.reads(record(said, topic=COMMANDS.name, at=at))

    def passes(self, until: datetime, *, part: int | None = None) -> list[contracts.Nurture]:
        """Time: every timer up to that moment, of one number or of all, the earliest first."""
        written = []
        while due := min(((at, lead_id) for lead_id, at in self._clocks(part) if at <= until), default=None):
            at, lead_id = due
            whose = self.lead(lead_id).part
            written += self._decides(Input(str(uuid.uuid4()), Due(lead_id, NURTURE_TIMER), at, whose))
        return written

    def _clocks(self, part: int | None = None) -> list[tuple[str, datetime]]:
        """When the clock looks next at whose nurture, as its rows say; of one number or of all."""
        found = [
            (key.id, steps.due_at(one))
            for key, one in self.world.items()
            if isinstance(one, Nurtured) and part in (None, one.part)
        ]
        return [(lead_id, from_ms(at)) for lead_id, at in found if at is not None]

    def reads(self, one: Record) -> list[contracts.Nurture]:
        input_ = decode(one)
        assert isinstance(input_, Input), input_
        return self._decides(input_)

    def reads_at_once(self, *records: Record) -> list[contracts.Nurture]:
        """A batch: what it looks at is loaded once, for all of it, and the clock does not look in between."""
        inputs = [one for one in map(decode, records) if isinstance(one, Input)]
        self._load(inputs)
        return [told for input_ in inputs for told in self._decided(input_)]

    def lead(self, lead_id: str = "ld_jo") -> Nurtured:
        found = self.world[Stored("nurture", lead_id)]
        assert isinstance(found, Nurtured)
        return found

    def _decides(self, input_: Input) -> list[contracts.Nurture]:
        self._load([input_])
        return self._decided(input_)

    def _decided(self, input_: Input) -> list[contracts.Nurture]:
        outcome = self.decide(self.world, input_)
        assert isinstance(outcome, Decision), outcome
        self.world.update(outcome.changes)
        self.emitted += [one for one in outcome.emit if one.topic is NURTURE]
        told = [_read(one.data) for one in outcome.emit if one.type == "lead.nurture"]
        self.handovers += sum(one.type == "lead.handover" for one in outcome.emit)
        self.told += told
        return told

    def _load(self, inputs: Sequence[Input]) -> None:
        """What the store would load of timers and suppressions."""
        until = max(input_.now for input_ in inputs)
        running: dict[str, tuple[TimerKey, ...]] = {}
        for key, one in self.world.items():
            if isinstance(one, Timer) and key.kind != NURTURE_TIMER and one.due_at <= until:
                running[key.lead_id] = (*running.get(key.lead_id, ()), key)
        for lead_id, at in self._clocks():
            if at <= until:
                timer = TimerKey(lead_id, NURTURE_TIMER, "")
                self.world[timer] = Timer(0, at)
                running[lead_id] = (*running.get(lead_id, ()), timer)
        self.world[DUE] = running
        for key in [key for key in self.world if isinstance(key, Stored) and key.kind == "suppressed"]:
            del self.world[key]
        found = needs.needs(lambda part, now: self.ready, self.world, inputs)
        for lead_id, names in needs.subjects(self.world, found).items():
            self.world[Stored("suppressed", lead_id)] = tuple(
                one
                for key, one in self.world.items()
                if isinstance(key, Suppressed) and isinstance(one, Suppression) and key.subject in names
            )


def _read(data: object) -> contracts.Nurture:
    assert isinstance(data, bytes)
    return msgspec.json.decode(data, type=contracts.Nurture)


def days(number: float) -> timedelta:
    return timedelta(days=number)
