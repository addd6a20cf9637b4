"""The routing document: what it may say, and that every mistake is named with its line, all at once."""

from __future__ import annotations

import pytest

from services.route.domain import document
from services.route.domain.document import NotARouting
from services.route.domain.routing import Member, Target
from tests.unit.route.builders import routing

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


def mistakes(text: str) -> list[str]:
    with pytest.raises(NotARouting) as raised:
        document.read(text, name="r.yaml", zones=("Europe/Berlin", "UTC"))
    return raised.value.mistakes


def test_the_shipped_document_can_be_used() -> None:
    found = routing()
    assert list(found.owners) == ["anna", "ben", "cleo", "desk"]
    assert found.pools["dach"].members == (Member("anna", 2), Member("ben", 1))
    assert [rule.id for rule in found.rules] == ["big-dach", "dach", "german", "world"]
    assert found.fallback == Target("owner", "desk")


def test_a_member_s_weight_in_a_pool_goes_before_the_owner_s() -> None:
    assert routing(GOOD).pools["all"].members == (Member("ann", 3), Member("bob", 2))


def test_lists_are_for_conditions() -> None:
    found = routing(GOOD + "lists: {rivals: [a.example, b.example]}\n")
    assert found.lists == {"rivals": ("a.example", "b.example")}


def test_what_this_version_does_not_carry_out_is_refused_by_name_and_all_at_once() -> None:
    text = GOOD.replace("weight: 3}", 'hours: {mon-fri: "09:00-17:00"}, capacity: {open: 3}}')
    text += "deadlines: {accept: 30m}\nwhen_nobody_is_free: {to: {owner: ann}, wait: 5m}\n"
    assert mistakes(text) == [
        "r.yaml:4: an owner: capacity is not supported by this version. Take it out",
        "r.yaml:4: an owner: hours is not supported by this version. Take it out",
        "r.yaml:10: the document: deadlines is not supported by this version. Take it out",
        "r.yaml:11: when_nobody_is_free: wait is not supported by this version. Take it out",
    ]


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("format: 1", "format: 2", "1: format must be 1, the only one that this version reads"),
        ("format: 1\n", "", "1: the document has no format"),
        ("id: x", "id: X y", "2: id is lower case letters, digits, - and _, at most 64. Example: anna"),
        ("id: x", "id: no", "2: id must be text"),
        ("bob@us.example}", "bob}", "5: email of owner bob is no address"),
        ("Europe/Berlin", "Europe/Munich", "4: there is no time zone Europe/Munich. Example: Europe/Berlin"),
        ("weight: 3", "weight: 0", "4: weight is from 1 to 1000"),
        ("weight: 3", "weight: much", "4: weight must be a whole number"),
        ("weight: 3", "wieght: 3", "4: an owner: wieght is unknown. Known: id, name, email, team, timezone, weight"),
        ("{id: bob, ", "{id: ann, ", "5: owner ann is there twice"),
        ("[ann, {", "[ann, cid, {", "7: pool all names cid, who is not among the owners"),
        ("[ann, {", "[ann, ann, {", "7: pool all names ann twice"),
        ("all: [ann, {owner: bob, weight: 2}]", "all: []", "7: pool all has no members"),
        ("to: {owner: ann}", "to: {owner: cid}", "9: rule one: to names cid, who is not among the owners"),
        ("{pool: all}", "{pool: some}", "9: rule one: otherwise names some, which is not among the pools"),
        ("to: {owner: ann}", "to: {owner: ann, pool: all}", "9: rule one: to names one owner or one pool. Example: {pool: world}"),
        ("to: {owner: ann}", "to: ann", "9: rule one: to must have keys and values"),
        ("to: {owner: ann}, ", "", "9: a rule has no to"),
        ('"DE"', '"DE" &&', "9: rule one: when is no CEL"),
        ("profile.country", "profil.country", "9: rule one: when uses profil, which conditions do not know"),
        ("profile.country", "lower(profile.country)", "9: rule one: when calls lower, which is no function of conditions"),
        ("rules:\n", "rules:\n  - {id: one, when: 'true', to: {owner: ann}}\n", "10: rule one is there twice"),
        ("id: x\n", "id: x\nid: y\n", "3: the document: id is there twice"),
        ("id: x\n", "id: x\nsticky: [boss]\n", "3: sticky lists owner and account, each once at most"),
        ("id: x\n", "id: x\n[", "4: is no YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(old: str, new: str, mistake: str) -> None:
    assert old in GOOD
    found = mistakes(GOOD.replace(old, new, 1))
    assert any(one.startswith(f"r.yaml:{mistake}") for one in found), found


@pytest.mark.parametrize("text", ["", "# nothing", "- a", "7", "owners: 7\nrules: x", "? [a]\n: b", "a: &a [*a]"])
def test_anything_else_is_a_mistake_and_never_a_crash(text: str) -> None:
    assert mistakes(text)
