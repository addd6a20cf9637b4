"""Why somebody has their score, in sentences: a line for each rule, and everything that a marketer asks next."""

from __future__ import annotations

from typing import Any

import pytest

from services.console import where
from services.console.commands import lead
from services.console.domain import reasons

DAY = 86_400


def an_answer(*contributions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Score's answer about a lead, at noon of 17 June; activities p1 to p5 are visits of the five days before."""
    return {
        "as_of": "2026-06-17T12:00:00.000Z",
        "score": {"total": sum(one["points"] for one in contributions)},
        "grade": "A2",
        "stage": "MQL",
        "stage_since": "2026-06-01T12:00:00Z",
        "ruleset": {"id": "default", "document": "a1b2c3d4e5f6"},
        "because": [],
        "contributions": list(contributions),
        "not_counted": [],
        "next_change": None,
        "segments": [],
        "recycled": 0,
        "activities": {
            f"p{number}": {"kind": "page", "name": "page", "occurred_at": f"2026-06-{17 - number}T12:00:00Z"}
            for number in range(1, 6)
        },
        **fields,
    }


def counted(points: float, *activities: str, each: float, **terms: Any) -> dict[str, Any]:
    last = 17 - int(activities[-1][1:])
    return {
        "rule": "pricing-page",
        "group": "engagement",
        "points": points,
        "base": each * len(activities),
        "each": each,
        "count": len(activities),
        "last_at": f"2026-06-{last}T12:00:00Z",
        "activities": list(activities),
        **terms,
    }


def why(answer: dict[str, Any]) -> list[str]:
    return [sentence for _, _, sentence in reasons.lines(answer)][:-1]


def test_what_counted_is_told_with_how_many_did_not_and_adds_up() -> None:
    over = {"rule": "pricing-page", "why": "limit", "count": 3, "last_at": "2026-06-16T12:00:00Z"}
    weekly = {"count": 1, "per": "week"}
    answer = an_answer(
        counted(20, "p5", "p1", each=10, limit=weekly), not_counted=[{**over, "limit": weekly, "activities": []}]
    )
    assert reasons.lines(answer) == [
        (
            "what they did",
            "+20",
            "pricing page: 2 of 5 visits counted (1 a week at most): 10 + 10, the last on 16 Jun 2026",
        ),
        ("total", "20", ""),
    ]
    assert ("gave no points", "pricing page: 3, over the limit (1 a week at most); the last on 16 Jun 2026") in (
        reasons.notes(answer, asked_for_then=False)
    )


@pytest.mark.parametrize(
    ("contribution", "sentence"),
    [
        (
            counted(7.5, "p5", each=15, half_life_seconds=5 * DAY),
            "1 visit counted (half is left after 5 days): 7.5 left of 15, the last on 12 Jun 2026",
        ),
        (
            counted(14, "p5", "p1", each=10, fade_seconds=10 * DAY),
            "2 visits counted (less each day, nothing after 10 days): 5 + 9 left of 10 each, the last on 16 Jun 2026",
        ),
        (
            counted(20, "p1", each=20, at_least={"count": 3, "within_seconds": 7 * DAY}),
            "1 visit counted (each 3 within 1 week count as one): 20, the last on 16 Jun 2026",
        ),
        (
            counted(10, "p1", each=10, limit={"count": 1, "per_seconds": 30 * DAY, "by": "name"}, by="guide"),
            "1 visit counted (one in 30 days for each name): 10, the last on 16 Jun 2026",
        ),
        (counted(0, "p1", each=0), "1 visit counted"),
    ],
)
def test_what_is_left_of_what_counted_is_told(contribution: dict[str, Any], sentence: str) -> None:
    (said,) = why(an_answer(contribution))
    assert said.partition(": ")[2] == sentence


def test_caps_floors_idle_time_hand_raisers_and_exclusions_are_lines_of_their_own() -> None:
    answer = an_answer(
        {"rule": "fit:cap", "group": "fit", "points": -15, "bound": 70, "bounds_group": "fit"},
        {"rule": "webinar:cap", "group": "engagement", "points": -25, "bound": 75, "bounds_rule": "webinar"},
        {"rule": "engagement:floor", "group": "engagement", "points": 5, "bound": 0, "bounds_group": "engagement"},
        {
            "rule": "quiet",
            "group": "idle",
            "points": -20,
            "each": -10,
            "idle_since": "2026-04-17T12:00:00Z",
            "after_seconds": 30 * DAY,
            "every_seconds": 30 * DAY,
            "bound": 50,
        },
        {"rule": "override:demo", "group": "shown", "points": 0, "until": "2026-07-01T12:00:00Z"},
        {"rule": "exclude:rival", "group": "shown", "points": 0, "reason": "competitor"},
    )
    assert why(answer) == [
        "no more than 70 for who they are",
        "webinar: no more than 75 for all of it together",
        "no less than 0 for what they did",
        "quiet: nothing for 61 days (since 17 Apr 2026); -10 after 30 days, and again every 30 days, 50 at most",
        "demo: holds them up until 1 Jul 2026 12:00, whatever the points say",
        "rival: never qualifies (competitor)",
    ]


def test_the_stage_the_next_one_and_what_time_will_do_are_told() -> None:
    answer = an_answer(
        because=[
            {"kind": "enter", "stage": "MQL", "needs": 50, "has": 95},
            {"kind": "below", "stage": "SQL", "needs": 100, "has": 95},
            {"kind": "min_fit", "stage": "SQL", "needs": 20, "has": 5},
        ],
        next_change={"at": "2026-07-01T12:00:00Z", "total": 39.9, "stage": "IQL", "grade": "A3", "segments": ["warm"]},
    )
    said = [sentence for _, sentence in reasons.notes(answer, asked_for_then=False)]
    assert said == [
        "ruleset default, version a1b2c3d4e5f6",
        "95 points are at least the 50 that it takes (since 1 Jun 2026 12:00)",
        "For SQL 100 points are needed (5 more); at least 20 for who they are, and there are 5.",
        "If nothing happens, on 1 Jul 2026 12:00 39.9 points are left and the stage becomes IQL, the grade becomes A3, enters warm.",
    ]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("total >= 10", "they have at least 10 points in all"),
        ("engagement>40", "they have more than 40 points for what they did"),
        ("fit >= 20 && total > 5", "the ruleset's condition fit >= 20 && total > 5 holds"),
    ],
)
def test_a_condition_that_asks_for_points_is_told_in_words(condition: str, said: str) -> None:
    answer = an_answer(because=[{"kind": "condition", "stage": "MQL", "rule": condition}])
    assert said in [sentence.partition(" (since")[0] for _, sentence in reasons.notes(answer, asked_for_then=False)]


def test_the_headline_says_what_the_two_signs_of_a_grade_stand_for() -> None:
    assert reasons.headline(an_answer()).endswith("grade A2 (A for who they are, 2 for what they did)")


def test_nobody_needs_a_code_to_read_why_something_gave_no_points() -> None:
    last = {"last_at": "2026-06-16T12:00:00Z", "count": 2, "activities": []}
    answer = an_answer(
        not_counted=[
            {"rule": "mail-click", "why": "min_human", "least": 0.5, **last},
            {"rule": "mail-click", "why": "reset", "reset_by": ["unsubscribed"], **last},
            {"rule": "comparing", "why": "at_least", "at_least": {"count": 3, "within_seconds": 7 * DAY}, **last},
            {"rule": "pricing-page", "why": "age", "window_seconds": 30 * DAY, **last},
            {"why": "min_human", "least": 0.5, **last},
        ]
    )
    assert [
        sentence.removesuffix("; the last on 16 Jun 2026") for _, sentence in reasons.notes(answer, asked_for_then=True)
    ][3:] == [
        "mail click: 2, probably a machine's doing (below 0.5 human)",
        "mail click: 2, from before unsubscribed, after which all begins anew",
        "comparing: 2, too few or too far apart (it takes 3 within 1 week)",
        "pricing page: 2, older than 30 days",
        "2, probably a machine's doing (below 0.5 human)",
    ]


def test_the_command_asks_score_as_of_the_moment_and_prints_sentences(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    class Answers:
        def __init__(self, _: Any) -> None: ...

        def get(self, service: str, path: str, **query: Any) -> Any:
            asked.append((service, path, query))
            return {**an_answer(counted(10, "p1", each=10)), "lead_id": "ld_new"}

        def find(self, service: str, path: str) -> Any:
            asked.append((service, path))
            return {"profile": {"name": {"full": "Jo Smith"}}}

    monkeypatch.setattr(lead, "Ask", Answers)
    monkeypatch.setattr(where, "find", lambda: None)
    lead.explained("ld_old", as_of="2026-06-17T12:00Z", ruleset="a1b2c3d4e5f6")
    assert asked == [
        ("score", "/v1/leads/ld_old/score", {"as_of": "2026-06-17T12:00Z", "ruleset": "a1b2c3d4e5f6"}),
        ("enrich", "/v1/leads/ld_new"),
    ]
    said = capsys.readouterr().out
    assert said.startswith("Jo Smith (ld_new), as of 17 Jun 2026 12:00\n10 points: MQL")
    assert "1 visit counted" in said
