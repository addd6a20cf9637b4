"""Later verdicts: bursts and what an operator says, over any order of arrival."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.enrich.domain import verdict
from services.enrich.domain.verdict import MANY, Act, Revised, Ruling, bursts, human, revised
from tests.unit.enrich.memory import MONDAY


def act(event_id: str, ms: float, kind: str = "page", *, own: float = 1.0, history: bool = False) -> Act:
    return Act(event_id, MONDAY + timedelta(milliseconds=ms), kind, own, own, 1, history)


def views(count: int, *, every_ms: float, kind: str = "page", history: bool = False) -> list[Act]:
    return [act(f"e{n}", n * every_ms, kind, history=history) for n in range(count)]


def test_more_in_one_second_than_hands_can_do_is_a_burst_and_is_sent_again() -> None:
    found = revised(views(MANY, every_ms=50), {})

    assert [one.event_id for one in found] == [f"e{n}" for n in range(MANY)]
    assert {(one.human, one.revision) for one in found} == {(0.2, 2)}


def test_one_fewer_or_a_little_slower_is_a_person_in_a_hurry() -> None:
    assert revised(views(MANY - 1, every_ms=1), {}) == []
    assert revised(views(MANY, every_ms=1000 / (MANY - 1)), {}) == []


def test_a_programs_events_make_no_burst_though_they_share_the_fate_of_the_views_around_them() -> None:
    products = views(40, every_ms=1, kind="track")
    assert bursts(products) == frozenset()

    seen = sorted([*views(MANY, every_ms=10), act("t", 55, "track")], key=lambda one: one.at)
    assert "t" in bursts(seen)


def test_what_is_told_of_the_past_or_for_others_has_no_speed() -> None:
    assert bursts(views(50, every_ms=0, history=True)) == frozenset()
    assert bursts(views(50, every_ms=0, kind="hook")) == frozenset()
    crowd = sorted([*views(MANY, every_ms=10), act("h", 55, "hook"), act("i", 55, "identify"), act("p", 55, history=True)], key=lambda one: one.at)  # fmt: skip
    assert bursts(crowd).isdisjoint({"h", "i", "p"})


def test_before_and_after_a_burst_somebody_may_have_been_a_person() -> None:
    burst = [replace(one, at=one.at + timedelta(seconds=10)) for one in views(MANY, every_ms=10)]
    acts = [act("before", 0), *burst, act("after", 20_000)]
    assert bursts(acts) == {one.event_id for one in burst}


def test_what_was_never_sent_gets_its_verdict_without_a_revision_and_what_was_less_human_stays_so() -> None:
    acts = [replace(one, revision=0) for one in views(MANY, every_ms=10)]
    acts[3] = replace(acts[3], own=0.0, shown=0.0)
    found = revised(acts, {})

    assert {one.revision for one in found} == {0}
    assert "e3" not in {one.event_id for one in found}


def test_the_operator_has_the_last_word_and_of_several_words_the_last_counts() -> None:
    early, late = Ruling("e0", MONDAY, "c9", 0.0), Ruling("e0", MONDAY + timedelta(minutes=1), "c1", 1.0)
    acts = views(MANY, every_ms=10)

    assert human(0.1, burst=True, rulings=[late, early]) == 1.0
    assert "e0" not in {one.event_id for one in revised(acts, {"e0": [early, late]})}
    assert revised([act("e", 0)], {"e": [early]}) == [Revised("e", 0.0, 2)]


_acts = st.lists(
    st.builds(
        act,
        st.uuids().map(str),
        st.integers(0, 3_000),
        st.sampled_from(["page", "form", "pixel", "track", "identify", "hook"]),
        own=st.sampled_from([0.0, 0.1, 0.7, 1.0]),
        history=st.booleans(),
    ),
    max_size=60,
)


def _sent(acts: Sequence[Act], found: list[Revised]) -> list[Act]:
    now = {one.event_id: one for one in found}
    return [
        replace(one, shown=now[one.event_id].human, revision=now[one.event_id].revision) if one.event_id in now else one
        for one in acts
    ]


@given(_acts, st.randoms())
def test_any_order_and_any_portions_of_arrival_end_in_the_same_verdict(acts: list[Act], chance: object) -> None:
    whole = _sent(acts, revised(acts, {}))
    shuffled = list(acts)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    known: list[Act] = []
    for one in shuffled:
        known = _sent([*known, one], revised([*known, one], {}))

    assert {one.event_id: one.shown for one in known} == {one.event_id: one.shown for one in whole}
    assert revised(known, {}) == []


@given(_acts, st.integers(0, 60))
def test_with_more_events_a_burst_only_grows(acts: list[Act], some: int) -> None:
    part = sorted(acts[:some], key=verdict._rank)
    assert bursts(part) <= bursts(sorted(acts, key=verdict._rank))


@given(_acts)
def test_bursts_are_what_looking_at_every_second_finds(acts: list[Act]) -> None:
    ordered = sorted(acts, key=verdict._rank)
    hands = [one.at for one in ordered if one.kind in ("page", "form", "pixel") and not one.history]
    windows = [(first, [at for at in hands if first <= at < first + timedelta(seconds=1)]) for first in hands]
    spans = [(first, max(window)) for first, window in windows if len(window) >= MANY]
    expected = {
        one.event_id
        for one in ordered
        if one.kind not in ("hook", "identify")
        and not one.history
        and any(first <= one.at <= last for first, last in spans)
    }
    assert bursts(ordered) == expected
