"""The picture of a handover's states says what the table says, and the README has it."""

from __future__ import annotations

import pytest

from services.route.domain.lifecycle import State
from services.route.generate.__main__ import README
from services.route.generate.picture import END, drawn, picture, readme, steps


def test_following_the_arrows_gives_exactly_the_steps_of_the_table() -> None:
    reached = set(drawn())
    while more := {(a, d) for a, b in reached for c, d in reached if b is c} - reached:
        reached |= more
    assert reached == steps()
    assert len(drawn()) < len(steps()) / 2


def test_every_state_is_in_the_picture() -> None:
    assert all(state.value in picture() for state in State)


def test_the_readme_has_the_current_picture() -> None:
    text = README.read_text("utf-8")
    assert readme(text) == text
    with pytest.raises(ValueError, match="put them back"):
        readme(text.replace(END, ""))
