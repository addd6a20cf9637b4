"""`leads rules lint`: one bad document for each thing that can be said, with the exact words and the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.console.commands import rules
from services.score import lint as program
from services.score.domain.condition import condition
from services.score.domain.lint import lint
from services.score.domain.lint.never import dead_parts
from services.score.settings import SHIPPED

SMALL = """\
format: 1
id: small
timezone: UTC
lists: {nobody: [], rivals: [rival.example]}
fit:
  cap: 50
  rules:
    - {id: business, when: 'profile.email.kind == "business"', points: 30}
engagement:
  cap: 60
  floor: 0
  min_human: 0.5
  rules:
    - id: contact
      match: {kind: form}
      points: 40
stages:
  MQL: {enter: 30}
  SQL: {enter: 60, leave: 50, min_fit: 10}
grades:
  fit: {A: 30, B: 0}
  engagement: {1: 60, 2: 20, 3: 0}
segments:
  - {id: hot, when: 'total >= 80'}
override:
  - {id: demo, match: {kind: form, name: demo}, stage: SQL, for: 3d}
"""


def said(text: str) -> list[str]:
    return [f"{one.line}:{one.column}: {one.says}" for one in lint(text, source="r.yaml")]


def test_nothing_is_said_against_a_ruleset_that_is_fine() -> None:
    assert said(SMALL) == []


@pytest.mark.parametrize("name", ["default.yaml", "reference.yaml"])
def test_nothing_is_said_against_what_is_shipped(name: str) -> None:
    assert said(SHIPPED.with_name(name).read_text()) == []


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        # what the loader refuses, with the column
        ("points: 30}", "pionts: 30, points: 30}", "8:64: a fit rule has no `pionts`; did you mean `points`?"),
        ("id: hot", "id: contact", "24:10: there is already a rule with the id contact; contributions are told apart by it"),
        ("SQL: {enter: 60", "SQL: {enter: 20", "19:8: `enter` of SQL is below that of MQL: nobody would ever be in MQL"),
        ("leave: 50", "leave: 70", "19:27: `leave` of SQL is above its `enter`: a lead would leave as it enters"),
        ("timezone: UTC", "timezone: Europe/Berln", "3:11: there is no time zone 'Europe/Berln'; did you mean Europe/Berlin?"),
        ('== "business"\'', '=== "business"\'', "8:50: `when` of business is no CEL: Syntax error: token recognition error at: '= ' (at character 22)"),
        ("profile.email.kind", "profile.emial.kind", "8:37: `when` of business: profile has no field emial; did you mean email?"),
        ('== "business"', "in lists.rival", "8:57: `when` of business: `lists` has no list rival; did you mean rivals?"),
        # conditions that can never hold
        ('"business"', '"buisness"', '8:29: `when` of business can never hold: profile.email.kind is never "buisness"; did you mean business?'),
        ('"business"', '"work"', '8:29: `when` of business can never hold: profile.email.kind is never "work"; it is one of business, free, disposable, role, relay, invalid'),
        ('email.kind == "business"', 'country == "de"', '8:29: `when` of business can never hold: profile.country is a code of two capital letters, never "de"; did you mean DE?'),
        ('email.kind == "business"', 'country in ["de", "AT"]', '8:29: `when` of business names what never is: profile.country is a code of two capital letters, never "de"; did you mean DE?'),
        ('email.kind == "business"', 'company.size >= "100"', "8:29: `when` of business can never hold: profile.company.size is a number, never a text"),
        ('email.kind == "business"', "company.name > 3", "8:29: `when` of business can never hold: profile.company.name is a text, never 3"),
        ('email.kind == "business"', "company.size > 99 && 50 > profile.company.size", "8:63: `when` of business can never hold: profile.company.size is 99 at least"),
        ('email.kind == "business"', 'city == "A" && (profile.city == "B")', '8:53: `when` of business can never hold: profile.city would have to be "A" and "B" at once'),
        ('email.kind == "business"', 'city == "A" && profile.city != "A"', '8:52: `when` of business can never hold: profile.city is asked to be "A" and not to be'),
        ('email.kind == "business"', 'city == "A" || profile.email.kind == "x"', '8:52: a part of `when` of business can never hold: profile.email.kind is never "x"; it is one of business, free, disposable, role, relay, invalid'),
        ('email.kind == "business"', "email.domain in lists.nobody", "8:29: `when` of business can never hold: the list nobody is empty"),
        ('profile.email.kind == "business"', "false", "8:29: `when` of business can never hold: `false` never holds"),
        ('profile.email.kind == "business"', "lead.recycled < 0", "8:29: `when` of business can never hold: lead.recycled is 0 at least"),
        ('profile.email.kind == "business"', "signal.velocity < 0", "8:29: `when` of business can never hold: signal.velocity is 0 at least"),
        # matches that never fit
        ("match: {kind: form}", "match: {kind: from}", '15:21: `match` of contact can never fit this: activity.kind is never "from"; did you mean form?'),
        ("match: {kind: form}", "match: {kind: 'x*'}", "15:21: contact can never match: no kind of activity fits"),
        ("match: {kind: form}", "match: {name: 3}", "15:21: `match` of contact can never fit this: activity.name is a text, never 3"),
        ("match: {kind: form}", "match: {human: 0.2}", "15:22: contact can never match: activities below engagement.min_human (0.5) do not count"),
        ("match: {kind: form}", "match: {kind: form}\n      when: 'activity.kind == \"page\"'", '16:14: `when` of contact can never hold: activity.kind would have to be "form" and "page" at once'),
        # caps and floors that hide
        ("points: 40", "points: 40\n      cap: 5", "17:12: `cap` of contact is 5, below its 40 points: once alone passes it, so it is as if `points` were 5"),
        ("points: 40", "points: -40\n      cap: 0", "17:12: `cap` of contact is 0, below its 40 points: the rule gives nothing"),
        ("cap: 50", "cap: 20", "6:8: fit.cap is 20, below the 30 points of business: they never show in full"),
        ("points: 40", "points: -40", "11:10: engagement.floor is 0, and no rule of engagement gives points above 0: all of them are hidden"),
        ("floor: 0\n", "floor: -5\n", None),
        ("points: 40", "points: 0", "16:15: contact gives 0 points: it changes nothing"),
        # bounds out of reach
        ("SQL: {enter: 60", "SQL: {enter: 91", "19:16: `enter` of SQL is 91, and total is 90 at most: only an override leads there"),
        ("MQL: {enter: 30}\n  SQL: {enter: 60", "MQL: {enter: 91}\n  SQL: {enter: 95", "18:16: `enter` of MQL is 91, and total is 90 at most: nobody gets there"),
        ("leave: 50", "leave: 0", "19:27: `leave` of SQL is 0, and total is never below 0: nobody leaves it"),
        ("min_fit: 10", "min_fit: 31", "19:40: `min_fit` of SQL is 31, and fit is 30 at most: nobody gets there by points"),
        ("fit: {A: 30", "fit: {A: 31", "21:12: grades.fit.A asks for 31, and fit is 30 at most: nobody gets it"),
        ("2: 20, 3: 0", "2: 0, 3: -1", "22:32: grades.engagement.3 is below what everybody has: engagement is 0 at least, so nobody gets it"),
        ("total >= 80", "total > 90", "24:22: `when` of hot can never hold: total is 90 at most"),
        ("total >= 80", 'total >= 80 && lead.stage == "MQl"', '24:37: `when` of hot can never hold: lead.stage is never "MQl"; did you mean MQL?'),
        ("  MQL: {enter: 30}\n", "  MQL: {enter: 30, any: ['fit >= 31']}\n", "18:27: `any` of MQL can never hold: fit is 30 at most"),
        ("  MQL: {enter: 30}\n  SQL", "  IQL", "25:56: `stage` of demo is SQL, which `stages` does not give: it raises to IQL at most"),
    ],
)  # fmt: skip
def test_each_thing_is_said_with_its_place(before: str, after: str, says: str | None) -> None:
    assert before in SMALL
    found = said(SMALL.replace(before, after))
    assert (says in found) if says else not found, found


def test_all_is_said_at_once_mistakes_and_what_is_odd() -> None:
    text = (
        SMALL.replace("format: 1", "format: 2")
        .replace('"business"', '"buisness"')
        .replace("{kind: form}\n", "{kind: from}\n")
    )
    assert [one.split(":")[0] for one in said(text)] == ["1", "8", "15"]


def test_a_line_with_a_mistake_is_not_judged_for_its_meaning() -> None:
    text = SMALL.replace("points: 30}", "points: ten}")
    assert said(text) == ["8:72: `points` of business must be a number between -1000000 and 1000000"]


def test_the_place_within_a_condition_over_several_lines_is_told() -> None:
    text = SMALL.replace("'total >= 80'}", "|\n      fit >= 1 &&\n      total > 90\n").replace(
        "- {id: hot, when", "- id: hot\n    when"
    )
    assert said(text) == ["27:7: `when` of hot can never hold: total is 90 at most"]


def test_examples_are_run() -> None:
    text = SMALL + "examples:\n  - {name: fails, profile: {email: {kind: business}}, expect: {fit: 29}}\n"
    assert said(text) == ["28:1: example 'fails': fit is 30, expected 29"]


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "\x00", "a: *b"])
def test_what_is_no_ruleset_gets_an_answer(text: str) -> None:
    assert said(text)


_PARTS = st.sampled_from(
    ["profile.country == \"DE\"", "profile.country != 'DE'", "profile.country in ['AT', \"DE\"]", "profile.company.size > 5",
     "profile.company.size <= 5", "10 > profile.company.size", "profile.company.size == 7", "profile.test", "!profile.test", "true", "false",
     "profile.country in lists.near", "(profile.company.size < 3 || profile.company.size > 8)", "has(profile.country)",
     "profile.company.size != \"x\"", "profile.company.size + 1 > 8", "(profile.test ? profile.company.size > 5 : false)"]
)  # fmt: skip
_PROFILES = st.fixed_dictionaries(
    {},
    optional={
        "country": st.sampled_from(["DE", "AT", "FR"]),
        "company": st.fixed_dictionaries({"size": st.sampled_from([1, 5, 6, 7, 9, 10])}),
        "test": st.booleans(),
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(_PARTS, min_size=1, max_size=3), min_size=1, max_size=3), st.lists(_PROFILES, max_size=8))
def test_what_is_said_never_to_hold_never_holds(alternatives: list[list[str]], profiles: list[dict[str, Any]]) -> None:
    source = " || ".join(" && ".join(parts) for parts in alternatives)
    lists = {"near": ["DE", "AT"]}
    if any(dead.what == "whole" for dead in dead_parts(source, lists)):
        when = condition(source)
        assert not any(when.holds({"profile": profile, "lists": lists}) for profile in profiles)


def test_the_program_shows_the_place_with_a_caret_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(SMALL.replace("profile.email.kind", "profile.emial.kind"))
    assert program.main([str(file)]) == 1
    assert capsys.readouterr().out.splitlines()[:3] == [
        f"{file}:8:37: `when` of business: profile has no field emial; did you mean email?",
        "        - {id: business, when: 'profile.emial.kind == \"business\"', points: 30}",
        "                                        ^",
    ]


def test_the_program_ends_with_0_where_nothing_is_to_be_said_and_with_2_where_a_file_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(SMALL)
    assert program.main([str(file)]) == 0
    assert program.main([str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml can't be read: No such file or directory" in capsys.readouterr().err


def test_for_programs_everything_is_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(SMALL.replace("{kind: form}\n", "{kind: [form, from]}\n"))
    assert program.main([str(file), "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["line"], found["column"], found["kind"], found["text"]) == (
        15,
        21,
        "odd",
        "      match: {kind: [form, from]}",
    )


def test_leads_rules_lint_needs_no_running_stack(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(SMALL)
    with pytest.raises(SystemExit) as ended:
        rules.lint([file])
    assert (ended.value.code, capfd.readouterr().out) == (0, f"{file}: nothing to say against it.\n")
