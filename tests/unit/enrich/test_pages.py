"""Where a page of a list begins, as somebody says it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.enrich.api.answers import LAST, place, placed
from shared.problem import Problem

FIRST = LAST, "z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "2026-11-27~e1",
        "2026-11-27T00:00:00+00:00~",
        "0001-01-01T00:00:00+14:00~e1",
        "9999-12-31T23:00:00-14:00~e1",
    ],
)
def test_what_is_no_place_of_ours_is_said_to_be_none(text: str) -> None:
    with pytest.raises(Problem):
        placed(text, first=FIRST)


def test_a_place_that_was_given_is_found_again() -> None:
    at = datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert placed(place(at, "e1"), first=FIRST) == (at, "e1")
    assert placed(place(at, "e1").replace("+", " "), first=FIRST) == (at, "e1")
    assert placed(None, first=FIRST) == FIRST
