"""A person's story in words: printed as a marketer reads it, whole on wide and narrow screens, whatever is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console import screen
from services.console.commands.lead import print_lead
from services.console.domain import words
from services.console.domain.story import called, questions, story
from services.enrich.domain import tables
from services.route.domain.lifecycle import State
from tests.unit.console import people

GOLDEN = Path(__file__).parents[2] / "golden" / "lead_show.txt"


def printed(found: dict[str, Any], capsys: pytest.CaptureFixture[str], *, width: int) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(screen.out, "_width", width)
        print_lead(found)
    return "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines()) + "\n"


def test_a_persons_story_is_printed_word_for_word_like_this(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(people.jo(), capsys, width=88) == GOLDEN.read_text()


@pytest.mark.parametrize("width", [30, 44, 60, 200])
def test_no_line_is_wider_than_the_screen_and_no_word_is_lost(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(people.jo(), capsys, width=width)
    assert max(map(len, out.splitlines())) <= width
    said = "".join("".join(sentence.split()) for section in story(people.jo()) for _, sentence in section.lines)
    letters = iter("".join(one for one in out if not one.isspace()))
    assert all(one in letters for one in said if one.isalnum())


def lines(found: dict[str, Any], title: str) -> list[tuple[str, str]]:
    return [line for section in story(found) if section.title.startswith(title) for line in section.lines]


def test_visits_before_the_form_say_that_the_form_joined_them() -> None:
    (browser,) = [said for about, said in lines(people.jo(), "Why") if about == "browser"]
    assert "2 visits" in browser
    assert "joined when the form “demo” of 3 Nov 2026 10:02 told who it was" in browser


def test_a_browser_without_visits_before_says_since_when_it_is_theirs() -> None:
    (known,) = people.jo()["browsers"]
    found = people.jo(browsers=[{**known, "before": 0, "since": 0}])
    (browser,) = [said for about, said in lines(found, "Why") if about == "browser"]
    assert browser == "the browser 3f1c9a52... is theirs since the form “demo” of 3 Nov 2026 10:02"


def test_somebody_of_whom_nothing_is_known_but_a_browser_has_a_story_too(capsys: pytest.CaptureFixture[str]) -> None:
    nobody = {"lead_id": "ld_x", "made_at": "2026-11-02T09:00:00Z", "profile": {}, "activities": []}
    out = printed({**nobody, "score": None, "handovers": [], "ways": []}, capsys, width=80)
    assert out.startswith("Somebody without a name\n")
    assert "Score has not heard of it yet." in out
    assert "It was not handed over." in out


def test_a_question_says_who_the_two_are_and_why_they_did_not_join() -> None:
    sides = [
        {"identifier": people.PHONE, "lead": None},
        {"identifier": people.EMAIL, "lead": people.jo()},
    ]
    review = {"id": "r1", "rule": "names", "at": "2026-11-05T15:30:00Z", "sides": sides}
    ((id_, said),) = questions([review])
    assert id_ == "r1"
    assert said == (
        "Is +442079460018 the same person as jo@northbridge.example (Jo Fields, Head of Sales at Northbridge)? "
        "Since 5 Nov 2026 15:30: one form named both, but the names differ"
    )


def test_every_channel_and_every_state_of_a_handover_has_words() -> None:
    channels = {cells[1] for cells in tables.rows(tables.DATA / "channels.tsv") if cells[0] == "rule"}
    assert [one for one in sorted(channels) if words.channel(one) == one] == []
    assert [one for one in State if one not in words._STATES] == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), _JSON, max_size=4), st.text(max_size=60), st.text(max_size=30))
def test_whatever_people_typed_is_told_and_breaks_nothing(custom: dict[str, Any], url: str, at: str) -> None:
    profile = {**people.jo()["profile"], "custom": custom}
    touch = {"at": at, "channel": at, "landing_page": url, "referrer": url}
    told = story(people.jo(profile=profile, first_touch=touch))
    assert {about for about, _ in told[0].lines} >= set(custom)
    assert called({"profile": {"name": {"full": url}}}) == (url or "Somebody without a name")
