"""One lead's way through the services: which record on which topic, when, and how long each hop took. No IO."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from msgspec import Struct

from shared import clock
from shared.contracts import Moment
from shared.stage import Record
from shared.topology import CAPTURED, ENRICHED, HANDOVER, SCORED

S = TypeVar("S", bound=Struct)
STEPS = ("received", "captured", "enriched", "scored", "handed over")


class _Received(Struct):
    event_id: str
    received_at: Moment


class _Activity(Struct):
    id: str
    name: str = ""
    kind: str = ""
    revision: int = 0
    occurred_at: Moment | None = None
    property: str = ""


class _Told(Struct):
    activity: _Activity | None = None
    stage: str = ""
    previous_stage: str = ""


class _Given(Struct):
    handover_id: str
    created_at: Moment


@dataclass(frozen=True, slots=True)
class Way:
    """One activity's way. `at_ms` has the moment (milliseconds since 1970) of each step that is known: `received` is capture's own
    clock, the others are the broker's, at which the record stood on its topic."""

    activity_id: str
    kind: str
    name: str
    property: str
    occurred_at: str
    at_ms: Mapping[str, int]
    handover_id: str | None = None

    def hops(self) -> list[tuple[str, int, int | None]]:
        """Step, its moment, and the milliseconds since the step before."""
        known = [(step, self.at_ms[step]) for step in STEPS if step in self.at_ms]
        before: list[int | None] = [None, *(at for _, at in known)]
        return [
            (step, at, None if last is None else at - last) for (step, at), last in zip(known, before, strict=False)
        ]

    def took_ms(self) -> int | None:
        """From the first step that is known to the last one."""
        moments = [at for _, at, _ in self.hops()]
        return moments[-1] - moments[0] if len(moments) > 1 else None


def activity_ids(records: Iterable[Record]) -> set[str]:
    """The activities that these records of leads.enriched.v1 and leads.scored.v1 tell of: the event ids on leads.captured.v1."""
    found = (_read(_Told, record) for record in records)
    return {told.activity.id for told in found if told is not None and told.activity is not None}


def captured_ids(records: Iterable[Record]) -> set[str]:
    """The event ids of these records of leads.captured.v1."""
    return {received.event_id for record in records if (received := _read(_Received, record)) is not None}


def ways(records: Iterable[Record]) -> list[Way]:
    """The ways of all activities of one lead, oldest first, from the records about it and the captured ones they began with.

    Of records that repeat an activity (a revision, a repeat after a crash) the earliest counts. A handover belongs to the
    scored record that caused it: it is created at that record's own time, which the records of one batch share, so that of
    these the one that tells of a new stage is meant.
    """
    found: dict[str, dict[str, int]] = {}
    about: dict[str, _Activity] = {}
    moved: dict[int, str] = {}  # the moment of a scored record with a new stage -> its activity
    handed: dict[int, tuple[str, int]] = {}
    for record in sorted(records, key=lambda record: record.timestamp_ms):
        match record.topic:
            case CAPTURED.name:
                if (received := _read(_Received, record)) is not None:
                    steps = found.setdefault(received.event_id, {})
                    steps.setdefault("captured", record.timestamp_ms)
                    steps.setdefault("received", clock.to_ms(received.received_at))
            case ENRICHED.name | SCORED.name:
                told = _read(_Told, record)
                if told is not None and (activity := told.activity) is not None:
                    step = "enriched" if record.topic == ENRICHED.name else "scored"
                    found.setdefault(activity.id, {}).setdefault(step, record.timestamp_ms)
                    about.setdefault(activity.id, activity)
                    if told.stage != told.previous_stage:
                        moved[record.timestamp_ms] = activity.id
            case HANDOVER.name:
                given = _read(_Given, record)
                if given is not None:
                    handed.setdefault(clock.to_ms(given.created_at), (given.handover_id, record.timestamp_ms))
    given_for: dict[str, str] = {}
    for created_ms, (handover_id, at) in handed.items():
        if (id_ := moved.get(created_ms)) is not None:
            given_for[id_] = handover_id
            found[id_]["handed over"] = at
    made = [
        Way(
            id_,
            activity.kind,
            activity.name,
            activity.property,
            clock.text(activity.occurred_at) if activity.occurred_at else "",
            found[id_],
            given_for.get(id_),
        )
        for id_, activity in about.items()
    ]
    return sorted(made, key=lambda way: (min(way.at_ms.values(), default=0), way.activity_id))


def _read(kind: type[S], record: Record) -> S | None:
    try:
        return msgspec.json.decode(record.value, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
