"""The path that serves traffic and the reference fold say the same, whatever comes in whatever order, at every step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.score.domain.fold import fold
from services.score.domain.folded import Folded
from services.score.domain.lead import State
from shared.contracts import Scored
from tests.unit.score.builders import NOON, RULESET, Desk, an_activity, enriched, ruleset

IN_FORCE = ruleset()
_NOTHING_SAID = State()
IN_ST_JOHNS = ruleset(RULESET.replace("Europe/Berlin", "America/St_Johns"))
BEFORE_CLOCKS_GO_BACK = datetime(2007, 11, 4, 2, 20, tzinfo=UTC)  # 23:50 there; at 00:01 it became 23:01 again

profiles = st.fixed_dictionaries(
    {},
    optional={
        "email": st.sampled_from(
            [{"kind": "business", "domain": "acme.example"}, {"kind": "free", "domain": "rival.example"}, {}]
        ),
        "phone": st.sampled_from([{}, {"e164": "+4930123"}]),
        "company": st.sampled_from([{"size": 999}, {"size": 1000}, {"size": "1000"}, {"size": None}, {"name": "Acme"}]),
        "country": st.sampled_from(["DE", "FR"]),
    },
)


@st.composite
def activities(draw: st.DrawFn) -> dict[str, Any]:
    minutes = draw(st.integers(0, 3 * 24 * 60) | st.sampled_from([0, 60, 720]))
    optional: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "campaign": st.sampled_from([{"medium": "cpc"}, {"source": "x"}]),
                "properties": st.sampled_from([{"paid": True}, {"paid": 1}, {"paid": None}, {"x": [1]}]),
                "withdrawn": st.booleans(),
            },
        )
    )
    return an_activity(
        draw(st.integers(0, 6)),
        at=datetime(2026, 6, 15, 20, tzinfo=UTC) + timedelta(minutes=minutes),
        revision=draw(st.integers(0, 2)),
        kind=draw(st.sampled_from(["form", "page", "track"])),
        name=draw(st.sampled_from(["contact", "enquiry", "magnet-a", "demo", "page"])),
        human=draw(st.sampled_from([0.0, 0.49, 0.5, 1.0])),
        property=draw(st.sampled_from(["www", "shop"])),
        path=draw(st.sampled_from([None, "/pricing", "/careers/x", "/"])),
        **optional,
    )


def once_per_revision(story: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Enrich never says two things under one revision: of equal ones the first stands for all."""
    said: dict[tuple[str, int], dict[str, Any]] = {}
    return [said.setdefault((activity["id"], activity["revision"]), activity) for activity in story]


def agree(
    scored: Scored | None,
    told: list[dict[str, Any]],
    profile: dict[str, Any],
    in_force: Any = IN_FORCE,
    now: datetime = NOON,
    state: State = _NOTHING_SAID,
) -> None:
    """What was told is what the fold says; `state` knows what sales said."""
    expected = fold(
        in_force.ruleset,
        told,
        profile,
        now=now,
        recycled=state.recycled,
        customer_since=state.customer_since,
        sent_back_at=state.sent_back_at,
    )
    say_the_same(scored, expected)


def say_the_same(scored: Scored | None, expected: Folded) -> None:
    assert scored is not None
    assert scored.score.total == float(expected.total)
    assert scored.score.fit == float(expected.fit)
    assert scored.score.engagement == float(expected.engagement)
    got = [
        (part.rule, part.by or "", part.points, part.base, part.count, part.activities) for part in scored.contributions
    ]
    assert got == [
        (
            part.rule,
            part.by,
            float(part.points),
            None if part.base is None else float(part.base),
            len(part.activities) or None,
            list(part.activities[-20:]) or None,
        )
        for part in expected.parts
    ]
    assert [part.decay for part in scored.contributions] == [
        float(part.points - part.base) if part.base is not None and part.points != part.base else None
        for part in expected.parts
    ]
    assert sum(round(part.points * 100) for part in scored.contributions) == round(scored.score.total * 100)


@settings(deadline=None, max_examples=600)
@given(st.lists(activities(), max_size=20), st.lists(profiles, min_size=1, max_size=3), st.booleans())
def test_any_order_repetition_revision_and_withdrawal_gives_what_the_fold_gives_at_every_step(
    story: list[dict[str, Any]], versions: list[dict[str, Any]], always_loads_all: bool
) -> None:
    desk = Desk(IN_FORCE, always_loads_all=always_loads_all)
    told: list[dict[str, Any]] = []
    for step, activity in enumerate(once_per_revision(story)):
        told.append(activity)
        newest = min(step, len(versions) - 1)
        scored = desk.tell(enriched(activity, profile=versions[newest], profile_version=newest))
        agree(scored, told, versions[newest])
        assert desk.leads["ld_jo"].state.tally.kinds == fold(IN_FORCE.ruleset, told, {}, now=NOON).kinds


@settings(deadline=None, max_examples=500)
@given(st.lists(activities(), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_and_the_number_of_arrivals_change_no_point(story: list[dict[str, Any]], chance: Any) -> None:
    story = once_per_revision(story)
    shuffled = [*story, *story]
    chance.shuffle(shuffled)
    ends = []
    for order in (story, shuffled):
        desk = Desk(IN_FORCE)
        for activity in order:
            scored = desk.tell(enriched(activity))
        assert scored is not None
        ends.append((scored.score, scored.contributions, scored.grade))
    assert ends[0] == ends[1]


@settings(deadline=None, max_examples=500)
@example([5, 10, 15, 20])  # only minute 10 is in the next day, for the first time
@given(st.lists(st.integers(0, 240), min_size=1, max_size=12))
def test_a_day_that_comes_again_when_clocks_go_back_just_after_midnight_is_one_day(minutes: list[int]) -> None:
    desk = Desk(IN_ST_JOHNS)
    told: list[dict[str, Any]] = []
    for number, minute in enumerate(sorted(minutes)):
        told.append(an_activity(number, name="magnet-a", at=BEFORE_CLOCKS_GO_BACK + timedelta(minutes=minute)))
        scored = desk.tell(enriched(told[-1], profile={}))
    agree(scored, told, {}, IN_ST_JOHNS)


@settings(deadline=None, max_examples=200)
@given(st.lists(activities(), min_size=1, max_size=10), st.integers(0, 9))
def test_another_ruleset_counts_everything_that_was_kept_again(story: list[dict[str, Any]], switch: int) -> None:
    other = ruleset(RULESET.replace("points: 60", "points: 41").replace("1 per day", "once"))
    desk = Desk(IN_FORCE)
    told: list[dict[str, Any]] = []
    for step, activity in enumerate(once_per_revision(story)):
        if step == switch:
            desk.use(other)
        told.append(activity)
        scored = desk.tell(enriched(activity, profile={}))
        if step >= switch:
            agree(scored, told, {}, desk.in_force)


def test_the_hot_state_stays_small_however_much_a_lead_does() -> None:
    desk = Desk(IN_FORCE)
    sizes = []
    for number in range(1500):
        path = ["/pricing", "/careers", "/"][number % 3]
        activity = an_activity(
            number, kind="page", name="page", path=path, at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number)
        )
        desk.tell(enriched(activity))
        sizes.append(len(msgspec.msgpack.encode(desk.leads["ld_jo"].state)))
    assert max(sizes) < 3000
    assert sizes[-1] - sizes[200] < 50
