"""What is answered about any earlier moment is what the path that serves traffic said in it, whatever came later; and whoever has the answer alone comes to
the same total."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from services.score.domain.account import account
from services.score.domain.answer import answer
from services.score.domain.inforce import InForce
from services.score.domain.known import Known
from services.score.domain.lead import decided
from shared.contracts import Scored
from tests.unit.score.builders import NOON, Desk, ruleset
from tests.unit.score.outsider import recomputed
from tests.unit.score.rulesets import texts
from tests.unit.score.stories import LEADS, happening
from tests.unit.score.test_clock import let_time_pass
from tests.unit.score.test_fold_and_tally_agree import say_the_same

_PHASES = (
    Phase.explicit,
    Phase.reuse,
    Phase.generate,
)  # a document that is made shorter tells another story: no shrinking
_STEPS = (timedelta(), timedelta(minutes=1), timedelta(hours=5), timedelta(days=2), timedelta(days=30))


def live_is_what_was_known(in_force: InForce, chance: random.Random, records: int) -> None:
    """Tells a desk a random story, looking at each step whether the answer about now is what it says, and at the end whether what is known of
    each moment is what was known in it: from that the answer is made, and from nothing else."""
    desk = Desk(in_force)
    said: dict[tuple[str, int], dict[str, Any]] = {}
    at: dict[tuple[str, datetime], Any] = {}
    now = NOON
    for _ in range(records):
        now += chance.choices(_STEPS, (30, 40, 15, 10, 5))[0]
        for lead_id in list(desk.leads):
            let_time_pass(desk, now, lead_id=lead_id)
        type_, value = happening(chance, now, said)
        scored = desk.tell(value, type_=type_, now=now)
        lead_id = value[{"lead.merged": "absorbed", "lead.split": "restored"}.get(type_, "lead_id")]
        if lead_id in desk.leads:
            known = desk.known(now, lead_id)
            assert known is not None
            assert known.decided == decided(desk.leads[lead_id].state)
            at[lead_id, now] = told_apart(known)
            # What the clock had done is told with a merge too.
            if scored is not None and type_ in ("lead.enriched", "lead.command"):
                check(known, in_force, scored)
    for (lead_id, moment), then in at.items():
        assert told_apart(desk.known(moment, lead_id)) == then
    assert not any(desk.known(NOON - timedelta(milliseconds=1), f"ld_{number}") for number in range(LEADS))


def told_apart(known: Known | None) -> Any:
    """What was known, whatever the order of its parts."""
    assert known is not None
    said = structs.replace(known.profiled, profile_version=0)  # it rises where nothing changes too
    return sorted(known.activities), said, known.decided, sorted(one.event_id for one in known.reported)


def check(known: Known, in_force: InForce, scored: Scored) -> None:
    told = account(known, in_force)
    say_the_same(scored, told.folded)
    assert (told.grade, told.stage, told.episode, told.segments) == (
        scored.grade,
        scored.stage,
        scored.episode,
        tuple(scored.segments),
    )
    assert told.stage_since == scored.stage_since
    assert told.turn is None or told.turn.at > known.at
    written = answer(known, in_force.ruleset, told)
    assert {name: float(points) for name, points in recomputed(written).items()} == written["score"]


@settings(deadline=None, max_examples=10, phases=_PHASES)
@given(texts(), st.integers(0, 2**32))
def test_any_moment_is_answered_as_it_was(text: str, number: int) -> None:
    in_force, chance = ruleset(text), random.Random(number)
    for _ in range(30):
        live_is_what_was_known(in_force, chance, chance.randint(1, 20))


@pytest.mark.slow
@settings(deadline=None, max_examples=167, phases=_PHASES)
@given(texts(), st.integers(0, 2**32))
def test_any_moment_is_answered_as_it_was_in_5000_stories(text: str, number: int) -> None:
    test_any_moment_is_answered_as_it_was.hypothesis.inner_test(text, number)  # type: ignore[attr-defined]
