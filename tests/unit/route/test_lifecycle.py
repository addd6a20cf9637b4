"""The table of a handover's states: every pair of state and outcome has its answer."""

from __future__ import annotations

import pytest

from services.route.domain.lifecycle import NEXT, OPEN, OUTCOMES, TAKEN_BACK, State, judge

# What each outcome comes to, by the state it meets: a = applied, r = repeat, l = late, i = impossible.
WORDS = ("accepted", "contacted", "meeting", "opportunity", "won", "lost", "rejected", "recycled")
ANSWERS = {
    State.OFFERED: "aaaaaaaa",
    State.ACCEPTED: "raaaaaaa",
    State.CONTACTED: "lraaaaaa",
    State.MEETING: "llraaaia",
    State.OPPORTUNITY: "lllraaia",
    State.WON: "iiiiriii",
    State.LOST: "iiiiirii",
    State.REJECTED: "iiiiiiri",
    State.RECYCLED: "iiiiiiir",
    State.EXPIRED: "llllllll",
    State.WITHDRAWN: "iiiiiiii",
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("outcome", WORDS)
def test_every_pair_of_state_and_outcome_has_its_answer(state: State, outcome: str) -> None:
    verdict, after = judge(state, outcome)
    assert verdict.value[0] == ANSWERS[state][WORDS.index(outcome)]
    assert after is (OUTCOMES[outcome] if verdict == "applied" else state)


def test_the_words_are_all_there_are_and_only_open_states_go_on() -> None:
    assert set(WORDS) == set(OUTCOMES)
    assert set(NEXT) == set(ANSWERS) == set(State)
    assert frozenset(state for state in State if "a" in ANSWERS[state]) == OPEN
    assert all(set(before) <= OPEN for before in TAKEN_BACK.values())
