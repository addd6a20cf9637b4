"""Histories of households, in any order and with any repetition: the same people, the same profiles, nothing lost, and readers know the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import intake, profile, telling
from services.enrich.domain.limits import LIMITS, Limits
from services.enrich.domain.world import Happened
from shared.stage import Input
from tests.unit.enrich import reference
from tests.unit.enrich.households import Event, arrivals, household, named, ruled
from tests.unit.enrich.memory import Memory, record

_seeds = st.integers(0, 2**32 - 1)
_sizes = st.sampled_from([32, 24, 12, 6, 3, 2])


def _read(events: list[Event]) -> dict[str, Happened]:
    found = [intake.decode(record(said)) for said in events]
    return {one.event_id: one.event for one in found if isinstance(one, Input)}


def _played(seed: int, events: list[Event]) -> Memory:
    memory = Memory(tick_ms=seed % 2 * 1000)
    chance = random.Random(seed)
    for batch in arrivals(seed, events):
        memory.batch(batch)
        memory.tell(chance.randint(0, 3))
    return memory


@settings(max_examples=1_200)
@given(history=_seeds, size=_sizes, order=_seeds)
def test_whatever_a_household_does_its_people_stay_themselves_and_nothing_of_them_is_lost(
    history: int, size: int, order: int
) -> None:
    events = household(history, size)
    with _limited(history):
        memory = _played(order, events)
        _as_the_reference_says(memory, events)
    _nobody_has_two_of_a_kind(memory)


@settings(max_examples=500)
@given(history=_seeds, size=_sizes, order=_seeds)
def test_whatever_operators_rule_while_events_arrive_the_people_follow_from_events_and_rulings_alone(
    history: int, size: int, order: int
) -> None:
    events, chance = household(history, size), random.Random(order)
    with _limited(history):
        memory = Memory(tick_ms=1000)
        for batch in arrivals(order, events):
            memory.batch(batch)
            if chance.random() < 0.3:
                ruled(chance, memory)
            memory.tell(chance.randint(0, 3))
        _as_the_reference_says(memory, events)


@settings(max_examples=500)
@given(history=_seeds, size=_sizes, order=_seeds)
def test_merged_and_parted_again_is_as_if_never_merged(history: int, size: int, order: int) -> None:
    with _limited(history):
        _merged_and_parted(history, size, order)


def _merged_and_parted(history: int, size: int, order: int) -> None:
    events, chance = household(history, size), random.Random(order)
    batches = list(arrivals(order, events))
    when = chance.randint(1, len(batches))
    never, memory = Memory(), Memory()
    for batch in batches[:when]:
        never.batch(batch)
        memory.batch(batch)
    addresses = sorted(name for name, row in memory.identifiers.items() if name.startswith("email") and row.lead_id)
    if len(addresses) < 2:
        return
    one, other = chance.sample(addresses, k=2)
    leads = [memory.identifiers[name].lead_id for name in (one, other)]
    assert memory.ask("merge", lead_ids=leads, at=20_000) is None
    assert memory.identifiers[one].lead_id == memory.identifiers[other].lead_id
    never.clock += never.tick_ms
    for batch in batches[when:]:
        never.batch(batch)
        memory.batch(batch)
    merged = memory.identifiers[one].lead_id
    assert memory.ask("split", lead_id=merged, identifiers=[named(other)], at=20_001) is None

    for each in (memory, never):
        each.tell(len(each.untold))
    assert memory.people() == never.people()
    assert memory.states() == never.states()
    assert _leads(memory) == _leads(never)
    assert memory.heard() == never.heard()


def _leads(memory: Memory) -> dict[str, str | None]:
    return {event_id: kept.lead_id for event_id, kept in memory.activities.items()}


@contextmanager
def _limited(seed: int) -> Iterator[None]:
    """In every second history few numbers, and few systems' ids, may join an identifier, so that some are over the limit; in every third one
    little is told at once."""
    limits = Limits(3, 2, 1, 2) if seed % 2 else LIMITS
    few = patch.multiple(
        LIMITS, identifiers=limits.identifiers, an_hour=limits.an_hour, systems=limits.systems, names=limits.names
    )
    with few, patch.object(telling, "MOST_AT_ONCE", telling.MOST_AT_ONCE if seed % 3 else seed % 4):
        yield


def _as_the_reference_says(memory: Memory, events: list[Event]) -> None:
    """The store's people and profiles, and what a reader of the topic makes of it, once all is told."""
    while memory.untold:
        memory.tell(2)
    happened = _read(events)
    known = reference.known(happened.values(), memory.judgements.values())
    judged = reference.judged(happened.values())
    assert memory.people() == known.keys()
    assert memory.activities.keys() == happened.keys()
    # Each claim, consent and touch of a person's events is there, or lost to a better one; whatever leads they were in before.
    states = memory.states()
    assert {group: reference.said(state) for group, state in states.items()} == known

    groups, profiles = memory.heard()
    assert groups == reference.heard(known.keys(), judged)
    of_those_heard = memory.states(judged)
    for group, (shown, first, last) in profiles.items():
        state = of_those_heard[group]
        assert shown == profile.of(state)
        assert (first, last) == (state.first and state.first.touch, state.last and state.last.touch)


def _nobody_has_two_of_a_kind(memory: Memory) -> None:
    """Two people who each have a strong id of their own are two leads: no lead has two addresses, or two user ids of one property, or two ids of one system."""
    strong: dict[tuple[str, ...], str] = {}
    for name, row in memory.identifiers.items():
        kind, *rest = name.split("\x1f")
        if row.lead_id is not None and kind in ("email", "user", "external"):
            slot = (row.lead_id, kind, *rest[:-1])
            assert strong.setdefault(slot, name) == name
    addresses: dict[str, str] = {}
    for kept in memory.activities.values():
        if kept.lead_id is not None and kept.happened.email is not None:
            assert addresses.setdefault(kept.lead_id, kept.happened.email) == kept.happened.email
