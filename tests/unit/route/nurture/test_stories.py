"""What the shipped document says of stories that were worked out by hand (stories/): each key of it, and what happens when it changes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from msgspec import Struct

from services.route.domain.nurture.telling import Skip
from shared import contracts
from tests.unit.route.nurture.builders import JO, MONDAY, House, shipped

_SPAN = re.compile(r"(-?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


class Story(Struct, forbid_unknown_fields=True, kw_only=True):
    """What happened, in the order of time, and all that was told of it. `moved`: the steps that waited for a morning. `profile`: what differs
    from Jo's, who consents to everything."""

    name: str
    why: str
    does: list[dict[str, Any]]
    until: str
    told: list[str]
    moved: list[str] = []
    profile: dict[str, Any] = {}


STORIES = [
    story
    for path in sorted((Path(__file__).parent / "stories").glob("*.yaml"))
    for story in msgspec.convert(yaml.safe_load(path.read_text()), list[Story])
]


def moment(text: str) -> datetime:
    """An instant of a story."""
    found = _SPAN.fullmatch(text)
    assert found is not None, text
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return MONDAY - span if found[1] else MONDAY + span


def lines(told: list[contracts.Nurture]) -> list[tuple[datetime | None, str]]:
    return [(one.at, f"{one.track}/{one.step} {one.skipped or 'sent'}") for one in told]


def expected(texts: list[str]) -> list[tuple[datetime | None, str]]:
    return [(moment(text.split(" ", 1)[0]), text.split(" ", 1)[1]) for text in texts]


@pytest.mark.parametrize("story", STORIES, ids=[story.name for story in STORIES])
def test_what_is_told_is_what_was_worked_out_by_hand(story: Story) -> None:
    house = House()
    text = shipped()
    profile = {name: value for name, value in {**JO, **story.profile}.items() if value is not None}
    for does in sorted(story.does, key=lambda one: moment(one["at"])):
        given = dict(does)
        at, lead = moment(given.pop("at")), given.pop("lead", "ld_jo")
        if "publish" in given:
            house.passes(at)
            for words, others in given["publish"].items():
                assert words in text
                text = text.replace(words, others)
            house.publish(text)
        elif "outcome" in given:
            house.asks("outcome", lead, at=at, handover_id=f"ho_{lead}_1_1", **given)
        elif "command" in given:
            house.asks(given["command"], lead, at=at, **given["payload"])
        else:
            house.hears(lead, at=at, **{**given, "profile": {**profile, **given.get("profile", {})}})
    house.passes(moment(story.until))
    quiet = [one for one in house.told if one.skipped == Skip.QUIET]
    assert lines([one for one in house.told if one not in quiet]) == expected(story.told)
    assert lines(quiet) == expected(story.moved)


def test_the_stories_meet_every_reason_to_skip() -> None:
    told = {text.split()[-1] for story in STORIES for text in (*story.told, *story.moved)}
    assert told == {*Skip, "sent"}
    assert len({story.name for story in STORIES}) == len(STORIES)
