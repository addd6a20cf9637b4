"""Partitions that are read at different speeds give their records in the order of time."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from shared.ordered import Ahead, when
from shared.stage import Record


def record(part: int, offset: int, at: int, topic: str = "t") -> Record:
    return Record(topic, part, offset, at, None, b"", {})


def test_nothing_is_given_while_a_place_that_has_more_is_empty() -> None:
    ahead = Ahead()
    ahead.add(("t", 0), [record(0, 0, 5)])
    assert ahead.take([0, 1], {("t", 1)}, limit=10) == []
    ahead.add(("t", 1), [record(1, 0, 3)])
    assert [one.part for one in ahead.take([0, 1], {("t", 1)}, limit=10)] == [1]
    assert [one.part for one in ahead.take([0, 1], set(), limit=10)] == [0]
    assert not ahead


def test_what_is_let_go_of_is_forgotten() -> None:
    ahead = Ahead()
    ahead.add(("t", 0), [record(0, 4, 5)])
    assert ahead.first(("t", 0)) == 4
    assert ahead.take([1], set(), limit=10) == []
    assert ahead.first(("t", 0)) is None


@given(st.lists(st.lists(st.integers(0, 30), max_size=20), min_size=1, max_size=4), st.integers(1, 6), st.randoms())
def test_every_record_comes_once_and_in_the_order_of_time(
    times: list[list[int]], limit: int, rng: random.Random
) -> None:
    left = {("t", part): [record(part, n, at) for n, at in enumerate(sorted(own))] for part, own in enumerate(times)}
    everything = [one for rows in left.values() for one in rows]
    ahead = Ahead()
    given_: list[Record] = []
    while any(left.values()) or ahead:
        for place, rows in left.items():
            if rows and not ahead.has(place):
                count = rng.randint(1, 5)
                ahead.add(place, rows[:count])
                del rows[:count]
        given_ += ahead.take(range(4), {place for place, rows in left.items() if rows}, limit=limit)
    assert sorted(given_, key=when) == sorted(everything, key=when)
    assert [one.timestamp_ms for one in given_] == sorted(one.timestamp_ms for one in everything)
