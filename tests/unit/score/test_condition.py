"""Conditions evaluated together, flat and from memory say what CEL says of each as it was written."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.score.domain.condition import Conditions, condition

SOURCES = [
    'profile.email.kind == "business"',
    "profile.company.size >= 1000",
    'profile.company.size >= 1000 || profile.email.kind == "business"',
    "!(profile.company.size >= 1000)",
    "has(profile.phone)",
    "!has(profile.phone)",
    "has(profile.phone.e164)",
    "!has(profile.phone.e164)",
    'has(profile.phone) && profile.phone.kind == "mobile"',
    "profile.test",
    "profile.custom.x == 1",
    'profile.custom["a b"] == true',
    "profile.custom.x in [1, 2]",
    "size(profile.custom) > 1",
    "profile.custom.tags.exists(tag, tag == profile.country)",
    "profile.country in lists.home",
    "profile.country in lists.home && true",
    "profile.custom.x in lists.home",
    "!(profile.country in lists.home)",
    "lists.home.exists(one, one == profile.country) // home",
    "lead.recycled > 1 && total >= 10.5",
    'lead.activities["form"] > 0',
    'profile.country == "profile.email.kind" || profile.country == \'a"b\'',
    'profile.custom[profile.country] == "x"',
    "total + 1 > 10 ? profile.test : has(profile.test)",
    "profile.custom.x == null",
    "1 / (total - total) > 0 || profile.test",
]
CONDITIONS = {number: condition(source) for number, source in enumerate(SOURCES)}
LISTS = {"home": ("DE", "AT")}
TOGETHER = Conditions(CONDITIONS, LISTS)

plain = (
    st.none() | st.booleans() | st.sampled_from([0, 1, 1.0, 2, -0.0, 2**70, "x", "DE", "1", [1], ["DE"], {"a": 1}, ""])
)
profile = st.fixed_dictionaries(
    {},
    optional={
        "email": st.fixed_dictionaries({}, optional={"kind": st.sampled_from(["business", "free"]) | plain}) | plain,
        "company": st.fixed_dictionaries({}, optional={"size": st.sampled_from([999, 1000, 1000.5, "1000"]) | plain})
        | plain,
        "phone": st.fixed_dictionaries({}, optional={"e164": plain, "kind": st.sampled_from(["mobile", 1])}) | plain,
        "test": plain,
        "country": st.sampled_from(["DE", "FR", 'a"b', "profile.email.kind", "x"]) | plain,
        "custom": st.dictionaries(st.sampled_from(["x", "a b", "tags", "DE"]), plain | st.just(["DE", "FR"])) | plain,
    },
)


@settings(deadline=None)
@given(profile, st.integers(0, 2), st.sampled_from([{}, {"form": 1}]), st.sampled_from([9, 9.5, 10.5, 12]))
def test_together_and_from_memory_they_say_what_each_says_alone(
    known: dict[str, Any], recycled: int, kinds: dict[str, int], total: float
) -> None:
    roots = {"profile": known, "lead": {"recycled": recycled, "activities": kinds}, "total": total}
    alone = {**roots, "lists": {"home": ["DE", "AT"]}}
    expected = tuple(number for number, one in CONDITIONS.items() if one.holds(alone))
    assert TOGETHER.hold(roots) == expected
    assert TOGETHER.hold(roots) == expected


# Those that speak of a profile alone, and of no path below another one: the usual case, which is read without what nobody asks for.
ON_PROFILE = Conditions(
    {
        number: condition(source)
        for number, source in enumerate(
            [
                'profile.email.kind == "business"',
                "profile.company.size >= 1000",
                "has(profile.phone)",
                "!has(profile.custom.x)",
                'profile.custom["a b"] == true',
                "profile.test",
                "profile.country in lists.home",
                "profile.email.domain in lists.home",
            ]
        )
    },
    LISTS,
)


ON_BOTH = Conditions(
    {
        number: condition(source)
        for number, source in enumerate(
            [
                'total >= 80 && profile.email.kind == "free"',
                "profile.email.domain in lists.home",
                'has(profile.phone) && lead.activities["form"] > 0',
                "total >= 80",
            ]
        )
    },
    LISTS,
)


@settings(deadline=None)
@given(profile, st.dictionaries(st.sampled_from(["domain", "kind"]), plain))
@example({"name": "Zoë", "phone": None}, {"domain": "DE"})
@example({"email": None, "custom": None}, {})
def test_read_only_where_they_look_they_say_what_they_say_of_the_whole_profile(
    known: dict[str, Any], mail: dict[str, Any]
) -> None:
    for one in (known, {**known, "email": mail}):
        data = msgspec.json.encode(one)
        expected = ON_PROFILE.hold({"profile": msgspec.json.decode(data)})
        assert ON_PROFILE.hold_in(data, {}) == expected
        for total in (79, 80):
            others = {"total": total, "lead": {"activities": {"form": 1}}}
            together = {**others, "profile": msgspec.json.decode(data)}
            assert ON_BOTH.hold_in(data, others) == ON_BOTH.hold(together)


def test_a_profile_that_is_no_unicode_is_refused_wherever_it_is_wrong() -> None:
    with pytest.raises(UnicodeDecodeError):
        ON_PROFILE.hold_in(b'{"name":"\xff"}', {})


def test_true_and_one_are_not_mixed_up_by_memory() -> None:
    conditions = Conditions({0: condition("profile.test")}, {})
    assert [conditions.hold({"profile": {"test": value}}) for value in (1, True, 1.0, True)] == [(), (0,), (), (0,)]


@pytest.mark.parametrize("source", ["", "a b", "profile.email ==", '"x'])
def test_what_is_no_cel_is_told_as_a_value_error(source: str) -> None:
    with pytest.raises(ValueError, match="parse"):
        condition(source)
