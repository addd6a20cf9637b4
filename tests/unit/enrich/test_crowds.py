"""Bursts, double clicks and operators' words over any order of arrival: the same verdicts, readers of the topic know the same, and a
store that was lost has them again."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import intake, profile
from services.enrich.domain.world import Command, Happened, Human
from shared.stage import Input
from tests.unit.enrich import reference
from tests.unit.enrich.memory import MONDAY, Memory, event, record
from tests.unit.enrich.rebuilding import Rebuilding, tables


def hurries(chance: random.Random) -> list[dict[str, Any]]:
    """Some events of half a minute: of two cookies and two people, who click twice and now and then faster than hands can."""
    story = []
    rush = chance.random() < 0.6
    for number in range(chance.randint(2, 26)):
        fields: dict[str, Any] = {"kind": chance.choice(["page", "page", "form", "form", "track", "identify"])}
        traits: dict[str, Any] = {}
        if chance.random() < 0.7:
            fields["anonymous_id"] = chance.choice(["c1", "c1", "c2"])
        if chance.random() < 0.5 or "anonymous_id" not in fields:
            traits["email"] = chance.choice(["ada@acme.example", "ada@acme.example", "ben@acme.example"])
        if chance.random() < 0.2:
            fields["user_id"] = "u1"
        if chance.random() < 0.2:
            fields["context"] = {"campaign": {"source": "google", "medium": "cpc"}}
        if chance.random() < 0.1:
            fields["consent"] = {"purposes": {"news": chance.random() < 0.5}}
        ms = chance.randrange(1100) if rush and chance.random() < 0.8 else chance.randrange(30_000)
        story.append(event(f"e{number}", at=timedelta(milliseconds=ms), traits=traits, **fields))
    return story


def happened_in(story: list[dict[str, Any]]) -> dict[str, Happened]:
    read = [intake.decode(record(said)) for said in story]
    return {one.event_id: one.event for one in read if isinstance(one, Input)}


def words(chance: random.Random, event_ids: list[str]) -> list[Command]:
    """What an operator says about some of them, also twice."""
    return [
        Command(f"c{number}", MONDAY + timedelta(minutes=chance.randrange(3)), None, "kim", Human(chance.choice(event_ids), chance.choice([0.0, 1.0, 0.4])))
        for number in range(chance.choice([0, 0, 1, 3]))
    ]  # fmt: skip


def last_words(commands: list[Command]) -> dict[str, float]:
    ordered = sorted(commands, key=lambda one: (one.at, one.command_id))
    return {one.asked.event_id: one.asked.human for one in ordered if isinstance(one.asked, Human)}


def played(memory: Memory, mixed: list[Any], chance: random.Random) -> None:
    """Events and commands in this order, events in batches of any size."""
    batch: list[Any] = []
    for one in mixed:
        if isinstance(one, Command) or (batch and chance.random() < 0.3):
            memory.arrive(batch)
            batch = []
        if isinstance(one, Command):
            memory.command(one)
        else:
            batch.append(one)
    memory.arrive(batch)


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_any_order_ends_in_the_same_verdicts_and_readers_know_them(chance: random.Random) -> None:
    story = hurries(chance)
    happened = happened_in(story)
    commands = words(chance, list(happened))
    arrivals = [(said, 1_795_000_000_000 + at) for at, said in enumerate(story)]
    mixed: list[Any] = [*arrivals, *commands, *(chance.choice(arrivals) for _ in range(2))]
    chance.shuffle(mixed)
    memory = Memory()
    played(memory, mixed, chance)

    judged = reference.judged(happened.values(), last_words(commands))
    people = reference.people(happened.values())
    assert memory.people() == people
    for event_id, kept in memory.activities.items():
        expected = judged[event_id]
        assert (kept.shown, kept.repeat) == (expected.shown, expected.repeat), event_id
    for events, state in memory.states().items():
        assert state == profile.fold((judged[event_id] for event_id in events), state.users, state.externals)

    groups, profiles = memory.heard()
    assert groups == reference.heard(people, judged)
    states = memory.states(judged)
    for group, (shown, first, last) in profiles.items():
        state = states[group]
        assert shown == profile.of(state)
        assert (first, last) == (state.first and state.first.touch, state.last and state.last.touch)
    assert last_told(memory) == {
        event_id: judged[event_id].shown for group in reference.heard(people, judged) for event_id in group
    }


def last_told(memory: Memory) -> dict[str, float]:
    """How human each activity is by its highest revision on the topic, of those that were not withdrawn; revisions only grow."""
    latest: dict[str, tuple[int, bool, float]] = {}
    ended = set()
    for sent in memory.sent:
        data: Any = sent.data
        if sent.type == "lead.enriched":
            one = data.activity
            known = latest.get(one.id, (0, False, 0.0))
            assert one.revision >= known[0]
            if one.revision > known[0] or known[1]:
                latest[one.id] = one.revision, bool(one.withdrawn), one.human
            ended.add(one.id)
        elif sent.type == "lead.noted":
            ended.add(data.activity_id)
    assert ended == memory.activities.keys(), "each event has its end"
    return {event_id: human for event_id, (_, withdrawn, human) in latest.items() if not withdrawn}


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_lost_store_has_its_verdicts_again_and_tells_nothing(chance: random.Random) -> None:
    story = hurries(chance)
    commands = words(chance, list(happened_in(story)))
    arrivals = [(said, 1_795_000_000_000 + at) for at, said in enumerate(story)]
    mixed: list[Any] = [*arrivals, *commands]
    before = Memory()
    played(before, chance.sample(mixed, len(mixed)), chance)

    after = Rebuilding(before)
    played(after, chance.sample(mixed, len(mixed)), chance)
    after.end()

    assert [f"{sent.type} {sent.key}" for sent in after.sent] == []
    assert after.rulings == before.rulings
    assert tables(after) == tables(before)
