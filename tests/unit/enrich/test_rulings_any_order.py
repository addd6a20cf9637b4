"""Rulings among events, in any order: the same people and profiles; and nobody with two strong ids of a kind unless an operator said so."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import intake, judge, profile
from services.enrich.domain.binding import JOIN, PART
from services.enrich.domain.judgement import Judgement, Pair
from services.enrich.domain.world import NotLoaded
from shared.stage import Input
from tests.unit.enrich import reference
from tests.unit.enrich.households import household
from tests.unit.enrich.memory import MONDAY, SECRET, Memory, event, record

_seeds = st.integers(0, 2**32 - 1)


def judgements(chance: random.Random, story: list[dict[str, Any]]) -> list[Judgement]:
    """Up to four rulings about some of the identifiers of a story, also of one moment and about the same."""
    read = [intake.decode(record(one)) for one in story]
    names = sorted({name for one in read if isinstance(one, Input) for name in one.event.persons})
    said = []
    for number in range(chance.randint(1, 4) if len(names) > 1 else 0):
        command_id = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
        to = chance.choice((JOIN, JOIN, PART))
        pairs = []
        for _ in range(chance.randint(1, 3)):
            one, other = chance.sample(names, 2)
            pairs.append(Pair(one, other, to))
        said.append(Judgement(command_id, MONDAY + timedelta(days=chance.randint(0, 3)), tuple(pairs)))
    return said


class Ruled(Memory):
    """A store that is told rulings as they were judged, whatever it knows of whom they are about."""

    def rule(self, judgement: Judgement) -> None:
        self.clock += self.tick_ms
        input_ = Input(judgement.command_id, None, MONDAY + timedelta(days=100), 0)
        names = {name for pair in judgement.pairs for name in (pair.one, pair.other)}
        world: dict[Any, Any] = {}
        self._fetch(world, NotLoaded(names=frozenset(names)))
        while True:
            try:
                decision = judge.carried_out(world, input_, judgement, secret=SECRET)
                break
            except NotLoaded as lack:
                self._fetch(world, lack)
        self.sent += decision.emit
        self.decided_at += [input_.now] * len(decision.emit)
        self.save(decision.changes)

    def told(self, arrivals: list[Any], sizes: list[int]) -> None:
        waiting: list[dict[str, Any]] = []
        for place, one in enumerate(arrivals):
            if isinstance(one, Judgement):
                self.batch(waiting)
                waiting = []
                self.rule(one)
            else:
                waiting.append(one)
                if len(waiting) >= sizes[place % len(sizes)]:
                    self.batch(waiting)
                    waiting = []
        self.batch(waiting)


@settings(max_examples=200, deadline=None)
@given(history=_seeds, order=_seeds, size=st.sampled_from([16, 8, 5, 3]))
def test_events_and_rulings_in_any_order_give_the_same_people_profiles_and_questions(
    history: int, order: int, size: int
) -> None:
    chance = random.Random(order)
    story = household(history, size)
    said = judgements(random.Random(history), story)
    plainly = Ruled()
    plainly.told([*story, *said], [len(story)])
    memory = Ruled(tick_ms=order % 2 * 1000)
    coming = [*story, *said]
    coming += chance.choices(coming, k=chance.randint(0, 3))
    chance.shuffle(coming)
    memory.told(coming, [chance.randint(1, 4), chance.randint(1, 4)])

    assert memory.people() == plainly.people()
    assert memory.states() == plainly.states()
    assert memory.reviews == plainly.reviews
    ties = {name: row.ties for name, row in memory.identifiers.items() if hasattr(row, "ties")}
    assert ties == {name: row.ties for name, row in plainly.identifiers.items() if hasattr(row, "ties")}
    groups, profiles = memory.heard()
    assert groups == reference.heard(memory.people(), memory.activities)
    for events, state in memory.states(memory.activities).items():
        assert profiles[events][0] == profile.of(state)
    for row in memory.identifiers.values():
        assert row.lead_id is None or memory.leads[row.lead_id].absorbed_into is None


@settings(max_examples=150, deadline=None)
@given(history=_seeds, size=st.sampled_from([16, 8, 5, 3]))
def test_what_was_merged_and_split_again_is_as_if_it_had_never_been_merged(history: int, size: int) -> None:
    story, later = household(history, size), household(history, 2 * size)[size:]
    never, memory = Memory(), Memory()
    ada, ben = event("ada", email="ada.li@gmail.com"), event("ben", email="info@acme.example")
    for each in (never, memory):
        each.batch([ada, ben, *story])
    two = [memory.lead_of("ada"), memory.lead_of("ben")]
    assert memory.ask("merge", lead_ids=two) is None
    assert len(memory.people()) < len(never.people())
    between = history % (len(later) + 1)
    for each in (never, memory):
        each.batch(later[:between])
    gone = {"kind": "email", "value": "info@acme.example"}
    assert memory.ask("split", lead_id=two[0], identifiers=[gone], at=20_000) is None

    assert memory.people() == never.people()
    assert memory.states() == never.states()
    assert [memory.lead_of("ada"), memory.lead_of("ben")] == two
    groups, profiles = memory.heard()
    assert groups == reference.heard(never.people(), never.activities)
    for events, state in never.states(never.activities).items():
        assert profiles[events][0] == profile.of(state)
