"""Fairness: whose turn it is, whatever the weights, the order and the changes."""

from __future__ import annotations

from collections import Counter as Count

from hypothesis import given, settings
from hypothesis import strategies as st

from services.route.domain.pools import Counter, kept, turn
from services.route.domain.routing import Member

WEIGHTS = st.lists(st.integers(1, 1000), min_size=1, max_size=6)


def members(weights: list[int]) -> list[Member]:
    return [Member(f"m{number}", weight) for number, weight in enumerate(weights)]


def turns(who: list[Member], times: int, counters: dict[str, Counter] | None = None) -> list[str]:
    """Who got them, in order."""
    counters = counters if counters is not None else {}
    given_to = []
    for _ in range(times):
        owner, after, _ = turn(who, counters)
        counters.update(after)
        given_to.append(owner)
    return given_to


def test_two_equal_members_take_turns() -> None:
    assert turns(members([1, 1]), 4) == ["m0", "m1", "m0", "m1"]


def test_a_member_of_weight_two_gets_twice_as_many() -> None:
    assert Count(turns(members([2, 1]), 300)) == {"m0": 200, "m1": 100}


def test_a_heavy_member_s_turns_are_spread_among_the_others() -> None:
    assert "".join(one[1] for one in turns(members([5, 1, 1]), 14)) == "00012000001200"


def test_whoever_was_away_is_owed_nothing() -> None:
    both = members([1, 1])
    counters: dict[str, Counter] = {}
    assert turns(both[:1], 10, counters) == ["m0"] * 10
    assert Count(turns(both, 10, counters)) == {"m0": 5, "m1": 5}


def test_who_can_t_have_this_one_keeps_the_place() -> None:
    who = members([1, 1, 1])
    counters: dict[str, Counter] = {}
    owner, counters, _ = turn(who, counters, but={"m0"})
    assert owner == "m1"
    assert turns(who, 2, counters) == ["m0", "m2"]


def test_a_handover_that_is_kept_counts_as_one_that_was_decided() -> None:
    who = members([2, 1])
    decided: dict[str, Counter] = {}
    given_to = turns(who, 9, decided)
    told: dict[str, Counter] = {}
    for owner in given_to:
        told = kept(who, told, owner)
    assert told == decided


def fair_between(one: Member, other: Member, got: Count[str]) -> bool:
    """At most one unit of weight between them, and one handover between equal ones."""
    if one.weight == other.weight:
        return abs(got[one.owner] - got[other.owner]) <= 1
    return abs(got[one.owner] * other.weight - got[other.owner] * one.weight) <= one.weight * other.weight


def is_fair(who: list[Member], got: Count[str]) -> bool:
    return all(fair_between(one, other, got) for one in who for other in who)


@given(WEIGHTS, st.integers(1, 100))
@settings(deadline=None, max_examples=40)
def test_at_any_moment_nobody_is_more_than_a_share_ahead(weights: list[int], times: int) -> None:
    who = members(weights)
    got: Count[str] = Count()
    for owner in turns(who, times):
        got[owner] += 1
        assert is_fair(who, got)


# Who is there, as bits, and for how many turns.
TIMES = st.lists(st.tuples(st.integers(1, 31), st.integers(1, 6)), min_size=1, max_size=20)


@given(st.lists(st.integers(1, 4), min_size=5, max_size=5), TIMES)
@settings(deadline=None, max_examples=100)
def test_over_any_time_in_which_two_are_both_free_what_they_got_is_fair(
    weights: list[int], times: list[tuple[int, int]]
) -> None:
    """Members come and go; of any two, counted since both are there."""
    counters: dict[str, Counter] = {}
    since: dict[tuple[Member, Member], Count[str]] = {}
    for there, count in times:
        free = [member for number, member in enumerate(members(weights)) if there >> number & 1]
        pairs = [(one, other) for number, one in enumerate(free) for other in free[:number]]
        since = {pair: since.get(pair, Count()) for pair in pairs}
        for _ in range(count):
            owner, counters, _ = turn(free, counters)
            for (one, other), got in since.items():
                got[owner] += 1
                assert fair_between(one, other, got)


@given(WEIGHTS, st.integers(0, 60), st.integers(1, 1000), st.integers(1, 60))
@settings(deadline=None, max_examples=40)
def test_a_newcomer_starts_at_the_others_level(weights: list[int], before: int, weight: int, after: int) -> None:
    who, counters = members(weights), dict[str, Counter]()
    turns(who, before, counters)
    who = [*who, Member("new", weight)]
    got: Count[str] = Count()
    for owner in turns(who, after, counters):
        got[owner] += 1
        assert all(fair_between(one, who[-1], got) for one in who)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 9)), min_size=1, max_size=12))
@settings(deadline=None, max_examples=50)
def test_any_change_of_the_document_leaves_a_fair_pool(changes: list[tuple[str, int]]) -> None:
    """Members come, go and change their weight between handovers; who is in the pool at the moment is treated fairly."""
    pool: dict[str, Member] = {}
    counters: dict[str, Counter] = {}
    for name, weight in changes:
        if name in pool and pool[name].weight == weight and len(pool) > 1:
            del pool[name]
        else:
            pool[name] = Member(name, weight)
        who = list(pool.values())
        turn_places = []
        for _ in range(weight):
            _, counters, _ = turn(who, counters)
            turn_places.append({one.owner: counters[one.owner].place for one in who})
        for places in turn_places:
            for one in who:
                for other in who:
                    assert places[one.owner] - places[other.owner] <= 1_000_000_000 // one.weight + 2
