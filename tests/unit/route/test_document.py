"""The routing document: what it may say, and that every mistake is named with its line and column, all at once."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from services.route.domain import document
from services.route.domain.document import shape
from services.route.domain.document.nodes import Unreadable
from services.route.domain.routing import Capacity, Deadlines, Fallback, Member, Target
from services.route.generate import schema
from services.route.settings import SHIPPED_ROUTING
from tests.unit.route.builders import NOON, REFERENCE, routing

GOOD = """\
format: 1
id: x
owners:
  - {id: ann, name: Ann, email: ann@us.example, timezone: Europe/Berlin, weight: 3}
  - {id: bob, name: Bob, email: bob@us.example}
pools:
  all: [ann, {owner: bob, weight: 2}]
rules:
  - {id: one, when: 'profile.country == "DE"', to: {owner: ann}, otherwise: {pool: all}}
"""


def mistakes(text: str) -> tuple[str, ...]:
    with pytest.raises(Unreadable) as raised:
        document.read(text, name="r.yaml")
    return raised.value.mistakes


@pytest.mark.parametrize("path", [REFERENCE])
def test_the_shipped_document_says_what_its_comments_say(path: Path) -> None:
    found = routing(path.read_text())
    assert list(found.owners) == ["anna", "ben", "cleo", "desk"]
    assert found.pools["dach"].members == (Member("anna", 2), Member("ben", 1))
    assert [rule.id for rule in found.rules] == ["big-dach", "dach", "german", "world"]
    assert found.rules[0].otherwise == Target("pool", "dach")
    assert found.fallback == Fallback(Target("owner", "desk"), timedelta())
    assert found.sticky == ("owner", "account")
    assert found.deadlines == Deadlines(
        accept=timedelta(minutes=30), contact=timedelta(hours=4), attempts=3, escalate_to="desk"
    )
    assert found.owners["anna"].capacity == Capacity(per_day=20, open=60)
    assert "competitor" in found.reject_reasons


def test_hours_holidays_and_absences_are_the_owner_s() -> None:
    found = routing(REFERENCE.read_text()).owners
    assert found["anna"].calendar.is_free(NOON)  # Friday, one in the afternoon in Berlin
    assert not found["ben"].calendar.is_free(NOON)  # until one
    assert not found["cleo"].calendar.is_free(NOON.replace(month=12, day=22))  # away
    assert not found["anna"].calendar.is_free(NOON.replace(month=12, day=25))  # Christmas in Berlin
    assert found["desk"].calendar.is_free(NOON.replace(month=12, day=25, hour=3))


def test_a_day_has_several_spans_and_an_owner_holidays_of_several_places() -> None:
    text = GOOD.replace(
        "weight: 3}", 'weight: 3, hours: {mon-sun: ["09:00-12:00", "13:00-24:00"]}, holidays: [DE-BE, US]}'
    )
    calendar = routing(text).owners["ann"].calendar
    at = NOON.replace(month=7, day=6, hour=10, minute=30)  # half past twelve in Berlin
    assert not calendar.is_free(at)
    assert calendar.next_free(at) == at.replace(hour=11, minute=0)
    assert not calendar.is_free(at.replace(month=11, day=26, hour=12))  # Thanksgiving
    assert calendar.is_free(at.replace(month=11, day=27, hour=22))


def test_a_member_s_weight_in_a_pool_goes_before_the_owner_s() -> None:
    assert routing(GOOD).pools["all"].members == (Member("ann", 3), Member("bob", 2))


def test_lists_are_for_conditions() -> None:
    found = routing(GOOD.replace('"DE"', "lists.rivals[0]") + "lists: {rivals: [a.example, b.example]}\n")
    assert found.lists == {"rivals": ("a.example", "b.example")}


def test_without_deadlines_there_are_no_clocks() -> None:
    assert routing(GOOD).deadlines == Deadlines()


OWNER = "timezone: Europe/Berlin, weight: 3}"


def owner(more: str) -> tuple[str, str]:
    return OWNER, f"timezone: Europe/Berlin, {more}}}"


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("format: 1", "format: 2", "1:9: format must be 1, the only one that this version reads"),
        ("format: 1\n", "", "1:1: the document has no format"),
        ("id: x", "id: X y", "2:5: id is lower case letters, digits, - and _, at most 64. Example: anna"),
        ("id: x", "id: no", "2:5: id must be text"),
        ("bob@us.example}", "bob}", "5:33: email of owner bob is no address"),
        ("Europe/Berlin", "Europe/Berlim", "4:59: there is no time zone Europe/Berlim; did you mean Europe/Berlin?"),
        ("Europe/Berlin", "Xx", "4:59: there is no time zone Xx. Example: Europe/Berlin"),
        ("weight: 3", "weight: 0", "4:82: weight is from 1 to 1000"),
        ("weight: 3", "weight: much", "4:82: weight must be a whole number"),
        ("weight: 3", "wieght: 3", "4:74: an owner: wieght is unknown; did you mean weight?"),
        ("weight: 3", "xyz: 3", "4:74: an owner: xyz is unknown. Known: id, name, email, team, timezone, hours"),
        ("{id: bob, ", "{id: ann, ", "5:5: owner ann is there twice"),
        ("[ann, {", "[ann, bop, {", "7:14: pool all names bop, who is not among the owners; did you mean bob?"),
        ("[ann, {", "[ann, ann, {", "7:14: pool all names ann twice"),
        ("all: [ann, {owner: bob, weight: 2}]", "all: []", "7:8: pool all has no members"),
        ("to: {owner: ann}", "to: {owner: cid}", "9:60: rule one: to names cid, who is not among the owners"),
        ("{pool: all}", "{pool: al}", "9:84: rule one: otherwise names al, which is not among the pools; did you mean all?"),
        ("to: {owner: ann}", "to: {owner: ann, pool: all}", "9:52: rule one: to names one owner or one pool. Example: {pool: world}"),
        ("to: {owner: ann}", "to: ann", "9:52: rule one: to must have keys and values"),
        ("to: {owner: ann}, ", "", "9:5: a rule has no to"),
        ('"DE"', '"DE" &&', "9:48: rule one: when is no CEL"),
        ("profile.country", "true && profil.country", "9:30: rule one: when uses profil, which conditions do not know; did you mean profile?"),
        ("profile.country", "profile.contry", "9:22: rule one: when names profile.contry, and there is no such field; did you mean country?"),
        ("profile.country", "lower(profile.country)", "9:22: rule one: when calls lower, which is no function of conditions"),
        ("rules:\n", "rules:\n  - {id: one, when: 'true', to: {owner: ann}}\n", "10:5: rule one is there twice"),
        ("id: x\n", "id: x\nid: y\n", "3:1: the document: id is there twice"),
        ("id: x\n", "id: x\nsticky: [boss]\n", "3:10: sticky lists owner and account, each once at most"),
        ("id: x\n", "id: x\n[", "4:3: is no YAML"),
        (*owner('hours: {mon-fry: "9-5"}'), "4:82: hours of ann: mon-fry is no day of the week. Example: mon-fri"),
        (*owner("hours: {mon: 9-5}"), '4:87: hours of ann: 9-5 is no span of hours. Example: "09:00-17:00"'),
        (*owner('hours: {mon: "17:00-09:00"}'), "4:87: hours of ann: 17:00-09:00 ends before it begins. Over midnight"),
        (*owner('hours: {mon: "09:00-25:00"}'), "4:87: hours of ann: 09:00-25:00 is not on the clock (00:00 to 24:00)"),
        (*owner('hours: {mon: ["09:00-12:00", "11:00-13:00"]}'), "4:103: hours of ann: 11:00-13:00 overlaps another span"),
        (*owner('hours: {mon-fri: "09:00-17:00", fri: "09:00-13:00"}'), "4:106: hours of ann: fri is there twice"),
        (*owner("hours: {}"), "4:81: hours of ann has no day. Without hours the owner is always there"),
        ("email: bob@us.example}", 'email: bob@us.example, hours: {mon: "09:00-17:00"}}', "5:5: owner bob has hours or days off and no timezone"),
        (*owner("holidays: DE-BX"), "4:84: holidays: DE-BX is no country or subdivision that is known; did you mean DE-"),
        (*owner("away: [{from: 2026-12-21, to: 2026-12-01}]"), "4:81: away of ann ends before it begins"),
        (*owner("away: [{from: tomorrow, to: 2026-12-01}]"), "4:88: away of ann: from must be a day. Example: 2026-12-21"),
        (*owner("away: [{from: 2026-12-32}]"), "4:81: away of ann has no to"),
        (*owner("away: [{from: 2026-12-32, to: 2026-12-01}]"), "4:88: away of ann: from must be a day"),
        (*owner("capacity: {}"), "4:84: capacity of ann says nothing"),
        (*owner("capacity: {per_day: 0}"), "4:94: capacity of ann: per_day is from 1 to 1000000"),
        (*owner("capacity: {open: 2.5}"), "4:91: capacity of ann: open must be a whole number"),
        ("id: x\n", "id: x\ndeadlines: {accept: 1d}\n", "3:21: deadlines: accept, in working time, must be a number and s (seconds) or m (minutes) or h (hours)"),
        ("id: x\n", "id: x\ndeadlines: {accept: 0m}\n", "3:21: deadlines: accept must be longer than nothing"),
        ("id: x\n", "id: x\ndeadlines: {attempts: 0}\n", "3:23: deadlines: attempts is from 1 to 20"),
        ("id: x\n", "id: x\ndeadlines: {escalate_to: cid}\n", "3:26: deadlines: escalate_to names cid"),
        ("id: x\n", "id: x\nwhen_nobody_is_free: {wait: 5m}\n", "3:22: when_nobody_is_free has no to"),
        ("id: x\n", "id: x\nwhen_nobody_is_free: {to: {owner: ann}, wait: 5}\n", "3:47: when_nobody_is_free: wait must be a number and"),
        ("id: x\n", "id: x\nlists: {a-b: [x]}\n", "3:14: lists: a-b could not be named in a condition"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(old: str, new: str, mistake: str) -> None:
    assert old in GOOD
    found = mistakes(GOOD.replace(old, new, 1))
    assert any(one.startswith(f"r.yaml:{mistake}") for one in found), found


def test_all_mistakes_are_told_at_once_in_their_order() -> None:
    text = GOOD.replace("id: x", "id: X").replace("weight: 3", "weight: 0").replace("pool: all", "pool: some")
    assert [one.split(" ")[0] for one in mistakes(text)] == ["r.yaml:2:5:", "r.yaml:4:82:", "r.yaml:9:84:"]


@pytest.mark.parametrize(
    "text", ["", "# nothing", "- a", "7", "owners: 7\nrules: x", "? [a]\n: b", "a: &a [*a]", "a: \x07"]
)
def test_anything_else_is_a_mistake_and_never_a_crash(text: str) -> None:
    assert mistakes(text)


def plain(text: str) -> Any:
    """A document as JSON has it: days as text."""
    return json.loads(json.dumps(yaml.safe_load(text), default=date.isoformat))


@pytest.mark.parametrize("text", [SHIPPED_ROUTING.read_text(), REFERENCE.read_text(), GOOD])
def test_the_schema_takes_what_can_be_read(text: str) -> None:
    jsonschema.Draft202012Validator.check_schema(shape.SCHEMA)
    jsonschema.validate(plain(text), shape.SCHEMA)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("format: 1", "format: 2"),
        ("format: 1\n", ""),
        ("id: x", "id: X y"),
        ("weight: 3", "weight: 0"),
        ("weight: 3", "xyz: 3"),
        ("to: {owner: ann}", "to: {owner: ann, pool: all}"),
        ("id: x\n", "id: x\ndeadlines: {accept: 1d}\n"),
        owner('hours: {mon-fry: "9-5"}'),
        owner("capacity: {open: 2.5}"),
    ],
)
def test_the_schema_refuses_what_has_another_shape(old: str, new: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plain(GOOD.replace(old, new, 1)), shape.SCHEMA)


def test_the_published_schema_is_current() -> None:
    assert schema.PATH.read_text("utf-8") == schema.text()
