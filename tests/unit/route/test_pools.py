"""Fairness: whose turn it is, whatever the weights, the order and the changes."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from services.route.domain.pools import Counter, levelled, turn
from services.route.domain.pools import given as one_more
from services.route.domain.routing import Member

WEIGHTS = st.lists(st.integers(1, 1000), min_size=1, max_size=6)


def members(weights: list[int]) -> list[Member]:
    return [Member(f"m{number}", weight) for number, weight in enumerate(weights)]


def share(counters: dict[str, Counter], member: Member) -> Fraction:
    return Fraction(counters[member.owner].level, member.weight)


def is_fair(counters: dict[str, Counter], who: list[Member]) -> bool:
    """No member is more than one share of the other ahead of it."""
    return all(share(counters, a) - share(counters, b) <= Fraction(1, b.weight) for a in who for b in who)


def test_two_equal_members_take_turns() -> None:
    counters: dict[str, Counter] = {}
    given_to = []
    for _ in range(4):
        owner, counters, _ = turn(members([1, 1]), counters)
        given_to.append(owner)
    assert given_to == ["m0", "m1", "m0", "m1"]


def test_a_member_of_weight_two_gets_twice_as_many() -> None:
    counters: dict[str, Counter] = {}
    for _ in range(300):
        _, counters, _ = turn(members([2, 1]), counters)
    assert [counters["m0"].given, counters["m1"].given] == [200, 100]


@given(WEIGHTS, st.integers(1, 100))
@settings(deadline=None, max_examples=50)
def test_at_any_moment_nobody_is_more_than_a_share_ahead(weights: list[int], times: int) -> None:
    who = members(weights)
    counters: dict[str, Counter] = {}
    for _ in range(times):
        _, counters, _ = turn(who, counters)
        assert is_fair(counters, who)


@given(st.integers(2, 6), st.integers(1, 100))
@settings(deadline=None, max_examples=50)
def test_equal_members_never_differ_by_more_than_one(count: int, times: int) -> None:
    who = members([1] * count)
    counters: dict[str, Counter] = {}
    for _ in range(times):
        _, counters, _ = turn(who, counters)
        counts = [counters[member.owner].given for member in who]
        assert max(counts) - min(counts) <= 1


@given(WEIGHTS, st.integers(0, 60), st.integers(1, 1000), st.integers(1, 60))
@settings(deadline=None, max_examples=50)
def test_a_newcomer_starts_at_the_others_level(weights: list[int], before: int, weight: int, after: int) -> None:
    who = members(weights)
    counters: dict[str, Counter] = {}
    for _ in range(before):
        _, counters, _ = turn(who, counters)
    who = [*who, Member("new", weight)]
    for _ in range(after):
        _, counters, _ = turn(who, counters)
        assert is_fair(counters, who)
    assert counters["new"].given <= after


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
        for _ in range(weight):
            _, now, _ = turn(list(pool.values()), counters)
            counters = {**counters, **now}  # as the store keeps who left
            assert is_fair(now, list(pool.values()))


def test_whoever_keeps_up_is_left_alone() -> None:
    counters = {"m0": Counter(5, 5), "m1": Counter(4, 4)}
    assert levelled(members([1, 1]), counters) == counters


def test_a_handover_that_is_kept_counts_without_moving_the_others() -> None:
    assert one_more({"m0": Counter(5, 5)}, "m1") == {"m0": Counter(5, 5), "m1": Counter(1, 1)}
