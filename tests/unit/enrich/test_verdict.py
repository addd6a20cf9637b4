"""Later verdicts: bursts, forms sent twice, and what an operator says; each on its own. Over any order of arrival: test_crowds.py."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.enrich.domain import crowd
from services.enrich.domain.verdict import MANY, bursts, judged, repeats
from services.enrich.domain.world import Facts, Happened, Kept, Lately, Ruling
from tests.unit.enrich import reference
from tests.unit.enrich.memory import MONDAY


def act(
    event_id: str, ms: float, kind: str = "page", *, own: float = 1.0, history: bool = False, content: int = 0
) -> Happened:
    facts = Facts("n", kind, "shop", human=own, history=history, content=content)
    return Happened(event_id, MONDAY + timedelta(milliseconds=ms), facts, cookie="anonymous\x1fc1")


def views(count: int, *, every_ms: float, kind: str = "page", history: bool = False) -> list[Happened]:
    return [act(f"e{n}", n * every_ms, kind, history=history) for n in range(count)]


def test_more_in_one_second_than_hands_can_do_is_a_burst_for_all_of_them() -> None:
    acts = views(MANY, every_ms=50)
    arrived, changed = judged(acts[4], [Kept(one) for one in acts if one is not acts[4]], None)

    assert arrived.human == 0.2
    assert {one.happened.event_id for one in changed} == {f"e{n}" for n in range(MANY) if n != 4}
    assert {one.human for one in changed} == {0.2}


def test_one_fewer_or_a_little_slower_is_a_person_in_a_hurry() -> None:
    assert bursts(views(MANY - 1, every_ms=1)) == frozenset()
    assert bursts(views(MANY, every_ms=1000 / (MANY - 1))) == frozenset()


def test_a_programs_events_make_no_burst_though_they_share_the_fate_of_the_views_around_them() -> None:
    assert bursts(views(40, every_ms=1, kind="track")) == frozenset()

    seen = sorted([*views(MANY, every_ms=10), act("t", 55, "track")], key=lambda one: one.at)
    assert "t" in bursts(seen)


def test_what_is_told_of_the_past_or_for_others_has_no_speed() -> None:
    assert bursts(views(50, every_ms=0, history=True)) == frozenset()
    assert bursts(views(50, every_ms=0, kind="hook")) == frozenset()
    crowd_ = [*views(MANY, every_ms=10), act("h", 55, "hook"), act("i", 55, "identify"), act("p", 55, history=True)]
    assert bursts(sorted(crowd_, key=lambda one: one.at)).isdisjoint({"h", "i", "p"})


def test_before_and_after_a_burst_somebody_may_have_been_a_person() -> None:
    burst = [replace(one, at=one.at + timedelta(seconds=10)) for one in views(MANY, every_ms=10)]
    assert bursts([act("before", 0), *burst, act("after", 20_000)]) == {one.event_id for one in burst}


def test_what_was_less_human_stays_so_and_the_operator_has_the_last_word() -> None:
    acts = views(MANY, every_ms=10)
    others = [Kept(one) for one in acts[1:]]
    others[0] = Kept(replace(others[0].happened, facts=replace(others[0].happened.facts, human=0.0)))
    others[1] = replace(others[1], ruled=True)
    arrived, changed = judged(acts[0], others, Ruling("e0", MONDAY, "c1", 0.9))

    assert (arrived.human, arrived.ruled) == (0.9, True)
    assert {one.happened.event_id for one in changed} == {f"e{n}" for n in range(3, MANY)}


def test_the_same_form_within_ten_seconds_is_a_repeat_and_so_is_the_next_one() -> None:
    first, second, third = (act(f"e{n}", n * 8_000, "form", content=7) for n in range(3))
    assert repeats(second, first)
    assert repeats(third, second)
    assert not repeats(third, first)
    assert not repeats(first, second)
    assert not repeats(act("x", 1, "form", content=8), first)
    assert not repeats(act("p1", 1), act("p0", 0)), "pages are seen twice"
    assert not repeats(act("late", 10_001, "form", content=7), first)


def test_when_the_earlier_of_two_twins_comes_later_the_other_is_the_repeat() -> None:
    earlier, later = act("e1", 0, "form", content=7), act("e2", 900, "form", content=7)
    arrived, changed = judged(earlier, [Kept(later, "ld_1", 1)], None)

    assert not arrived.repeat
    assert changed == [Kept(later, "ld_1", 1, repeat=True)]


_acts = st.lists(
    st.builds(
        act,
        st.uuids().map(str),
        st.integers(0, 30_000) | st.integers(9_000, 10_500),
        st.sampled_from(["page", "form", "pixel", "track", "identify", "hook"]),
        own=st.sampled_from([0.0, 0.1, 0.7, 1.0]),
        history=st.booleans(),
    ),
    max_size=60,
)


@given(_acts, st.integers(0, 60))
def test_with_more_events_a_burst_only_grows(acts: list[Happened], some: int) -> None:
    part = sorted(acts[:some], key=lambda one: one.rank)
    assert bursts(part) <= bursts(sorted(acts, key=lambda one: one.rank))


@given(_acts)
def test_bursts_are_what_looking_at_every_second_finds(acts: list[Happened]) -> None:
    found = bursts(sorted(acts, key=lambda one: one.rank))
    expected = reference.judged(acts)
    assert {one.event_id for one in acts if one.facts.human > 0.2 and expected[one.event_id].human == 0.2} == {
        one.event_id for one in acts if one.facts.human > 0.2 and one.event_id in found
    }


_times = st.integers(0, 40_000) | st.integers(0, 1_500)
_ids = st.uuids().map(str)
_forms = st.lists(
    st.builds(act, _ids, _times, st.sampled_from(["page", "track"]))
    | st.builds(act, _ids, _times, st.just("form"), content=st.sampled_from([1, 2])),
    max_size=40,
)


@given(_forms, st.randoms())
def test_what_is_known_lately_is_free_of_the_order_and_never_misses_anybody(
    acts: list[Happened], chance: object
) -> None:
    known: Lately | None = None
    before: dict[str, Kept] = {}
    chance.shuffle(acts)  # type: ignore[attr-defined]
    for one in acts:
        arrived, changed = judged(one, list(before.values()), None)
        assert not crowd.alone(known, one) or (arrived, changed) == (Kept(one), [])
        known = crowd.added(known, one)
        before |= {kept.happened.event_id: kept for kept in (*changed, arrived)}
    again: Lately | None = None
    for one in sorted(acts, key=lambda each: each.rank):
        again = crowd.added(again, one)
    assert known == again


def test_who_comes_in_order_and_not_in_a_rush_is_seen_to_be_alone_without_a_look() -> None:
    known: Lately | None = None
    for number in range(500):
        one = act(
            f"e{number}", number * 1_200, "form" if number % 5 == 0 else "page", content=number * (number % 5 == 0)
        )
        assert crowd.alone(known, one)
        known = crowd.added(known, one)
