"""What a backtest says of one lead is what publishing would make of it: points, contributions, grade and stage."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.score.domain.backtest.lead import Pair
from services.score.domain.fold import fold
from services.score.domain.inforce import InForce
from services.score.domain.known import Decided, Known, Profiled
from services.score.domain.lead import Due
from services.score.domain.score import Score
from shared.contracts import Contribution, Scored
from shared.stage import Input
from tests.unit.score.builders import BUSINESS, NOON, RULESET, Desk, an_activity, days, enriched, outcome, ruleset
from tests.unit.score.rulesets import BEGIN, activities, texts
from tests.unit.score.test_fold_and_tally_agree import agree, once_per_revision


def published(desk: Desk, draft: InForce, at: datetime, again: dict[str, Any]) -> tuple[str, Scored]:
    """The lead's stage once the draft was published at that moment and the lead was looked at; and its points, as they are told when an
    activity comes again that is known."""
    theirs = Desk(draft)
    theirs.leads, theirs.kept = dict(desk.leads), {lead_id: list(kept) for lead_id, kept in desk.kept.items()}
    theirs.decide(Input("publication", Due("ld_jo"), at, 3))
    stage = theirs.leads["ld_jo"].state.stage
    scored = theirs.tell(enriched(again, profile=BUSINESS), now=at)
    assert scored is not None
    return stage, scored


def assert_same(points: Score, scored: Scored) -> None:
    assert (points.total, points.fit, points.engagement) == (
        round(scored.score.total * 100),
        round(scored.score.fit * 100),
        round(scored.score.engagement * 100),
    )
    assert msgspec.json.decode(points.contributions, type=list[Contribution]) == scored.contributions


@settings(deadline=None, max_examples=25)
@given(
    texts(),
    texts(),
    st.lists(activities(), min_size=1, max_size=20),
    st.lists(st.integers(0, 30), min_size=20, max_size=20),
    st.lists(st.sampled_from([None, None, None, None, "rejected", "won", "recycled"]), min_size=20, max_size=20),
    st.integers(0, 20),
    st.sampled_from([0, 1, 24, 200, 3000]),
)
def test_a_backtest_of_any_moment_says_what_the_fold_says_and_what_publishing_then_would_have_made_of_the_lead(
    live: str,
    draft: str,
    story: list[dict[str, Any]],
    hours: list[int],
    words: list[str | None],
    steps: int,
    later: int,
) -> None:
    before, after = ruleset(live), ruleset(draft)
    desk, then, now = Desk(before), Desk(before), BEGIN
    told = once_per_revision(story)
    by_then = max(1, min(steps, len(told)))
    at = BEGIN
    for step, activity in enumerate(told):
        now += timedelta(hours=hours[step])
        if step == by_then:
            at = now = now + timedelta(hours=later)
            now += timedelta(milliseconds=1)
        for one in (desk, then) if step < by_then else (desk,):
            one.tell(enriched(activity, profile=BUSINESS), now=now)
            if (word := words[step]) is not None:
                one.tell(outcome(word, at=now), type_="lead.command", now=now)
    if by_then == len(told):
        at = now + timedelta(hours=later)
    for one in (desk, then):
        one.decide(Input("clock", Due("ld_jo"), max(at, now) if one is desk else at, 3))
    known = desk.known(at)
    assert known is not None
    row = Pair(before, after).row(known)
    for in_force, side in ((before, row.before), (after, row.after)):
        stage, scored = published(then, in_force, at, told[by_then - 1])
        agree(scored, told[:by_then], BUSINESS, in_force, at, then.leads["ld_jo"].state)
        assert_same(side.points, scored)
        assert (side.grade, side.stage) == (scored.grade, stage)


def test_of_a_lead_that_did_more_than_any_tally_has_room_for_it_still_says_what_the_fold_says() -> None:
    in_force = ruleset(
        RULESET.replace("points: 3.1, cap: 12", "points: 3.1, window: 30d").replace(
            "points: -10.5", "points: -1, fade: 60d"
        )
    )
    told = [
        an_activity(
            number, kind="page", name="page", path="/careers" if number % 3 else "/pricing", at=NOON - days(number / 4)
        )
        for number in range(400)
    ]
    known = Known(
        lead_id="ld_jo",
        part=0,
        at=NOON,
        activities=tuple(map(msgspec.json.encode, told)),
        profiled=Profiled(0, 1, msgspec.json.encode(BUSINESS)),
        decided=Decided(),
    )
    points = Pair(in_force, in_force).row(known).after.points
    expected = fold(in_force.ruleset, told, BUSINESS, now=NOON)
    assert points.total == expected.total * 100
    parts = msgspec.json.decode(points.contributions, type=list[Contribution])
    assert [(part.rule, part.points) for part in parts] == [(part.rule, float(part.points)) for part in expected.parts]
