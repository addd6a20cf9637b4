"""When counting on is enough, and that it then comes to the same as the lead's whole history."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.score.domain import history
from services.score.domain.inforce import Fact
from services.score.domain.tally import Tally, advance, is_countable
from tests.unit.score.builders import NOON, activity_id, ruleset

RULESET = ruleset().ruleset


def a_fact(number: int = 1, *, minute: int = 0, revision: int = 0, rules: tuple[int, ...] = (0,)) -> Fact:
    return Fact(activity_id(number), revision, NOON + timedelta(minutes=minute), "form", True, rules)


def tally_of(*facts: Fact) -> Tally:
    return history.tally(history.history(facts), RULESET)


def test_new_activities_in_order_are_countable() -> None:
    assert is_countable(tally_of(a_fact(1)), {}, [a_fact(2, minute=1), a_fact(3, minute=2)])


def test_an_activity_before_the_latest_that_counted_is_not_countable() -> None:
    assert not is_countable(tally_of(a_fact(1, minute=5)), {}, [a_fact(2, minute=4)])


def test_activities_of_one_batch_that_come_out_of_order_are_not_countable() -> None:
    assert not is_countable(Tally(), {}, [a_fact(1, minute=2), a_fact(2, minute=1)])


def test_an_activity_that_falls_under_no_rule_is_countable_however_late() -> None:
    assert is_countable(tally_of(a_fact(1, minute=5)), {}, [a_fact(2, minute=1, rules=()), a_fact(3, minute=6)])


def test_a_repeat_of_what_is_kept_is_countable_and_a_higher_revision_is_not() -> None:
    before, known = tally_of(a_fact(1, revision=3)), {activity_id(1): 3}
    assert is_countable(before, known, [a_fact(1, revision=3)])
    assert is_countable(before, known, [a_fact(1, revision=2)])
    assert not is_countable(before, known, [a_fact(1, revision=4)])


def test_one_activity_twice_in_a_batch_is_not_countable() -> None:
    assert not is_countable(Tally(), {}, [a_fact(1), a_fact(1, revision=1, minute=1)])


facts = st.builds(
    a_fact,
    st.integers(1, 8),
    minute=st.integers(0, 2880),
    revision=st.integers(0, 1),
    rules=st.sampled_from([(), (0,), (1,), (2,), (1, 5), (3,)]),
)


@given(st.lists(facts, max_size=5, unique_by=lambda fact: fact.id), st.lists(facts, min_size=1, max_size=3))
def test_what_is_countable_comes_to_the_same_counted_on_as_counted_whole(kept: list[Fact], told: list[Fact]) -> None:
    before, known = tally_of(*kept), {fact.id: fact.revision for fact in kept}
    if not is_countable(before, known, told):
        return
    after = before
    for fact in told:
        if fact.id not in known:
            after = advance(after, fact, RULESET)
    assert after == tally_of(*kept, *(fact for fact in told if fact.id not in known))
