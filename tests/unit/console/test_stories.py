"""The demo's people are believable, seeded, and hold the cases that they promise."""

from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qs

import msgspec

from services.console.domain.stories import Story, stories
from tests.unit.console.builders import NOON

PEOPLE = list(stories(1, leads=200, now=NOON, run="demo"))


def forms(story: Story) -> list[dict[str, list[str]]]:
    return [parse_qs(sending.body.decode()) for sending in story.sendings if sending.path.startswith("/v1/forms/")]


def test_the_same_seed_gives_the_same_people() -> None:
    assert list(stories(1, leads=20, now=NOON, run="demo")) == list(stories(1, leads=20, now=NOON, run="demo"))
    assert list(stories(2, leads=20, now=NOON, run="demo")) != list(stories(1, leads=20, now=NOON, run="demo"))


def test_two_demos_share_no_event() -> None:
    def ids(run: str) -> set[str]:
        people = stories(1, leads=20, now=NOON, run=run)
        return {fields["messageId"][0] for story in people for fields in forms(story)}

    assert not ids("demo") & ids("demo-2")


def test_everybody_is_somebody_else_and_fills_in_a_form() -> None:
    assert len({story.email for story in PEOPLE}) == 200
    assert all(forms(story) for story in PEOPLE)
    assert len({fields["country"][0] for story in PEOPLE for fields in forms(story) if "country" in fields}) >= 6


def test_all_four_forms_are_filled_in() -> None:
    kinds = Counter(sending.path for story in PEOPLE for sending in story.sendings if "/forms/" in sending.path)
    assert set(kinds) == {f"/v1/forms/{name}" for name in ("demo", "contact", "enquiry", "magnet-ebook")}


def test_pages_come_before_the_form_under_the_same_anonymous_id() -> None:
    for story in PEOPLE:
        assert story.sendings[0].path == "/v1/page"
        assert msgspec.json.decode(story.sendings[0].body)["anonymousId"] == forms(story)[0]["anonymous_id"][0]


def test_the_special_cases_are_among_them() -> None:
    told = {story.what for story in PEOPLE}
    assert any("robot" in what for what in told)
    assert any("disposable" in what for what in told)
    assert any("40 days ago" in what for what in told)
    assert any("refused" in what for what in told)
    twice = [story for story in PEOPLE if len(forms(story)) == 2]
    assert len(twice) == 8
    assert all(first["messageId"] == second["messageId"] for first, second in map(forms, twice))


def test_each_request_of_a_story_comes_after_the_one_before() -> None:
    for story in PEOPLE:
        moments = [sending.after_seconds for sending in story.sendings]
        assert moments == sorted(moments)
