"""Histories of households, in any order and with any repetition: the same people, the same profiles, nothing lost, and readers know the same."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import intake, profile
from services.enrich.domain.world import Happened
from shared.stage import Input
from tests.unit.enrich import reference
from tests.unit.enrich.households import Event, arrivals, household
from tests.unit.enrich.memory import Memory, record

_seeds = st.integers(0, 2**32 - 1)
_sizes = st.sampled_from([32, 24, 12, 6, 3, 2])


def _read(events: list[Event]) -> dict[str, Happened]:
    found = [intake.decode(record(said)) for said in events]
    return {one.event_id: one.event for one in found if isinstance(one, Input)}


def _played(seed: int, events: list[Event]) -> Memory:
    memory = Memory(tick_ms=seed % 2 * 1000)
    for batch in arrivals(seed, events):
        memory.batch(batch)
    return memory


@settings(max_examples=2_000)
@given(history=_seeds, size=_sizes, order=_seeds)
def test_whatever_a_household_does_its_people_stay_themselves_and_nothing_of_them_is_lost(
    history: int, size: int, order: int
) -> None:
    events = household(history, size)
    happened = _read(events)
    memory = _played(order, events)

    known = reference.known(happened.values())
    assert memory.people() == known.keys()
    assert memory.activities.keys() == happened.keys()
    # Each claim, consent and touch of a person's events is there, or lost to a better one; whatever leads they were in before.
    states = memory.states()
    assert {group: reference.said(state) for group, state in states.items()} == known
    _nobody_has_two_of_a_kind(memory)

    groups, profiles = memory.heard()
    assert groups == known.keys()
    for group, (shown, first, last) in profiles.items():
        state = states[group]
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
