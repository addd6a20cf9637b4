"""A store that is built anew reads the survivor's number before the absorbed lead's, or behind it: tracks are the same, and nothing is told again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.route.domain.nurture import recalled
from services.route.domain.nurture.state import Member, Nurtured, Stored
from services.route.domain.nurture.telling import TYPE
from services.route.domain.state import READING
from shared import contracts
from shared.clock import from_ms
from shared.outcome import Outgoing
from shared.stage import Record
from shared.topology import NURTURE
from tests.unit.route.builders import record, scored
from tests.unit.route.nurture.builders import JO, MONDAY, House
from tests.unit.route.nurture.test_any_tracks import documents, lives
from tests.unit.route.test_any_order import interleaved

END = MONDAY + timedelta(days=200)
OLD, NEW = "ld_old", "ld_jo"


def of(lead_id: str, part: int, life: Sequence[Record]) -> list[Record]:
    """A life as this lead's, in its number."""
    return [
        record({**msgspec.json.decode(one.value), "lead_id": lead_id}, at=from_ms(one.timestamp_ms), part=part)
        for one in life
    ]


def saying(one: Record, **more: Any) -> Record:
    """The record with something more in it."""
    return msgspec.structs.replace(one, value=msgspec.json.encode({**msgspec.json.decode(one.value), **more}))


def lived(text: str, records: Sequence[Record]) -> House:
    """As it was at first: each number at its own pace, with its own clock."""
    once = House(text)
    for one in records:
        once.passes(from_ms(one.timestamp_ms), part=one.part)
        once.reads(one)
    once.passes(END)
    return once


def rebuilt(text: str, told: Sequence[Outgoing], records: Sequence[Record]) -> House:
    """As a store is built anew: what is told in mind, these records, and the clock when all is read."""
    again = House(text)
    for one in told:
        value = one.data if isinstance(one.data, bytes) else contracts.encode(one.data)
        said = recalled.recollect(record(value, topic=NURTURE.name, headers={"ce_type": one.type.encode()}))
        assert said is not None
        assert said.value is not None
        if one.type == TYPE:
            again.world[Stored("told", one.event_id)] = recalled.remembered(said.value)
        else:
            lead_id = msgspec.json.decode(value)["lead_id"]
            key = Stored("turned", lead_id)
            facts = [*again.world.get(key, ()), recalled.turned(said.value)]
            again.world[key] = tuple(sorted(facts, key=lambda fact: fact.state.merges))
    again.world[READING] = True
    for each in records:
        again.reads(each)
    again.world[READING] = False
    again.passes(END)
    return again


def end_of(house: House) -> dict[Any, Any]:
    """What is kept of each lead, and who is in which audience. Who had left one before a merge is nothing that anybody asks of a new store."""
    return {
        key: value
        for key, value in house.world.items()
        if isinstance(value, Nurtured) or (isinstance(key, Member) and value.is_member)
    }


def check(text: str, first: Sequence[Record], second: Sequence[Record]) -> House:
    once = lived(text, first)
    again = rebuilt(text, once.emitted, second)
    assert {one.event_id for one in again.emitted} <= {one.event_id for one in once.emitted}
    assert end_of(again) == end_of(once)
    return once


@given(st.data(), documents(), lives(), lives(), st.integers(0, 11), st.integers(0, 11))
@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
def test_whichever_of_two_numbers_is_read_first_a_merge_and_a_split_leave_the_same(
    data: st.DataObject, text: str, one: list[Record], other: list[Record], merge: int, split: int
) -> None:
    """The first time they were read in any order too: what had come of the absorbed lead by then nobody can tell but the topic."""
    new, old = of(NEW, 0, one), of(OLD, 1, other)
    at = merge % len(new)
    new[at] = saying(new[at], absorbed=[OLD], segments=["hot"])
    if split % len(new) > at:
        new[split % len(new)] = saying(new[split % len(new)], restored=[OLD])
    check(text, interleaved(data, new, old), interleaved(data, new, old))


@given(st.data(), documents(), st.tuples(lives(), lives(), lives()), st.integers(0, 11), st.integers(0, 11))
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_a_merge_of_a_merge_is_the_same_in_any_order(
    data: st.DataObject, text: str, three: tuple[list[Record], ...], first: int, second: int
) -> None:
    last, new, old = of("ld_last", 2, three[0]), of(NEW, 0, three[1]), of(OLD, 1, three[2])
    new[first % len(new)] = saying(new[first % len(new)], absorbed=[OLD])
    last[second % len(last)] = saying(last[second % len(last)], absorbed=[NEW])
    check(text, interleaved(data, last, new, old), interleaved(data, last, new, old))


WAITS = """format: 1
limits: {quiet_hours: "20:00-08:00"}
channels: {email: {needs: {consent: marketing_email, field: profile.email.address}}}
content: {a: {channel: email}, b: {channel: email}}
tracks:
  - {id: t, when: 'lead.stage == "IQL"', steps: [{id: w, wait: 2d}, {id: a, send: a}, {id: v, wait: 2d}, {id: b, send: b}]}
"""


def told(lead_id: str, version: int, at: datetime, part: int, **more: Any) -> Record:
    return record(scored(lead_id, version=version, stage="IQL", profile=JO, **more), at=at, part=part)


def test_the_tracks_of_an_absorbed_lead_go_on_with_the_survivor_that_is_read_first() -> None:
    old = [told(OLD, 1, MONDAY, 1), told(OLD, 2, MONDAY + timedelta(days=2.5), 1)]
    new = [told(NEW, 1, MONDAY + timedelta(days=3), 0, absorbed=[OLD])]
    once = check(WAITS, [*old, *new], [*new, *old])
    assert [(one.lead_id, one.step) for one in once.told] == [(OLD, "a"), (NEW, "b")]


def test_a_step_that_was_not_told_waits_until_everything_is_read_and_is_sent_then() -> None:
    records = [told(OLD, 1, MONDAY, 1), told(OLD, 2, MONDAY + timedelta(days=3), 1)]
    again = rebuilt(WAITS, [], records)
    assert [one.step for one in again.told] == ["a", "b"]


def test_a_record_of_an_absorbed_lead_that_is_read_after_the_merge_makes_no_lead_of_its_own() -> None:
    new = [told(NEW, 1, MONDAY + timedelta(days=3), 0, absorbed=[OLD])]
    once = lived(WAITS, [*new, told(OLD, 1, MONDAY, 1)])
    assert once.lead(OLD).merged_into == NEW
    assert [(one.lead_id, one.step) for one in once.told] == [(NEW, "a"), (NEW, "b")]
