"""People of whom little more is known than a phone number, and what they call themselves: never one when names disagree, whatever comes first."""

from __future__ import annotations

import random
from itertools import permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import intake
from services.enrich.domain.agreement import disagree
from services.enrich.domain.limits import LIMITS, faces
from shared.stage import Input
from tests.unit.enrich import reference
from tests.unit.enrich.memory import Memory, event, record
from tests.unit.enrich.rebuilding import Arrival, Rebuilding, played, tables

PHONE = "+4930901820"
_NAMES = (("Ada", "Lovelace"), ("A.", "Lovelace"), ("Ben", "Smith"), ("Eve", "Jones"), ("Ada", "Smith"))
_seeds = st.integers(0, 2**32 - 1)


def callers(seed: int) -> list[dict[str, Any]]:
    """Up to sixteen events of a few people on two numbers, who mostly name nothing else."""
    chance = random.Random(seed)
    story = []
    for number in range(chance.randint(2, 16)):
        traits: dict[str, Any] = {}
        fields: dict[str, Any] = {"property": chance.choice(("shop", "shop", "blog"))}
        given_name, family = chance.choice(_NAMES)
        if chance.random() < 0.75:
            traits |= {"first_name": given_name, "last_name": family}
        if chance.random() < 0.85:
            traits["phone"] = chance.choice((PHONE, PHONE, "+4915112345678"))
        if chance.random() < 0.2 or "phone" not in traits:
            traits["email"] = chance.choice(("ada@acme.example", "ben@acme.example"))
        if chance.random() < 0.15:
            fields["user_id"] = chance.choice(("u1", "u2"))
        if chance.random() < 0.3:
            fields["anonymous_id"] = chance.choice(("c1", "c2"))
        if chance.random() < 0.15:
            traits, fields = {}, {"property": "shop", "kind": "page", "anonymous_id": chance.choice(("c1", "c2"))}
        story.append(event(f"e{number}", at=60 * chance.randrange(12), traits=traits, **fields))
    return story


def shuffled(seed: int, story: list[dict[str, Any]]) -> tuple[list[Arrival], list[int]]:
    chance = random.Random(seed)
    again = [chance.choice(story) for _ in range(chance.randrange(3))]
    coming = chance.sample(story + again, len(story + again))
    arrivals = [(said, 1_795_000_000_000 + at) for at, said in enumerate(coming)]
    return arrivals, [chance.randint(1, 4) for _ in range(chance.randrange(8))]


@settings(max_examples=400, deadline=None)
@given(history=_seeds, order=_seeds)
def test_whoever_calls_is_whom_number_and_name_say_in_any_order_and_again_from_the_topic(
    history: int, order: int
) -> None:
    story = callers(history)
    arrivals, sizes = shuffled(order, story)
    memory = Memory()
    played(memory, arrivals, sizes)

    happened = [read.event for said in story if isinstance(read := intake.decode(record(said)), Input)]
    assert memory.people() == reference.people(happened)
    assert {group: reference.said(state) for group, state in memory.states().items()} == reference.known(happened)
    _nobody_who_names_a_number_alone_is_one_with_the_first_under_another_name(memory)

    after = Rebuilding(memory)
    chance = random.Random(order + 1)
    played(after, chance.sample(arrivals, len(arrivals)), sizes)
    assert [f"{sent.type} {sent.key}" for sent in after.sent] == []
    assert tables(after) == tables(memory)


def _nobody_who_names_a_number_alone_is_one_with_the_first_under_another_name(memory: Memory) -> None:
    alone = [one for one in memory.activities.values() if one.happened.strong is None and one.happened.called]
    alone = sorted((one for one in alone if one.happened.phone), key=lambda one: one.happened.rank)
    for one in alone:
        first = next(other for other in alone if other.happened.phone == one.happened.phone)
        if disagree(first.happened.called, one.happened.called):
            assert first.lead_id != one.lead_id


def test_two_who_name_nothing_but_one_number_are_two_when_their_names_disagree_whatever_comes_first() -> None:
    said = [_call("e1", "Ada", at=0), _call("e2", "Ben", at=1), _call("e3", "A.", at=2)]
    said.append(event("e4", traits={"phone": PHONE}, at=3))
    for order in permutations(said):
        memory = Memory()
        for one in order:
            memory.batch([one])
        assert memory.lead_of("e1") == memory.lead_of("e3") == memory.lead_of("e4") != memory.lead_of("e2")
        (question,) = memory.reviews.values()
        assert question.rule == "names"
    assert memory.ask("review", id=question.review_id, accept=True) is None
    assert len({memory.lead_of(f"e{one}") for one in (1, 2, 3, 4)}) == 1
    assert memory.reviews == {}


def test_a_lead_stays_with_the_name_that_made_it_when_somebody_else_turns_out_to_have_had_the_number_before() -> None:
    memory = Memory()
    memory.batch([_call("e1", "Ada", at=10)])
    ada = memory.lead_of("e1")
    memory.batch([event("e2", traits={"phone": PHONE}, at=20)])
    memory.batch([_call("e0", "Ben", at=0)])
    assert memory.lead_of("e1") == ada != memory.lead_of("e0")
    # Who says no name is the first one's on that number.
    assert memory.lead_of("e2") == memory.lead_of("e0")


def test_whoever_says_the_name_of_an_addresss_person_is_that_person_and_another_on_the_same_number_is_not() -> None:
    memory = Memory()
    memory.batch([event("e1", email="ada@acme.example", traits={**_called("Ada"), "phone": PHONE})])
    memory.batch([_call("e2", "A.", at=1), _call("e3", "Ben", at=2)])
    assert memory.lead_of("e1") == memory.lead_of("e2") != memory.lead_of("e3")


def test_a_number_under_ever_new_names_joins_no_more_than_the_limit_lets_it() -> None:
    memory = Memory()
    for one in range(LIMITS.names + 5):
        memory.batch([_call(f"e{one}", "Ada", "Lovelace" + "x" * one, at=one)])
    assert len(faces(memory.identifiers[f"phone\x1f{PHONE}"])) == LIMITS.names
    assert {one.rule for one in memory.reviews.values()} == {"limit"}


def _call(event_id: str, given_name: str, family: str = "Lovelace", *, at: float) -> dict[str, Any]:
    return event(event_id, traits={**_called(given_name, family), "phone": PHONE}, at=at)


def _called(given_name: str, family: str = "Lovelace") -> dict[str, str]:
    return {"first_name": given_name, "last_name": family}
