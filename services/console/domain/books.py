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


class _Dead(Struct):
    service: str
    reason: str


@dataclass(slots=True)
class Books:
    """Of the events that capture accepted (`accepted` is filled by who sends them): how each ended, and what came of them.

    Topics are read side by side, so records may be added in any order: they are joined only when somebody asks. An accepted event
    ends in a lead.scored, a lead.noted or a dead letter.
    """

    accepted: set[str] = field(default_factory=set)
    noted: dict[str, str] = field(default_factory=dict)  # event id -> why
    dead: Counter[tuple[str, str]] = field(default_factory=Counter)  # service, reason; of everybody's events
    handover_records: int = 0
    _received_ms: dict[str, int] = field(default_factory=dict)
    _scored: dict[str, tuple[int, _Scored]] = field(default_factory=dict)  # event id -> when first, what then
    _latest: dict[str, _Scored] = field(default_factory=dict)  # by lead
    _handed: dict[str, tuple[int, _Handover]] = field(default_factory=dict)  # by handover id

    def add(self, record: Record) -> None:
        """Takes in one record; what is not understood says nothing."""
        match record.topic:
            case CAPTURED.name if (captured := _read(_Captured, record)) is not None:
                self._received_ms.setdefault(captured.event_id, clock.to_ms(captured.received_at))
            case ENRICHED.name if text_header(record, "ce_type") == "lead.noted":
                if (noted := _read(_Noted, record)) is not None:
                    self.noted.setdefault(noted.activity_id, noted.why)
            case SCORED.name if (scored := _read(_Scored, record)) is not None:
                if scored.activity is not None:
                    self._scored.setdefault(scored.activity.id, (record.timestamp_ms, scored))
                latest = self._latest.get(scored.lead_id)
                if latest is None or scored.score_version >= latest.score_version:
                    self._latest[scored.lead_id] = scored
            case HANDOVER.name if text_header(record, "ce_type") == "lead.handover":
                if (handover := _read(_Handover, record)) is not None:
                    self.handover_records += 1
                    self._handed.setdefault(handover.handover_id, (record.timestamp_ms, handover))
            case DEAD.name if (dead := _read(_Dead, record)) is not None:
                self.dead[dead.service, dead.reason] += 1

    def scored(self) -> set[str]:
        """The accepted events that ended in a lead.scored."""
        return self.accepted & self._scored.keys()

    def only_noted(self) -> set[str]:
        """The accepted events that ended in a lead.noted and in nothing else."""
        return (self.accepted & self.noted.keys()) - self._scored.keys()

    def open(self) -> set[str]:
        """Accepted, and not ended as far as these books know."""
        return self.accepted - self._scored.keys() - self.noted.keys()

    def stages(self) -> dict[str, str]:
        """The stage of each lead of these events now."""
        leads = {scored.lead_id for id_, (_, scored) in self._scored.items() if id_ in self.accepted}
        return {lead: self._latest[lead].stage for lead in leads}

    def handovers(self) -> dict[str, str]:
        """The owner of each of these leads that was handed over."""
        leads = self.stages()
        return {given.lead_id: given.owner.id for _, given in self._handed.values() if given.lead_id in leads}

    def is_settled(self) -> bool:
        """Whether everything has ended and every lead in SQL is handed over."""
        in_sql = {lead for lead, stage in self.stages().items() if stage == "SQL"}
        return not self.open() and in_sql <= self.handovers().keys()

    def versions(self) -> dict[str, int]:
        """How often each of these leads was scored."""
        return {lead: self._latest[lead].score_version for lead in self.stages()}

    def scored_after_ms(self) -> list[int]:
        """From capture's acceptance to lead.scored, of each event that did not wait as a visitor's first."""
        return [
            at - self._received_ms[id_]
            for id_, (at, _) in self._scored.items()
            if id_ in self.accepted and id_ not in self.noted and id_ in self._received_ms
        ]

    def handed_after_ms(self) -> list[int]:
        """From capture's acceptance to lead.handover, of each event that moved its lead and so caused one (see journey.ways)."""
        causes = {
            (scored.lead_id, at): id_
            for id_, (at, scored) in self._scored.items()
            if id_ in self.accepted and scored.stage != scored.previous_stage
        }
        found = []
        for at, given in self._handed.values():
            id_ = causes.get((given.lead_id, clock.to_ms(given.created_at)))
            if id_ is not None and id_ in self._received_ms:
                found.append(at - self._received_ms[id_])
        return found


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
