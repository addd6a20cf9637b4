"""For any ruleset the path that serves traffic says what the reference fold says, at every step and at any moment. With test_any_rule,
test_fold_and_tally_agree, test_clock, test_as_of and test_advice these are 5,500 random cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.score.domain.fold import fold
from tests.unit.score.builders import BUSINESS, Desk, enriched, ruleset
from tests.unit.score.rulesets import BEGIN, activities, texts
from tests.unit.score.test_fold_and_tally_agree import agree, once_per_revision


@settings(deadline=None, max_examples=1000)
@given(
    texts(), st.lists(activities(), min_size=1, max_size=25), st.lists(st.integers(0, 2000), max_size=25), st.booleans()
)
def test_any_story_in_any_order_gives_what_the_fold_gives_at_every_step(
    text: str, story: list[dict[str, Any]], hours: list[int], always_loads_all: bool
) -> None:
    in_force = ruleset(text)
    desk = Desk(in_force, always_loads_all=always_loads_all)
    told: list[dict[str, Any]] = []
    now = BEGIN
    for step, activity in enumerate(once_per_revision(story)):
        now = max(now, BEGIN + timedelta(hours=hours[step])) if step < len(hours) else now
        told.append(activity)
        scored = desk.tell(enriched(activity, profile=BUSINESS), now=now)
        agree(scored, told, BUSINESS, in_force, now)
        assert desk.leads["ld_jo"].state.tally.kinds == fold(in_force.ruleset, told, {}, now=now).kinds


@settings(deadline=None, max_examples=400)
@given(texts(), st.lists(activities(), min_size=1, max_size=25), st.integers(0, 3000))
def test_in_order_of_time_it_gives_the_same_as_in_any_other(text: str, story: list[dict[str, Any]], hours: int) -> None:
    in_force = ruleset(text)
    now: datetime = BEGIN + timedelta(days=40, hours=hours)
    told = once_per_revision(story)
    ends = []
    for order in (told, sorted(told, key=lambda one: (one["occurred_at"], one["id"]))):
        desk = Desk(in_force)
        for activity in order:
            at = max(datetime.fromisoformat(activity["occurred_at"]), BEGIN) if order is not told else now
            desk.tell(enriched(activity, profile=BUSINESS), now=at)
        again = desk.tell(enriched(told[0], profile=BUSINESS), now=now)
        assert again is not None
        ends.append((again.score, again.contributions, again.grade))
    assert ends[0] == ends[1]
