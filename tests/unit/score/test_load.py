"""A ruleset's document: what is taken, and that every mistake is named with its line, all at once."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from services.score import main
from services.score.domain.document import Wrong
from services.score.domain.example import failures
from services.score.domain.load import load
from services.score.settings import SHIPPED
from tests.unit.score.builders import BUSINESS, READY, RULESET, Desk, an_activity, days, enriched, ruleset

SMALL = """\
format: 1
id: small
timezone: UTC
fit:
  rules:
    - {id: business, when: 'profile.email.kind == "business"', points: 10}
engagement:
  rules:
    - id: contact
      match: {kind: form}
      points: 5
stages:
  SQL: {enter: 15}
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(Wrong) as wrong:
        load(text, source="r.yaml")
    return [f"{one.line}: {one.says}" for one in wrong.value.mistakes]


def with_rule(rule: str) -> str:
    """SMALL with one more engagement rule, at line 12."""
    return SMALL.replace("stages:", f"    - {{id: more, match: {{kind: page}}, points: 1, {rule}}}\nstages:")


def test_a_small_ruleset_is_taken_as_it_is() -> None:
    found = load(SMALL, source="r.yaml")
    assert (found.id, found.version, found.fit[0].points, found.engagement[0].points) == ("small", 1, 1000, 500)
    assert (found.stages[0].enter, found.stages[0].leave) == (1500, 1500)


def test_two_documents_have_the_same_fingerprint_only_if_their_text_is_the_same() -> None:
    assert load(SMALL, source="a").fingerprint == load(SMALL, source="b").fingerprint
    assert load(SMALL + "\n", source="a").fingerprint != load(SMALL, source="a").fingerprint


@pytest.mark.parametrize("key", ["half_life: 60d", "window: 30d", "fade: 30d", "at_least: 3 within 7d", "reset: true"])
def test_what_a_rule_cannot_do_yet_is_refused_by_name(key: str) -> None:
    name = key.split(":")[0]
    assert mistakes(with_rule(key)) == [
        f"12: `{name}` in an engagement rule is not supported yet; take it out (it would not be applied)"
    ]


@pytest.mark.parametrize("key", ["idle: []", "override: []", "segments: []"])
def test_what_a_ruleset_cannot_do_yet_is_refused_by_name(key: str) -> None:
    assert mistakes(SMALL + key) == [
        f"14: `{key.split(':')[0]}` in a ruleset is not supported yet; take it out (it would not be applied)"
    ]


@pytest.mark.parametrize(
    "limit", ["3 per week", "1 per month", "1 per 30d", "1 per 30d by name", "2 per day by name", "once by name"]
)
def test_limits_that_are_not_supported_yet_are_refused_by_name(limit: str) -> None:
    assert mistakes(with_rule(f"limit: {limit}")) == [
        f"12: `limit: {limit}` of more is not supported yet; it takes `once` or `N per day`"
    ]


def test_dwell_is_refused_by_name() -> None:
    assert "dwell" in mistakes(SMALL.replace("enter: 15", "enter: 15, dwell: 24h"))[0]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("format: 1", "format: 2", "1: `format` must be 1, the only one there is"),
        ("timezone: UTC", "timezone: Mars/Base", "3: there is no time zone 'Mars/Base'; take a name such as Europe/Berlin or UTC"),
        ("points: 10}", "points: ten}", "6: `points` of business must be a number between -1000000 and 1000000"),
        ("points: 10}", "points: 1.125}", "6: `points` of business has more than two decimals"),
        ("points: 10}", "points: .inf}", "6: `points` of business must be a number between -1000000 and 1000000"),
        ("points: 10}", "pionts: 10, points: 1}", "6: a fit rule has no `pionts`; did you mean `points`?"),
        ("points: 10}", "points: 10, points: 11}", "6: `points` is there twice in a fit rule"),
        ("      points: 5\n", "", "9: the rule contact needs `points`"),
        ("id: contact", "id: business", "9: there is already a rule with the id business; contributions are told apart by it"),
        ("match: {kind: form}", "match: {}", "10: `match` of contact is empty: it needs at least one field, for example kind"),
        ("match: {kind: form}", "match: {knd: form}", "10: `match` of contact: activity has no field knd; did you mean kind?"),
        ("points: 5", "points: 5\n      limit: 0 per day", "12: `limit: 0 per day` of contact is no limit; it takes `once` or `N per day`"),
        ("points: 5", "points: 5\n      cap: -1", "12: `cap` of contact must not be below 0"),
        ("enter: 15", "enter: 15, leave: 16", "13: `leave` of SQL is above its `enter`: a lead would leave as it enters"),
        ("enter: 15", "min_fit: 15", "13: the stage SQL needs `enter` or `any`, or nobody gets there"),
        ("SQL: {", "Hot: {", "13: `stages` has no `Hot`; it takes IQL, MQL, SQL"),
        ('"business"\'', '"business\'', "6: `when` of business is no CEL: Syntax error: token recognition error at: '\"business' (at character 23)"),
        ("profile.email.kind", "profile.emial.kind", "6: `when` of business: profile has no field emial; did you mean email?"),
        ("profile.email.kind", "activity.kind", "6: `when` of business: activity cannot be used here"),
        ("profile.email.kind", "lead.stage", "6: `when` of business: lead.stage depends on earlier decisions, so the score could not be told from the activities; rules may not use it"),
        ('== "business"', "in lists.staff", "6: `when` of business: `lists` has no list staff"),
        ('== "business"', '.matches("(")', '6: `when` of business: "(" is no regular expression (RE2 syntax)'),
        ('== "business"', '.shout() == "A"', "6: `when` of business: CEL has no function shout here"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_line(before: str, after: str, says: str) -> None:
    assert before in SMALL
    assert says in mistakes(SMALL.replace(before, after))


def test_all_mistakes_are_told_at_once() -> None:
    text = with_rule("half_life: 3d").replace("format: 1", "format: 3").replace("points: 10}", "points: x}")
    assert [one.split(":")[0] for one in mistakes(text)] == ["1", "6", "12"]


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "!!python/object:os.system {}", "a: *b", "\x00"])
def test_what_is_no_ruleset_at_all_gets_an_answer_and_not_a_traceback(text: str) -> None:
    assert mistakes(text)


def test_a_message_for_people_names_file_line_and_mistake() -> None:
    with pytest.raises(Wrong, match=r"r.yaml cannot be used, 1 mistake:\n  r.yaml:1: `format` must be 1"):
        load(SMALL.replace("format: 1", "format: 2"), source="r.yaml")


def test_stages_stand_lowest_first() -> None:
    assert "12: `stages` stand lowest first" in mistakes(SMALL + "  MQL: {enter: 5}\n")[0].replace("13", "12")


def test_what_an_example_expects_and_does_not_get_is_told_with_its_line() -> None:
    text = SMALL + textwrap.dedent("""\
        examples:
          - name: works
            profile: {email: {kind: business}}
            activities: [{kind: form, at: -1h}]
            expect: {fit: 10, engagement: 5, total: 15, stage: SQL}
          - name: fails
            expect: {fit: 1, stage: SQL}
        """)
    assert [(one.line, one.says) for one in failures(ruleset(text))] == [
        (19, "example 'fails': fit is 0, expected 1"),
        (19, "example 'fails': stage is raw, expected SQL"),
    ]


def test_the_shipped_ruleset_is_taken_and_does_what_its_examples_say() -> None:
    in_force = main.ruleset_in_force(SHIPPED)
    assert len(in_force.ruleset.examples) >= 5


def test_a_ruleset_whose_own_examples_fail_is_not_put_in_force(tmp_path: Path) -> None:
    wrong = tmp_path / "ruleset.yaml"
    wrong.write_text(SHIPPED.read_text().replace("points: 60", "points: 61"))
    with pytest.raises(Wrong, match="engagement is 61, expected 60"):
        main.ruleset_in_force(wrong)


@pytest.mark.parametrize(
    "story",
    [
        [{"name": "contact"}],
        [{"name": "enquiry"}],
        [{"name": "demo"}],
        [{"kind": "page", "name": "page", "path": "/pricing"}, {"name": "demo"}],
    ],
)
def test_by_the_shipped_ruleset_who_asks_with_business_mail_phone_and_home_market_goes_to_sales(
    story: list[dict[str, Any]],
) -> None:
    desk = Desk(main.ruleset_in_force(SHIPPED))
    for number, fields in enumerate(story):
        scored = desk.tell(enriched(an_activity(number, **fields), profile=READY))
    assert scored is not None
    assert (scored.stage, scored.episode) == ("SQL", 1)


@pytest.mark.parametrize(
    ("test", "fields", "fits"),
    [
        ("name: contact", {"name": "contact"}, True),
        ("name: contact", {"name": "Contact"}, False),
        ("name: [contact, 'x-*']", {"name": "x-1"}, True),
        ("name: 'x-?'", {"name": "x-12"}, False),
        ("name: 'a.c*'", {"name": "abcd"}, False),
        ("properties.plan: 3", {"properties": {"plan": 3}}, True),
        ("properties.plan: 3", {"properties": {"plan": "3"}}, False),
        ("properties.plan: true", {"properties": {"plan": 1}}, False),
        ("properties.plan: 3", {}, False),
        ("page.path: '/pricing*'", {"path": "/pricing/teams"}, True),
        ("campaign.source: google", {"campaign": {"source": "google"}}, True),
    ],
)
def test_match_takes_values_lists_and_globs(test: str, fields: dict[str, Any], fits: bool) -> None:
    desk = Desk(ruleset(SMALL.replace("kind: form", test)))
    scored = desk.tell(enriched(an_activity(1, **fields), profile=BUSINESS))
    assert scored is not None
    assert scored.score.engagement == (5 if fits else 0)


def test_a_day_is_a_day_in_the_rulesets_zone() -> None:
    for zone, points in (("UTC", 5), ("Pacific/Auckland", 10)):  # 23:30 and 00:30 in Auckland
        desk = Desk(ruleset(SMALL.replace("UTC", zone).replace("points: 5", "points: 5\n      limit: 1 per day")))
        for number, hours in enumerate((-0.5, 0.5)):
            scored = desk.tell(enriched(an_activity(number, at=an_activity_at(hours)), profile={}))
        assert scored is not None
        assert scored.score.engagement == points


def an_activity_at(hours: float) -> Any:
    from tests.unit.score.builders import NOON  # noon UTC is midnight in Auckland in June

    return NOON + days(hours / 24)


def test_the_rules_of_the_tests_are_taken() -> None:
    assert len(load(textwrap.dedent(RULESET), source="t").engagement) == 6
