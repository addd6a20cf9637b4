"""Reading a nurture document: every mistake at once, each with line and column and what was meant; and its published shape."""

from __future__ import annotations

import pytest
import yaml
from jsonschema import Draft202012Validator

from services.route.domain.document.nodes import Unreadable
from services.route.domain.nurture.read import read
from services.route.domain.nurture.shape import SCHEMA
from tests.unit.route.nurture.builders import shipped

MISTAKES = [
    ("format: 1", "format: 2", "3:9: format must be 1, the only one that this version reads"),
    (
        "{per_day: 1, per_week: 3}",
        "{per_day: many}",
        "7:20: limits.email.per_day must be a whole number from 0 to 1000",
    ),
    ("  email: {per_day", "  e-mail: {per_day", "7:3: limits has no `e-mail`; did you mean `email`?"),
    ('"20:00-08:00"', '"20-8"', '9:16: quiet_hours must be two times of a day that differ. Example: "20:00-08:00"'),
    (
        "[sun]",
        "[sonntag]",
        "10:16: quiet_days names `sonntag`, which is not there; it takes mon, tue, wed, thu, fri, sat, sun",
    ),
    (
        "[sun]",
        "[mon, tue, wed, thu, fri, sat, sun]",
        "10:15: quiet_days are all days of the week: nothing would ever be sent",
    ),
    (
        "profile.email.address",
        "profile.mail.address",
        "13:52: channel email: field names profile.mail, and there is no such field; did you mean email?",
    ),
    (
        "{channel: ads, audience",
        "{channel: adds, audience",
        "20:28: content stay-in-touch: channel names `adds`, which is not there; did you mean `ads`?",
    ),
    (
        "{content: ebook-link, again_after: 1h}",
        "{content: ebook}",
        "23:27: magnet magnet-ebook: content names `ebook`, which is not there; did you mean `ebook-link`?",
    ),
    (
        'lead.stage == "MQL"',
        "lead.stge",
        "35:11: track mql-ready: when names lead.stge, and there is no such field; did you mean stage?",
    ),
    (
        'lead.stage == "MQL"',
        "led.stage",
        "35:11: track mql-ready: when uses led, which conditions do not know; did you mean lead?",
    ),
    (
        "{wait: 1d}",
        "{wait: a day}",
        "37:16: track mql-ready: step wait-1: wait must be a duration: a whole number above nothing and s, m, h, d or w. Example: 2d",
    ),
    ("{wait: 1d}", "{wayt: 1d}", "37:10: a step of track mql-ready has no `wayt`; did you mean `wait`?"),
    (
        "{wait: 2d}",
        "{wait: 2d, next: case-1}",
        "29:26: track iql-welcome: step wait-1: next names `case-1`, which is no step of it; did you mean `case`?",
    ),
    (
        "next: done}\n      - {id: ads",
        "next: case}\n      - {id: ads",
        "32:46: track iql-welcome: step price: next names `case`, which does not come later; it takes ads, done",
    ),
    ("else: ads}", "else: price}", "33:9: track iql-welcome: no step leads to ads"),
    ("{id: ads, send", "{id: price, send", "33:14: track iql-welcome: step price is there twice"),
    (
        "at_most: 14d, ",
        "",
        "31:20: track iql-welcome: step wait-for-1 needs `at_most`: how long it waits. Example: 14d",
    ),
    (
        "{kind: page}",
        "{knd: page}",
        "31:29: track iql-welcome: step wait-for-1: match names knd, and there is no such field; did you mean kind?",
    ),
    ("id: recycled", "id: mql-ready", "39:5: track `mql-ready` is there twice"),
    ("id: recycled", "id: magnets", "39:9: no track is called magnets: what forms ask for is told under that name"),
    ("timezone: UTC", "timezone: Berlin", "4:11: there is no time zone 'Berlin'. Example: Europe/Berlin"),
    (
        "{content: ebook-link, again_after: 1h}",
        "{content: 2026-13-45}",  # YAML takes it for a day, which it is not
        "23:27: magnet magnet-ebook: content must be text (numbers and words like no and on need quotes)",
    ),
    ("exit:", "exits:", "46:1: a nurture document has no `exits`; did you mean `exit`?"),
]


@pytest.mark.parametrize(("words", "others", "said"), MISTAKES, ids=[said for _, _, said in MISTAKES])
def test_a_mistake_is_told_with_its_place(words: str, others: str, said: str) -> None:
    assert words in shipped()
    with pytest.raises(Unreadable) as caught:
        read(shipped().replace(words, others, 1), name="n.yaml")
    assert f"n.yaml:{said}" in caught.value.mistakes


def test_all_mistakes_are_told_at_once_in_the_order_in_which_they_stand() -> None:
    text = shipped()
    for words, others, _ in (MISTAKES[0], MISTAKES[7], MISTAKES[11], MISTAKES[-1]):
        text = text.replace(words, others, 1)
    with pytest.raises(Unreadable) as caught:
        read(text, name="n.yaml")
    assert [one.split(":")[1] for one in caught.value.mistakes] == ["3", "20", "37", "46"]


@pytest.mark.parametrize("text", ["", "- a", "a: [", "{}", "format: 1\nchannels: 3\ncontent: x\ntracks: {}", "\x00"])
def test_whatever_is_no_document_is_refused_with_a_place(text: str) -> None:
    with pytest.raises(Unreadable, match=r"^n\.yaml:\d+:\d+: "):
        read(text, name="n.yaml")


def test_the_shipped_document_has_the_published_shape_and_others_have_not() -> None:
    validator = Draft202012Validator(SCHEMA)
    validator.check_schema(SCHEMA)
    assert list(validator.iter_errors(yaml.safe_load(shipped()))) == []
    for words, others in (
        ("{wait: 1d}", "{wayt: 1d}"),
        ("format: 1", "format: 2"),
        ("[sun]", "[sonntag]"),
        ("at_most: 14d, ", ""),
    ):
        assert list(validator.iter_errors(yaml.safe_load(shipped().replace(words, others, 1)))), words
