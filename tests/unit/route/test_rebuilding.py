"""A store that is built anew reads its numbers in any order, and meets turns, deadlines and outcomes otherwise: handovers stand as the topic tells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.route.domain.state import READING, Handover, Key, Lead, Queued
from shared.clock import from_ms
from shared.outcome import Outgoing
from shared.stage import Record
from tests.unit.route.builders import Desk, assigned, commanded, in_time, name_of, record, scored, two_free_owners
from tests.unit.route.test_any_order import at, by_time, interleaved

LEADS = ("ld_a", "ld_b", "ld_c", "ld_d")


def desk() -> Desk:
    """Two owners of one pool, and minutes to accept."""
    return Desk(in_time(two_free_owners(), accept=timedelta(minutes=3), contact=timedelta(minutes=5)))


def lived(records: Sequence[Record], until: int = 60) -> Desk:
    """As it was at first: everything in the order of time, and the clock with it."""
    once = desk()
    for one in by_time(records):
        once.passes(from_ms(one.timestamp_ms))
        once.reads(one)
    once.passes(at(until))
    return once


def rebuilt(told: Sequence[Outgoing], records: Sequence[Record], until: int = 60) -> Desk:
    """As a store is built anew: these records in this order, what is told in mind, and the clock when all is read."""
    again = desk()
    for one in told:
        again.world[Key("recalled", one.event_id)] = (
            one.data if isinstance(one.data, bytes) else msgspec.json.encode(one.data)
        )
    again.world[READING] = True
    again.reads(*records)
    again.world[READING] = False
    again.passes(at(until))
    return again


def end_of(one: Desk) -> dict[str, Any]:
    """Handovers, leads, what waits, and how much each owner was given and has open."""
    found: dict[Any, Any] = {
        key: value for key, value in one.world.items() if isinstance(value, Handover | Lead | Queued) and value
    }
    found["timers"] = one.timers()
    found["given"] = {owner: counter.given for owner, counter in one.world.get(Key("pool", "all"), {}).items()}
    found["open"] = {
        key.id: load.open
        for key, load in one.world.items()
        if isinstance(key, Key) and key.kind == "load" and load.open
    }
    return found


def new_in(again: Desk, once: Desk) -> set[str]:
    """What a rebuild would tell that was not told: the rest stands on the topic and is dropped (shared/recall.py)."""
    return {one.event_id for one in again.emitted} - {one.event_id for one in once.emitted}


@st.composite
def lives(draw: st.DrawFn, lead: str) -> list[Record]:
    """A lead becomes ready; sales and operators say something of it, in time or late; all in its number."""
    ready = draw(st.integers(0, 6))
    told = [record(scored(lead), at=at(ready))]
    for number in range(draw(st.integers(0, 3))):
        moment = at(ready + draw(st.integers(0, 12))) + timedelta(seconds=number + 1)
        attempt = draw(st.sampled_from([1, 1, 2, 3]))
        match draw(st.integers(0, 4)):
            case 0:
                told.append(assigned(draw(st.sampled_from(["ann", "bob"])), lead_id=lead, at=moment))
            case 1:
                told.append(record(scored(lead, version=number + 2, stage="disqualified"), at=moment))
            case _:
                word = draw(st.sampled_from(["accepted", "contacted", "rejected", "won"]))
                told.append(commanded(word, handover_id=name_of(lead, 1, attempt), lead_id=lead, at=moment))
    return by_time(told)


@given(st.data(), st.tuples(*(lives(lead) for lead in LEADS)))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_whichever_number_is_read_first_the_same_owners_have_the_same_attempts(
    data: st.DataObject, numbers: tuple[list[Record], ...]
) -> None:
    once = lived([one for number in numbers for one in number])
    again = rebuilt(once.emitted, interleaved(data, *numbers))
    assert new_in(again, once) == set()
    assert end_of(again) == end_of(once)


def test_a_handover_that_was_not_passed_on_is_not_because_an_outcome_is_read_late() -> None:
    """What saved it comes by another number, which a rebuild reads later: the clock waits for it."""
    story = [record(scored("ld_a"), at=at(0)), commanded(lead_id="ld_a", handover_id=name_of("ld_a"), at=at(2))]
    later = record(scored("ld_a", version=2, stage="SQL"), at=at(9))
    once = lived([*story, later])
    again = rebuilt(once.emitted, [story[0], later, story[1]])
    assert again.handover(name_of("ld_a")) == once.handover(name_of("ld_a"))
    assert new_in(again, once) == set()


def test_what_was_not_told_is_decided_when_everything_is_read() -> None:
    records = [record(scored(lead), at=at(n)) for n, lead in enumerate(LEADS)]
    once = lived(records)
    told = [one for one in once.emitted if "ld_d" not in one.key]
    again = rebuilt(told, records[::-1])
    assert {one.event_id for one in again.emitted} >= {one.event_id for one in once.emitted if one.key == "ld_d"}
    assert again.handover(name_of("ld_d")).created_at == at(3)
