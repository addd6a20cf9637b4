"""Conditions: what is not known makes them false, nothing makes them raise, and what is wrong with one is said with its place."""

from __future__ import annotations

from typing import Any

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.route.domain import names
from services.route.domain.conditions import NotACondition, compiled

LISTS = {"rivals": ["rival.example"]}
ABOUT: dict[str, Any] = {
    "profile": {
        "country": "DE",
        "company": {"size": 1000},
        "email": {"domain": "rival.example"},
        "custom": {"a b": 1, "tags": []},
    },
    "score": {"total": 80.5},
    "lead": {"segments": ["vip"]},
}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("true", (True, None)),
        ('profile.country in ["DE", "AT"]', (True, None)),
        ("profile.company.size >= 1000 && score.total > 80", (True, None)),
        ("profile.email.domain in lists.rivals", (True, None)),
        ("lists.rivals.exists(r, r == profile.email.domain)", (True, None)),
        ('"vip" in lead.segments', (True, None)),
        ('profile.custom["a b"] == 1', (True, None)),
        ("profile.custom.size() == 2", (True, None)),
        ('profile.country == "FR"', (False, None)),
        ('profile.city == "Berlin"', (False, "profile.city is not known")),
        ('first_touch.channel == "Email"', (False, "first_touch.channel is not known")),
        ('profile.job.title == "CEO"', (False, "profile.job.title is not known")),
        ('profile.city == "Berlin" || true', (True, None)),
        ("!has(profile.city)", (True, None)),
        ("has(profile.company.size)", (True, None)),
        ("has(profile.job.title)", (False, "profile.job.title is not known")),
        ("profile.country > 5", (False, "can't be told (TypeError)")),
        ("profile.custom.tags[0] == 1", (False, "can't be told (IndexError)")),
        ("1 / 0 == 1", (False, "can't be told (ZeroDivisionError)")),
        ("profile.country", (False, "is neither true nor false")),
        ('profile.country == "profile.city"  // a note', (False, None)),
    ],
)
def test_a_condition_holds_or_says_why_not(source: str, expected: tuple[bool, str | None]) -> None:
    condition = compiled(source, lists=LISTS)
    assert condition.holds(ABOUT) == expected
    assert condition.holds(ABOUT) == expected  # remembered


@pytest.mark.parametrize(
    ("source", "says", "at"),
    [
        ("", "is no CEL", 0),
        ("1 +", "is no CEL: mismatched input", 3),
        ("true && nope == 1", "uses nope, which conditions do not know. They see: profile, score", 8),
        ("profil.country == 'DE'", "uses profil, which conditions do not know; did you mean profile?", 0),
        ("profile.contry == 'DE'", "names profile.contry, and there is no such field; did you mean country?", 0),
        ("true && profile.company.sice > 1", "names profile.company.sice, and there is no such field; did you mean size?", 8),
        ("profile.country.name == 'DE'", "takes name of profile.country, which is a plain value", 0),
        ("shout(profile.country)", "calls shout, which is no function of conditions", 0),
        ("profile.country.lowerAscii() == 'de'", "calls lowerAscii", 16),
        ("profile.country in lists.rival", "names lists.rival, and `lists` has no such list; did you mean rivals?", 19),
        ("profile.country in lists['home']", "names lists.home", 19),
        ('profile.country.matches("[")', 'matches "[", which is no regular expression (RE2)', 24),
    ],
)  # fmt: skip
def test_what_can_t_be_evaluated_is_told_with_its_place(source: str, says: str, at: int) -> None:
    with pytest.raises(NotACondition) as raised:
        compiled(source, lists=LISTS)
    (flaw,) = raised.value.flaws
    assert flaw.says.startswith(says)
    assert flaw.at == at


def test_everything_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(NotACondition) as raised:
        compiled("profile.contry == nope && low(profile.city) in lists.x")
    assert len(raised.value.flaws) == 4


def test_others_may_know_more_variables() -> None:
    known = {**names.ROUTING, "total": None, "activity": names.ANYTHING}
    assert compiled('total > 5 && activity.name == "demo"', known=known).holds(
        {"total": 6, "activity": {"name": "demo"}}
    ) == (True, None)


def test_numbers_that_are_equal_and_of_another_kind_are_not_mixed_up() -> None:
    condition = compiled("profile.custom.x == 1")
    assert [condition.holds({"profile": {"custom": {"x": x}}})[0] for x in (1, True, 1.0, "1", 1)] == [
        cel.evaluate("x == 1", {"x": x}) if not isinstance(x, str | bool) else False for x in (1, True, 1.0, "1", 1)
    ]


VALUES = st.sampled_from(["DE", "FR", 5, 1000, None, True, [], ["DE"], {"a": 1}])
PROFILES = st.fixed_dictionaries(
    {}, optional={"country": VALUES, "company": st.fixed_dictionaries({}, optional={"size": VALUES}) | VALUES}
)
SOURCES = (
    'profile.country == "DE" && profile.company.size >= 1000',
    'profile.country in ["DE"] || profile.company.size > 5',
    "has(profile.country) || has(profile.company.size)",
    '!(profile.country == "DE")',
    "profile.country != profile.company",
)


@given(st.sampled_from(SOURCES), st.lists(PROFILES, min_size=1, max_size=6))
@settings(deadline=None, max_examples=60)
def test_what_is_remembered_is_what_cel_says_of_the_whole(source: str, profiles: list[dict[str, Any]]) -> None:
    condition = compiled(source)
    program = cel.compile(source)
    for profile in profiles:
        try:
            plain = program.execute(cel.Context({"profile": profile})) is True
        except Exception:
            plain = False
        assert condition.holds({"profile": profile})[0] is plain
