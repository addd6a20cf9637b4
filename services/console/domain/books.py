"""The demo's books: what was accepted, how each event ended, which leads and handovers came of it. No IO; fed with records as they come."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from msgspec import Struct

from services.console.domain.summary import text_header
from shared import clock
from shared.contracts import Moment
from shared.stage import Record
from shared.topology import CAPTURED, DEAD, ENRICHED, HANDOVER, SCORED

S = TypeVar("S", bound=Struct)
TOPICS = (CAPTURED.name, ENRICHED.name, SCORED.name, HANDOVER.name, DEAD.name)


class _Captured(Struct):
    event_id: str
    property: str
    received_at: Moment


class _Noted(Struct):
    activity_id: str
    why: str


class _Id(Struct):
    id: str


class _Scored(Struct):
    lead_id: str
    score_version: int
    stage: str
    previous_stage: str
    activity: _Id | None = None


class _Owner(Struct):
    id: str


class _Handover(Struct):
    handover_id: str
    lead_id: str
    owner: _Owner
    created_at: Moment


class _Place(Struct):
    topic: str


class _Dead(Struct):
    service: str
    reason: str
    place: _Place


@dataclass(slots=True)
class Books:
    """All that concerns one property. Each accepted event ends in a lead.scored, a lead.noted or a dead letter."""

    property: str
    accepted: set[str] = field(default_factory=set)  # event ids that capture answered with
    captured: Counter[str] = field(default_factory=Counter)  # event id -> records of it
    scored: set[str] = field(default_factory=set)
    noted: dict[str, str] = field(default_factory=dict)  # event id -> why
    dead: Counter[tuple[str, str]] = field(default_factory=Counter)  # service, reason
    stages: dict[str, tuple[int, str]] = field(default_factory=dict)  # lead -> score version, stage
    entered: set[str] = field(default_factory=set)  # leads that came into SQL
    owners: dict[str, tuple[str, str]] = field(default_factory=dict)  # handover -> lead, owner
    handover_records: int = 0
    scored_after_ms: list[int] = field(
        default_factory=list
    )  # of each event that was scored without waiting as a visitor's
    handed_after_ms: list[int] = field(default_factory=list)
    _received_ms: dict[str, int] = field(default_factory=dict)
    _event_scored_at: dict[tuple[str, int], str] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Takes in one record; what is not understood is not about this property."""
        match record.topic:
            case CAPTURED.name:
                self._captured(record)
            case ENRICHED.name if text_header(record, "ce_type") == "lead.noted":
                noted = _read(_Noted, record)
                if noted is not None and noted.activity_id in self.captured:
                    self.noted.setdefault(noted.activity_id, noted.why)
            case SCORED.name:
                self._scored(record)
            case HANDOVER.name if text_header(record, "ce_type") == "lead.handover":
                self._handed(record)
            case DEAD.name:
                dead = _read(_Dead, record)
                if dead is not None:
                    self.dead[dead.service, dead.reason] += 1

    def open(self) -> set[str]:
        """Accepted, and not ended as far as these books know."""
        return self.accepted - self.scored - self.noted.keys()

    def is_settled(self) -> bool:
        """Whether everything has ended and every lead that came into SQL was handed over."""
        return not self.open() and self.entered <= {lead for lead, _ in self.owners.values()}

    def leads_by_stage(self) -> Counter[str]:
        """How many leads are in each stage now."""
        return Counter(stage for _, stage in self.stages.values())

    def handovers_by_owner(self) -> Counter[str]:
        """How many handovers each owner got."""
        return Counter(owner for _, owner in self.owners.values())

    def _captured(self, record: Record) -> None:
        found = _read(_Captured, record)
        if found is not None and found.property == self.property:
            self.captured[found.event_id] += 1
            self._received_ms.setdefault(found.event_id, clock.to_ms(found.received_at))

    def _scored(self, record: Record) -> None:
        found = _read(_Scored, record)
        if found is None or found.activity is None or found.activity.id not in self.captured:
            return
        event_id = found.activity.id
        if event_id not in self.scored and event_id not in self.noted:
            self.scored_after_ms.append(record.timestamp_ms - self._received_ms[event_id])
        self.scored.add(event_id)
        self._event_scored_at[found.lead_id, record.timestamp_ms] = event_id
        if found.score_version >= self.stages.get(found.lead_id, (-1, ""))[0]:
            self.stages[found.lead_id] = (found.score_version, found.stage)
        if found.stage == "SQL" != found.previous_stage:
            self.entered.add(found.lead_id)

    def _handed(self, record: Record) -> None:
        found = _read(_Handover, record)
        if found is None or found.lead_id not in self.stages:
            return
        self.handover_records += 1
        self.owners[found.handover_id] = (found.lead_id, found.owner.id)
        caused_by = self._event_scored_at.get((found.lead_id, clock.to_ms(found.created_at)))
        if caused_by is not None:
            self.handed_after_ms.append(record.timestamp_ms - self._received_ms[caused_by])


def percentile(values: Sequence[int], share: float) -> int | None:
    """The smallest value that at least `share` of the values do not exceed; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 1000) // 1000) - 1)]


def _read(kind: type[S], record: Record) -> S | None:
    try:
        return msgspec.json.decode(record.value, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
