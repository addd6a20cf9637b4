"""The books' pure part: whatever order the topics are read in, and however often, each accepted event stands in them once, as it ended."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.domain import audit
from services.console.domain.audit import HOUR_MS, Ending, Line
from shared import ids
from shared.contracts import Captured, Dead, Place, Scored
from shared.stage import Record
from shared.topology import CAPTURED, DEAD, ENRICHED, SCORED
from tests.unit.console.builders import (
    NOON,
    NOON_MS,
    captured,
    dead,
    dead_record,
    enriched,
    event_id,
    noted,
    record,
    scored,
)

HOUR = NOON_MS // HOUR_MS


@dataclass(slots=True)
class Books:
    """Stands in for the store."""

    lines: dict[str, Line] = field(default_factory=dict)
    sums: Counter[tuple[int, str, str]] = field(default_factory=Counter)

    def read(self, *batch: Record) -> None:
        """One batch, as the shell does it."""
        world: dict[Any, Any] = {id_: Line(line.now, line.now) for id_, line in self.lines.items()}
        changes: dict[Any, Any] = {}
        for one in batch:
            if (input_ := audit.decode(one)) is not None:
                decision = audit.decide(world, input_)
                world |= decision.changes
                changes |= decision.changes
        self.lines |= changes
        for added in audit.sums(changes.values()):
            for name in ("accepted", "scored", "noted", "dead"):
                self.sums[added.hour, added.property, name] += getattr(added, name)

    def said(self) -> dict[str, int]:
        """All sums that are not 0, over all hours and properties."""
        found: Counter[str] = Counter()
        for (_, _, name), count in self.sums.items():
            found[name] += count
        return {name: count for name, count in found.items() if count}

    def open(self) -> set[str]:
        """What is in flight."""
        return {id_ for id_, line in self.lines.items() if line.now.accepted and line.now.ending is Ending.OPEN}


def died(of: Record, service: str = "enrich", *, headers: dict[str, bytes] | None = None) -> Record:
    place = Place(topic=of.topic, partition=of.part, offset=of.offset)
    letter = dead(place=place, value=of.value, service=service, headers=list((headers or {}).items()))
    return dead_record(letter)


def at(one: Record, offset: int, *, part: int = 0, headers: dict[str, bytes] | None = None) -> Record:
    return Record(one.topic, part, offset, one.timestamp_ms, one.key, one.value, headers or one.headers)


def test_what_was_accepted_and_has_no_end_is_in_flight() -> None:
    books = Books()
    books.read(captured(1), captured(2), enriched(1))
    assert books.said() == {"accepted": 2}
    assert books.open() == {event_id(1), event_id(2)}


@pytest.mark.parametrize(
    ("end", "name"),
    [(scored(1), "scored"), (noted(1), "noted"), (died(captured(1)), "dead"), (died(enriched(1), "score"), "dead")],
)
def test_each_end_ends_an_event(end: Record, name: str) -> None:
    for order in ([captured(1), end], [end, captured(1)]):
        books = Books()
        for one in order:
            books.read(one)
        assert books.said() == {"accepted": 1, name: 1}
        assert not books.open()


def test_what_died_and_was_replayed_moves_over() -> None:
    books = Books()
    books.read(captured(1), died(captured(1)))
    books.read(at(captured(1), 9), scored(1))
    assert books.said() == {"accepted": 1, "scored": 1}


def test_a_visitors_activity_moves_over_when_they_identify() -> None:
    books = Books()
    books.read(captured(1), noted(1))
    books.read(enriched(1), scored(1))
    assert books.said() == {"accepted": 1, "scored": 1}


@pytest.mark.parametrize(
    "other",
    [
        died(scored(1), "route"),
        died(captured(1), "books"),
        died(record("leads.commands.v1", b"{}")),
        dead_record(b"garbage"),
        record(SCORED.name, b"garbage"),
        record(SCORED.name, b""),
        record(ENRICHED.name, b"\xff", ce_type="lead.noted"),
        record(ENRICHED.name, b'{"survivor": "a"}', ce_type="lead.merged"),
    ],
)
def test_what_ends_no_event_changes_nothing(other: Record) -> None:
    books = Books()
    books.read(captured(1), other)
    assert books.said() == {"accepted": 1}


def test_a_score_of_the_clock_ends_nothing() -> None:
    told = msgspec.structs.replace(msgspec.json.decode(scored(1).value, type=Scored), cause="clock", activity=None)
    assert audit.read(record(SCORED.name, msgspec.json.encode(told))) is None


def test_a_cause_is_found_though_the_lead_wrote_one_into_its_fields() -> None:
    told = msgspec.json.decode(scored(1).value, type=Scored)
    trap = msgspec.structs.replace(told, grade='","cause":"' + str(uuid.uuid4()), cause=event_id(1))
    found = audit.read(record(SCORED.name, msgspec.json.encode(trap)))
    assert found is not None
    assert found[0] == event_id(1)


def test_a_score_in_another_order_is_read_all_the_same() -> None:
    turned = {"padding": "x" * 3000, **dict(sorted(msgspec.json.decode(scored(1).value).items(), reverse=True))}
    found = audit.read(record(SCORED.name, msgspec.json.encode(turned)))
    assert found is not None
    assert found[0] == event_id(1)


def _captured(**more: Any) -> Record:
    given_: dict[str, Any] = {"event_id": event_id(1), "property": "acme", "kind": "form", "name": "contact"}
    given_ |= {"occurred_at": NOON, "received_at": NOON} | more
    return record(CAPTURED.name, msgspec.json.encode(Captured(**given_)), offset=3)


def test_what_waited_in_the_spool_stands_in_the_hour_in_which_it_was_accepted() -> None:
    books = Books()
    books.read(_captured(received_at=NOON - timedelta(hours=5)))
    assert books.sums[HOUR - 5, "acme", "accepted"] == 1


@pytest.mark.parametrize("off", [timedelta(days=-400), timedelta(days=1)])
def test_a_time_of_acceptance_that_can_not_be_is_not_believed(off: timedelta) -> None:
    books = Books()
    books.read(_captured(received_at=NOON + off))
    assert books.sums[HOUR, "acme", "accepted"] == 1


@pytest.mark.parametrize("name", ["", "x" * 300, "a\nb"])
def test_a_property_that_can_be_none_is_booked_under_none(name: str) -> None:
    books = Books()
    books.read(_captured(property=name), died(_captured(property=name)))
    assert books.sums == Counter({(HOUR, "", "accepted"): 1, (HOUR, "", "dead"): 1})


def test_an_event_that_calls_itself_otherwise_is_known_by_what_enrich_makes_of_it() -> None:
    books = Books()
    books.read(_captured(event_id="order 66"))
    assert books.open() == {ids.submission_id("acme", "order 66")}
    books = Books()
    books.read(_captured(event_id=event_id(1).upper()))
    assert books.open() == {event_id(1)}


@pytest.mark.parametrize(
    "garbage", [b"", b"\xff\x00", b"[" * 100_000, b'{"event_id": ""}', b'{"event_id": "", "property": "a"}']
)
def test_what_nobody_can_read_is_known_by_its_place_and_ends_in_its_dead_letter_and_so_does_its_replay(
    garbage: bytes,
) -> None:
    first = record(CAPTURED.name, garbage, part=2, offset=7)
    again = {"replay-of": ids.dead_id("enrich", CAPTURED.name, 2, 7).encode()}
    second = at(first, 8, part=2, headers=again)
    books = Books()
    books.read(first)
    assert len(books.open()) == 1
    books.read(died(first))
    assert books.said() == {"accepted": 1, "dead": 1}
    books.read(second, died(second, headers=again))
    assert books.said() == {"accepted": 1, "dead": 1}


# What may stand on the topics of some events: each accepted once or more, on any partition and in any hour, with any of its ends or none.
_KINDS = st.sampled_from(["captured", "enriched", "scored", "noted", "died at enrich", "died at score", "garbage"])


@st.composite
def _records(draw: st.DrawFn) -> list[Record]:
    found = []
    for offset in range(draw(st.integers(0, 10))):
        number, kind = draw(st.integers(0, 3)), draw(_KINDS)
        part = draw(st.integers(0, 1))
        event = msgspec.json.decode(captured(number).value, type=Captured)
        event = msgspec.structs.replace(
            event,
            received_at=NOON - timedelta(hours=draw(st.integers(0, 2))),
            property=draw(st.sampled_from(["acme", "other"])),
        )
        first = at(record(CAPTURED.name, msgspec.json.encode(event)), offset, part=part)
        match kind:
            case "captured":
                found.append(first)
            case "enriched":
                found.append(at(enriched(number), offset))
            case "scored":
                found.append(at(scored(number), offset))
            case "noted":
                found.append(at(noted(number), offset))
            case "died at enrich":
                found.append(died(first))
            case "died at score":
                found.append(died(at(enriched(number), offset), "score"))
            case _:
                found.append(record(CAPTURED.name, b"garbage", part=part, offset=offset))
    return found


def _in_batches(records: Sequence[Record], cuts: Sequence[int]) -> Books:
    books, rest = Books(), list(records)
    for cut in cuts:
        books.read(*rest[:cut])
        rest = rest[cut:]
    books.read(*rest)
    return books


@given(_records(), st.data())
def test_any_order_any_repetition_and_any_batches_give_the_same_books(
    records: list[Record], data: st.DataObject
) -> None:
    again = data.draw(
        st.permutations(records + data.draw(st.lists(st.sampled_from(records)) if records else st.just([])))
    )
    one = _in_batches(records, [])
    other = _in_batches(again, data.draw(st.lists(st.integers(0, 5))))
    assert +other.sums == +one.sums
    assert {id_: line.now for id_, line in other.lines.items()} == {id_: line.now for id_, line in one.lines.items()}


@given(_records())
def test_books_balance_hour_by_hour_and_what_is_open_is_what_has_no_end(records: list[Record]) -> None:
    books = _in_batches(records, [3, 1, 4])
    pages = {(hour, name) for hour, name, _ in books.sums}
    open_ = Counter(
        (now.accepted.hour, now.accepted.property)
        for line in books.lines.values()
        if (now := line.now).accepted and not now.ending
    )
    for hour, name in pages:
        accepted, *ends = (books.sums[hour, name, what] for what in ("accepted", "scored", "noted", "dead"))
        assert min(ends) >= 0
        assert accepted == sum(ends) + open_[hour, name]
    accepted_ids = {_name(one) for one in records if one.topic == CAPTURED.name}
    ended = {_ended(one) for one in records if one.topic != CAPTURED.name}
    assert books.open() == accepted_ids - ended
    assert books.said().get("accepted", 0) == len(accepted_ids)


def _name(one: Record) -> str:
    """Said once more, the slow way."""
    try:
        return str(msgspec.json.decode(one.value)["event_id"])
    except msgspec.DecodeError:
        return ids.dead_id("enrich", CAPTURED.name, one.part, one.offset)


def _ended(one: Record) -> str | None:
    said = msgspec.json.decode(one.value)
    if one.topic == SCORED.name:
        return str(said["activity"]["id"])
    if one.topic == ENRICHED.name:
        return str(said["activity_id"]) if "activity_id" in said else None
    assert one.topic == DEAD.name
    inside = msgspec.json.decode(msgspec.json.decode(one.value, type=Dead).value)
    return str(inside["activity"]["id"] if "activity" in inside else inside["event_id"])
