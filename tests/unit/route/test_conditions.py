"""Conditions: what is not known makes them false, and nothing makes them raise."""

from __future__ import annotations

import pytest

from services.route.domain.conditions import VARIABLES, NotACondition, compiled, facts, holds, mentioned

ABOUT = facts(
    {
        "profile": {"country": "DE", "company": {"size": 1000}, "email": {"domain": "rival.example"}, "tags": []},
        "score": {"total": 80.5},
        "lists": {"rivals": ["rival.example"]},
    },
    dict.fromkeys(VARIABLES),
)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("true", (True, None)),
        ('profile.country in ["DE", "AT"]', (True, None)),
        ("profile.company.size >= 1000 && score.total > 80", (True, None)),
        ("profile.email.domain in lists.rivals", (True, None)),
        ("lists.rivals.exists(r, r == profile.email.domain)", (True, None)),
        ('profile.country == "FR"', (False, None)),
        ('profile.city == "Berlin"', (False, "city is not known")),
        ('first_touch.channel == "Email"', (False, "channel is not known")),
        ('profile.city == "Berlin" || true', (True, None)),
        ("!has(profile.city)", (True, None)),
        ("profile.country > 5", (False, "can't be told (TypeError)")),
        ("profile.tags[0] == 1", (False, "can't be told (IndexError)")),
        ("1 / 0 == 1", (False, "can't be told (ZeroDivisionError)")),
        ("profile.country", (False, "is neither true nor false")),
    ],
)
def test_a_condition_holds_or_says_why_not(source: str, expected: tuple[bool, str | None]) -> None:
    assert holds(compiled(source), ABOUT) == expected


@pytest.mark.parametrize(
    "source", ["", "1 +", "nope == 1", "shout(profile.country)", "profile.country.lowerAscii() == 'de'"]
)
def test_what_can_t_be_evaluated_is_no_condition(source: str) -> None:
    with pytest.raises(NotACondition):
        compiled(source)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("profile.country == 'DE' && profile.company.size > 5", {"profile": {"country", "company"}}),
        ("has(profile . email) && lead.score == 1", {"profile": {"email"}, "lead": {"score"}}),
        ("profile.country in lists['home']", {"profile": {"country"}, "lists": None}),
        ("profile['country'] == profile.city", {"profile": None}),
        ("profile.size() > 0", {"profile": None}),
        ("score.total > 1 || size(score) == 0", {"score": None}),
        ("first_touch.channel == 'profile' || 'score.total' == ''", {"first_touch": {"channel"}, "profile": None, "score": {"total"}}),
        ("profile.lead == 1", {"profile": {"lead"}}),
        ("true", {}),
    ],
)  # fmt: skip
def test_only_what_conditions_look_at_is_put_before_them(source: str, expected: dict[str, set[str] | None]) -> None:
    assert mentioned([compiled(source)]) == expected
