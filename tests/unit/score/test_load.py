"""A ruleset's document: what is taken, and that every mistake is named with its line, all at once."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from services.score import main
from services.score.domain import publications
from services.score.domain.document import Wrong
from services.score.domain.example import failures
from services.score.domain.load import load
from services.score.domain.ruleset import AtLeast, Decay, IdleRule, Limit
from services.score.settings import SHIPPED
from shared.documents.inforce import Unusable
from tests.unit.score.builders import BUSINESS, READY, RULESET, Desk, an_activity, days, enriched, ruleset

DAY = 86_400_000_000  # microseconds
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


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("half_life: 60d", "decay", Decay("half_life", 60 * DAY)),
        ("window: 36h", "decay", Decay("window", 36 * DAY // 24)),
        ("fade: 2w", "decay", Decay("fade", 14 * DAY)),
        ("at_least: 3 within 7d", "at_least", AtLeast(3, 7 * DAY)),
        ("reset: true", "reset", True),
        ("limit: once", "limit", Limit(1)),
        ("limit: 3 per week", "limit", Limit(3, "week")),
        ("limit: 1 per 30d by name", "limit", Limit(1, None, 30 * DAY, ("name",))),
        ("limit: once by properties.plan", "limit", Limit(1, None, 0, ("properties", "plan"))),
    ],
)
def test_each_key_of_a_rule_is_taken(key: str, field: str, value: Any) -> None:
    assert getattr(load(with_rule(key), source="r.yaml").engagement[1], field) == value


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("half_life: 0d", "12: `half_life` of more must be longer than nothing, for example 30d"),
        ("half_life: 3", "12: `half_life` of more must be a duration, for example -1h or -30d"),
        ("window: 3d, fade: 3d", "12: the rule more takes one of half_life, window, fade, not several"),
        ("at_least: 1 within 7d", "12: `at_least` of more must be like 3 within 7d, with 2 to 100 activities"),
        ("at_least: 3 in 7d", "12: `at_least` of more must be like 3 within 7d, with 2 to 100 activities"),
        ("reset: 3", "12: `reset` of more must be true or false"),
        ("limit: 2 per 30d", "12: `limit: 2 per 30d` of more: for a duration it takes 1 (at least so long between two that count)"),
        ("limit: once by nmae", "12: `limit` of more: activity has no field nmae; did you mean name?"),
    ],
)  # fmt: skip
def test_each_mistake_in_a_rule_is_named(key: str, says: str) -> None:
    assert says in mistakes(with_rule(key))


def test_what_the_clock_does_is_taken() -> None:
    found = load(
        SMALL
        + textwrap.dedent("""\
            idle:
              - {id: quiet, after: 30d, points: -10, every: 30d, cap: 50}
            override:
              - {id: demo, match: {kind: form, name: demo}, stage: SQL, for: 30d}
            segments:
              - {id: hot, when: 'total >= 80 && lead.stage == "SQL" && lead.episodes < 2'}
            """).replace("SQL: {enter: 15}", "SQL: {enter: 15, dwell: 24h}"),
        source="r.yaml",
    )
    assert found.idle == (IdleRule("quiet", 30 * DAY, -1000, 30 * DAY, 5000),)
    assert (found.override[0].stage, found.override[0].lasts) == ("SQL", 30 * DAY)
    assert found.segments[0].id == "hot"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("idle: [{id: quiet, after: 3d}]", "14: an idle rule needs `points`"),
        (
            "override: [{id: demo, match: {kind: form}, stage: raw, for: 3d}]",
            "14: `stage` of demo is raw; it takes IQL, MQL, SQL",
        ),
        ("segments: [{id: contact, when: 'fit > 3'}]", "14: there is already a rule with the id contact; contributions are told apart by it"),
        ("segments: [{id: hot, when: 'total * 2 > 3'}]", "14: `when` of hot: total can only be compared with a number, for example total >= 80"),
    ],
)  # fmt: skip
def test_each_mistake_beside_the_rules_is_named(lines: str, says: str) -> None:
    assert says in mistakes(SMALL + lines)


def test_a_stage_that_nobody_would_ever_be_in_is_a_mistake() -> None:
    text = SMALL.replace("  SQL: {enter: 15}", "  MQL: {enter: 20}\n  SQL: {enter: 15}")
    assert mistakes(text) == ["14: `enter` of SQL is below that of MQL: nobody would ever be in MQL"]


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
        ("      points: 5\n", "", "9: the rule contact needs `points`, or `reset: true`"),
        ("id: contact", "id: business", "9: there is already a rule with the id business; contributions are told apart by it"),
        ("match: {kind: form}", "match: {}", "10: `match` of contact is empty: it needs at least one field, for example kind"),
        ("match: {kind: form}", "match: {knd: form}", "10: `match` of contact: activity has no field knd; did you mean kind?"),
        ("points: 5", "points: 5\n      limit: 0 per day", "12: `limit: 0 per day` of contact is no limit; it takes `once`, `N per day|week|month` or `1 per 30d`, each also with `by` and a field of the activity"),
        ("points: 5", "points: 5\n      cap: -1", "12: `cap` of contact must not be below 0"),
        ("enter: 15", "enter: 15, leave: 16", "13: `leave` of SQL is above its `enter`: a lead would leave as it enters"),
        ("enter: 15", "min_fit: 15", "13: the stage SQL needs `enter` or `any`, or nobody gets there"),
        ("SQL: {", "Hot: {", "13: `stages` has no `Hot`; it takes IQL, MQL, SQL"),
        ('"business"\'', '"business\'', "6: `when` of business is no CEL: Syntax error: token recognition error at: '\"business' (at character 23)"),
        ("profile.email.kind", "profile.emial.kind", "6: `when` of business: profile has no field emial; did you mean email?"),
        ("profile.email.kind", "activity.kind", "6: `when` of business: activity cannot be used here"),
        ("profile.email.kind", "lead.stage", "6: `when` of business: lead.stage depends on earlier decisions, so the score could not be told from the activities; rules may not use it, segments may"),
        ('== "business"', "in lists.staff", "6: `when` of business: `lists` has no list staff"),
        ('== "business"', '.matches("(")', '6: `when` of business: "(" is no regular expression (RE2 syntax)'),
        ('== "business"', '.shout() == "A"', "6: `when` of business: CEL has no function shout here"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_line(before: str, after: str, says: str) -> None:
    assert before in SMALL
    assert says in mistakes(SMALL.replace(before, after))


def test_all_mistakes_are_told_at_once() -> None:
    text = with_rule("half_life: x").replace("format: 1", "format: 3").replace("points: 10}", "points: x}")
    assert [one.split(":")[0] for one in mistakes(text)] == ["1", "6", "12"]


@pytest.mark.parametrize("text", ["", "a: [", "- 1", "!!python/object:os.system {}", "a: *b", "\x00"])
def test_what_is_no_ruleset_at_all_gets_an_answer_and_not_a_traceback(text: str) -> None:
    assert mistakes(text)


def test_a_message_for_people_names_file_line_and_mistake() -> None:
    with pytest.raises(Wrong, match=r"r.yaml cannot be used, 1 mistake:\n  r.yaml:1:9: `format` must be 1"):
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
    in_force = publications.read(SHIPPED.read_text())
    assert len(in_force.ruleset.examples) >= 5


def test_the_reference_of_the_format_is_taken_and_does_what_its_example_says() -> None:
    ruleset_ = publications.read(SHIPPED.with_name("reference.yaml").read_text()).ruleset
    assert [rule.id for rule in ruleset_.engagement if rule.decay is not None] == [
        "lead-magnet",
        "pricing-page",
        "comparing",
        "webinar",
        "mail-click",
    ]
    assert (len(ruleset_.idle), len(ruleset_.override), len(ruleset_.segments), len(ruleset_.examples)) == (1, 1, 2, 1)


def test_a_ruleset_whose_own_examples_fail_is_not_put_in_force() -> None:
    with pytest.raises(Unusable, match=r"line \d+: .*engagement is 61, expected 60"):
        publications.read(SHIPPED.read_text().replace("points: 60", "points: 61"))


def test_a_service_that_was_started_with_a_wrong_ruleset_says_so_and_ends(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "ruleset.yaml"
    for text, says in ((b"format: 2", "`format` must be 1"), (b"\xff", "it is not UTF-8")):
        wrong.write_bytes(text)
        with pytest.raises(SystemExit):
            main.started_with(wrong)
        assert says in capsys.readouterr().err


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
    desk = Desk(publications.read(SHIPPED.read_text()))
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
