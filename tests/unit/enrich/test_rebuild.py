"""A store that was lost comes back as it was, whatever order the events come in now, and nobody is told anything again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import intake, profile
from services.enrich.domain.rebuild import recollect
from shared import ids
from shared.outcome import Outgoing
from shared.stage import Input, Record
from tests.unit.enrich import reference
from tests.unit.enrich.memory import SECRET, Memory, event, record
from tests.unit.enrich.rebuilding import Arrival, Rebuilding, played, tables
from tests.unit.enrich.test_any_order import stories


@settings(max_examples=150, deadline=None)
@given(stories(), st.randoms(use_true_random=False))
def test_a_lost_store_comes_back_as_it_was_in_any_order_and_tells_nothing(
    story: list[dict[str, Any]], chance: random.Random
) -> None:
    again = [chance.choice(story) for _ in range(chance.randrange(4))]
    arrivals = [
        (said, 1_795_000_000_000 + at) for at, said in enumerate(chance.sample(story + again, len(story + again)))
    ]
    sizes = [chance.randint(1, 5) for _ in range(chance.randrange(6))]
    before = Memory()
    # Decided in another order than that of the broker's times.
    played(before, chance.sample(arrivals, len(arrivals)), sizes)

    after = Rebuilding(before)
    played(after, chance.sample(arrivals, len(arrivals)), sizes)

    assert [f"{sent.type} {sent.key}" for sent in after.sent] == []
    assert tables(after) == tables(before)


def test_what_is_decided_after_a_rebuild_is_what_would_have_been_decided_without_one() -> None:
    chance = random.Random(7)
    for _ in range(100):
        story = stories_of(chance)
        arrivals = [(said, 1_795_000_000_000 + at) for at, said in enumerate(story)]
        half = len(arrivals) // 2
        before = Memory()
        played(before, chance.sample(arrivals[:half], half), ())
        after = Rebuilding(before)
        played(after, chance.sample(arrivals[:half], half), ())
        after.end()

        told = len(before.sent)
        before.arrive(arrivals[half:])
        after.arrive(arrivals[half:])

        assert [(sent.event_id, sent.key) for sent in after.sent] == [
            (sent.event_id, sent.key) for sent in before.sent[told:]
        ]
        assert tables(after) == tables(before)


@settings(max_examples=150, deadline=None)
@given(stories(), st.randoms(use_true_random=False))
def test_what_the_topic_does_not_tell_of_comes_to_the_right_people_among_what_it_tells(
    story: list[dict[str, Any]], chance: random.Random
) -> None:
    arrivals = [(said, 1_795_000_000_000 + at) for at, said in enumerate(chance.sample(story, len(story)))]
    before = Memory()
    played(before, chance.sample(arrivals, len(arrivals) * 2 // 3), ())
    sizes = [chance.randint(1, 5) for _ in range(chance.randrange(6))]

    after = Rebuilding(before)
    played(after, chance.sample(arrivals, len(arrivals)), sizes)
    after.end()

    happened = [read.event for said, _ in arrivals if isinstance(read := intake.decode(record(said)), Input)]
    expected, judged = reference.people(happened), reference.judged(happened)
    assert after.people() == expected
    for events, state in after.states().items():
        assert state == profile.fold((judged[event_id] for event_id in events), state.users, state.externals)
    listener = Memory()
    listener.sent = before.sent + after.told_anew()
    groups, profiles = listener.heard()
    assert groups == reference.heard(expected, judged)
    for events, (shown, _, _) in profiles.items():
        assert shown == profile.of(after.states(judged)[events])


def test_a_record_that_did_not_count_counts_if_the_one_that_did_never_comes() -> None:
    before = Memory()
    played(before, [(event("e1", email="ada@acme.example"), 1_795_000_000_001)], ())

    after = Rebuilding(before)
    played(after, [(event("e1", email="ada@acme.example"), 1_795_000_000_009)], ())
    assert after.people() == set()
    after.end()

    assert after.people() == before.people()
    assert after.told_anew() == []


def test_a_survivor_whose_own_records_are_deleted_is_a_lead_all_the_same() -> None:
    before, arrivals = merged()
    survivor = ids.lead_id(SECRET, "user\x1fshop\x1fu1")
    _deleted(before, [sent for sent in before.sent if sent.key == survivor])

    after = Rebuilding(before)
    played(after, arrivals, ())
    after.end()

    assert after.people() == {frozenset(ids.submission_id("shop", one) for one in ("e1", "e2", "e3"))}


def stories_of(chance: random.Random) -> list[dict[str, Any]]:
    """Some events of a few people, without hypothesis."""
    story = []
    for number in range(chance.randint(2, 14)):
        fields: dict[str, Any] = {"property": chance.choice(["shop", "shop", "blog"])}
        traits = {}
        if chance.random() < 0.6:
            traits["email"] = chance.choice(["ada@acme.example", "ben@acme.example", "eve@acme.example"])
        if chance.random() < 0.4:
            fields["user_id"] = chance.choice(["u1", "u2"])
        if chance.random() < 0.3:
            traits["phone"] = chance.choice(["+4915112345678", "+4930901820"])
        if chance.random() < 0.4:
            traits |= {"first_name": chance.choice(["Ada", "Ben", "A."]), "last_name": "Lee"}
        if chance.random() < 0.5 or not (traits.keys() & {"email", "phone"} or "user_id" in fields):
            fields["anonymous_id"] = chance.choice(["c1", "c2"])
        story.append(event(f"e{number}", at=60 * 24 * 30 * chance.randrange(6), traits=traits, **fields))
    return story


def test_of_two_records_under_one_id_the_one_that_counted_counts_again() -> None:
    first, second = event("e1", email="ada@acme.example"), event("e1", email="ben@acme.example")
    before = Memory()
    played(before, [(second, 1_795_000_000_005), (first, 1_795_000_000_001)], ())

    after = Rebuilding(before)
    played(after, [(first, 1_795_000_000_001), (second, 1_795_000_000_005)], ())

    assert tables(after) == tables(before)
    assert after.sent == []


def test_of_two_records_under_one_id_within_a_millisecond_the_one_that_counted_counts_again() -> None:
    known = event("e0", email="ada@acme.example", user_id="u1")
    first, second = event("e1", user_id="u1"), event("e1", at=1 / 60, email="ada@acme.example")
    arrivals = [(known, 1_795_000_000_000), (first, 1_795_000_000_005), (second, 1_795_000_000_005)]
    before = Memory()
    # The user's record is decided on before it is known who the user is: a lead that is absorbed as soon as that is.
    played(before, [arrivals[1], arrivals[2], arrivals[0]], (1, 1))

    after = Rebuilding(before)
    played(after, [arrivals[0], arrivals[2], arrivals[1]], (1, 1))

    assert tables(after) == tables(before)
    assert after.told_anew() == []


def test_an_event_that_was_told_under_a_lead_which_is_absorbed_since_is_told_again_under_the_survivor() -> None:
    before, arrivals = merged()
    absorbed = ids.lead_id(SECRET, "email\x1fada@acme.example")
    # The store was lost before what the merge sends again had reached the topic.
    _deleted(before, [sent for sent in before.sent if _sent_again(sent, "e2")])

    after = Rebuilding(before)
    played(after, arrivals, ())

    survivor = ids.lead_id(SECRET, "user\x1fshop\x1fu1")
    assert [sent.key for sent in after.sent] == [survivor]
    assert after.leads[absorbed].absorbed_into == survivor


def merged() -> tuple[Memory, list[Arrival]]:
    """A person known by a user id, one by an address, and an event that makes them one."""
    story = [event("e1", user_id="u1"), event("e2", email="ada@acme.example", at=1)]
    story.append(event("e3", email="ada@acme.example", user_id="u1", at=2))
    arrivals = [(said, 1_795_000_000_000 + at) for at, said in enumerate(story)]
    before = Memory()
    played(before, arrivals, ())
    return before, arrivals


def _deleted(before: Memory, gone: Sequence[Outgoing]) -> None:
    """These records do not stand on the topic."""
    told = [(sent, at) for sent, at in zip(before.sent, before.decided_at, strict=True) if sent not in gone]
    before.sent, before.decided_at = [sent for sent, _ in told], [at for _, at in told]


def _sent_again(sent: Outgoing, event_id: str) -> bool:
    activity: Any = getattr(sent.data, "activity", None)
    return activity is not None and activity.id == ids.submission_id("shop", event_id) and activity.revision > 1


def test_what_is_not_an_event_of_ours_is_not_recollected() -> None:
    for value in (b"", b"{", b"[]", b'{"activity":7}', b"\xff"):
        assert recollect(Record("leads.enriched.v1", 0, 0, 0, None, value, {})) is None
