"""How likely a human did it: user agents, and what capture noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.domain import human
from services.enrich.generate import crawlers
from tests.unit.enrich.cases import absent, cases

_CASES = cases("agents")


def test_there_are_enough_cases_and_every_kind_of_agent_has_some() -> None:
    assert len(_CASES) >= 150
    assert {case[0] for case in _CASES} == {*human._ORDER, "-"} - {human._SERVER}


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case[1][:60])
def test_a_user_agent_is_what_its_source_says(case: tuple[str, ...]) -> None:
    expected, agent, _ = case
    assert human.sign(agent) == absent(expected)


def test_every_instance_of_the_list_that_we_do_not_leave_out_is_found() -> None:
    missed = [
        (pattern, agent)
        for kind, pattern, agents in crawlers.instances()
        for agent in agents
        if human.sign(agent) is None
    ]
    # Examples in the list that its own patterns do not match.
    assert missed == []


def test_what_we_leave_out_of_the_list_is_in_it() -> None:
    assert crawlers.unknown() == set()


@pytest.mark.parametrize(
    ("marks", "agent", "expected"),
    [
        ([], None, 1.0),
        (None, None, 1.0),
        (["test"], None, 1.0),
        (["of-the-future"], None, 1.0),
        (["bot"], None, 0.1),
        (["honeypot"], None, 0.0),
        (["too-fast"], None, 0.3),
        (["disposable"], None, 0.7),
        (["disposable", "too-fast"], None, 0.3),
        ([], "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 0.1),
        (["honeypot"], "Googlebot/2.1", 0.0),
        ([], "FastmailUA/1.0", 0.5),
        ([], "curl/8.5.0", 1.0),
    ],
)
def test_the_least_of_all_signs_counts(marks: list[str] | None, agent: str | None, expected: float) -> None:
    assert human.human(marks=marks, user_agent=agent) == expected


@given(st.none() | st.lists(st.text(max_size=8) | st.sampled_from([*human.SIGNS])), st.none() | st.text(max_size=200))
def test_anything_has_a_likelihood_and_more_marks_never_raise_it(marks: list[str] | None, agent: str | None) -> None:
    likely = human.human(marks=marks, user_agent=agent)

    assert 0 <= likely <= 1
    assert human.human(marks=[*(marks or []), "bot"], user_agent=agent) == min(likely, 0.1)


def test_a_user_agent_without_end_is_read_as_far_as_it_is_sensible() -> None:
    assert human.sign("x" * 2_000_000) is None
    assert human.sign("Mozilla/5.0 " * 500 + "Googlebot/2.1") is None
