"""Consent in a profile: one's own later word replaces the older one, another's yes never undoes a no, whatever the order in which they come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import intake, profile
from services.enrich.domain.world import Facts, Happened, Kept, State
from shared.contracts import Consent, ConsentGiven
from shared.stage import Input
from tests.unit.enrich import reference
from tests.unit.enrich.memory import MONDAY, Memory, event, page, record

ADA, BEN = "ada@acme.example", "ben@acme.example"
NEWS = "marketing_email"


def word(event_id: str, yes: bool, *, at: float = 0, purpose: str = NEWS, **who: Any) -> dict[str, Any]:
    return event(event_id, at=at, consent={"purposes": {purpose: yes}, "text": f"News? ({event_id})"}, **who)


def visit(event_id: str, yes: bool, cookie: str, *, at: float = 0) -> dict[str, Any]:
    return page(event_id, cookie, at=at, consent={"purposes": {NEWS: yes}, "text": f"News? ({event_id})"})


def told(*batch: dict[str, Any]) -> Memory:
    memory = Memory()
    assert not memory.batch(batch)
    return memory


def merged(memory: Memory, one: str, other: str, *, at: float = 10_000) -> str:
    """The leads of two events are one from now on."""
    assert memory.ask("merge", lead_ids=[memory.lead_of(one), memory.lead_of(other)], at=at) is None
    assert memory.lead_of(one) == memory.lead_of(other)
    return memory.lead_of(one)


def agreed(memory: Memory, event_id: str) -> Consent | None:
    """What counts of the news in the lead that this event is of."""
    return (profile.of(memory.leads[memory.lead_of(event_id)].state).consent or {}).get(NEWS)


def said(event_id: str, yes: bool, at: float) -> Consent:
    return Consent(given=yes, at=MONDAY + timedelta(minutes=at), text=f"News? ({event_id})")


def test_a_later_consent_of_the_same_address_replaces_an_older_withdrawal() -> None:
    memory = told(word("no", False, at=1, email=ADA), word("yes", True, at=2, email=ADA))
    assert agreed(memory, "no") == said("yes", True, 2)


def test_a_withdrawal_wins_over_an_older_consent_that_comes_after_it() -> None:
    memory = told(word("no", False, at=2, email=ADA), word("yes", True, at=1, email=ADA))
    assert agreed(memory, "no") == said("no", False, 2)


@pytest.mark.parametrize("yes", ["a", "z"])
def test_a_withdrawal_wins_over_a_consent_of_the_same_instant(yes: str) -> None:
    memory = told(word(yes, True, email=ADA), word("m", False, email=ADA))
    assert agreed(memory, "m") == said("m", False, 0)


def test_consent_is_shown_with_its_text_version_basis_and_time() -> None:
    given_ = {"purposes": {NEWS: True}, "text": "Write to me", "version": "3", "basis": "consent"}
    memory = told(event("e", at=5, email=ADA, consent=given_))
    at = MONDAY + timedelta(minutes=5)
    assert agreed(memory, "e") == Consent(given=True, at=at, text="Write to me", version="3", basis="consent")


def test_a_merge_takes_the_strictest_though_the_other_consented_later() -> None:
    memory = told(word("no", False, at=1, email=ADA), word("yes", True, at=2, email=BEN))
    merged(memory, "no", "yes")
    assert agreed(memory, "yes") == said("no", False, 1)


def test_after_a_merge_only_who_withdrew_can_consent_anew() -> None:
    memory = told(word("no", False, at=1, email=ADA), word("yes", True, at=2, email=BEN))
    merged(memory, "no", "yes")
    memory.batch([word("again", True, at=3, email=BEN)])
    assert agreed(memory, "yes") == said("no", False, 1)
    memory.batch([word("anew", True, at=2.5, email=ADA)])
    assert agreed(memory, "yes") == said("again", True, 3)


def test_of_two_who_withdrew_the_later_is_shown() -> None:
    memory = told(word("no", False, at=1, email=ADA), word("never", False, at=2, email=BEN))
    merged(memory, "no", "never")
    assert agreed(memory, "no") == said("never", False, 2)


def test_purposes_are_told_apart() -> None:
    memory = told(word("no", False, at=1, email=ADA), word("calls", True, at=2, email=BEN, purpose="calls"))
    lead = merged(memory, "no", "calls")
    shown = profile.of(memory.leads[lead].state).consent
    assert shown is not None
    assert {purpose: one.given for purpose, one in shown.items()} == {NEWS: False, "calls": True}


def test_a_split_gives_each_their_own_back() -> None:
    memory = told(word("no", False, at=1, email=ADA), word("yes", True, at=2, email=BEN))
    lead = merged(memory, "no", "yes")
    left = {"kind": "email", "value": BEN}
    assert memory.ask("split", lead_id=lead, identifiers=[left], at=10_001) is None
    assert (agreed(memory, "no"), agreed(memory, "yes")) == (said("no", False, 1), said("yes", True, 2))


def test_a_withdrawal_that_is_taken_off_a_lead_counts_no_more_there() -> None:
    memory = told(word("yes", True, at=1, email=ADA), word("no", False, at=2, email=ADA))
    no = next(id_ for id_, kept in memory.activities.items() if kept.happened.at > MONDAY + timedelta(minutes=1))
    assert memory.ask("split", lead_id=memory.lead_of("no"), event_ids=[no]) is None
    assert (agreed(memory, "yes"), agreed(memory, "no")) == (said("yes", True, 1), said("no", False, 2))


def test_what_a_visitor_says_counts_for_whoever_it_turns_out_to_be_until_they_say_something_later() -> None:
    memory = told(
        visit("no", False, "c1", at=1), word("other", True, at=2, email=ADA, anonymous_id="c1", purpose="calls")
    )
    assert agreed(memory, "other") == said("no", False, 1)
    memory.batch([word("yes", True, at=3, email=ADA)])
    assert agreed(memory, "other") == said("yes", True, 3)
    memory.batch([visit("again", False, "c1", at=4)])
    assert agreed(memory, "other") == said("again", False, 4)


def test_a_word_counts_for_each_identifier_that_its_event_names() -> None:
    memory = told(word("no", False, at=1, user_id="1"), word("yes", True, at=2, user_id="1", email=ADA))
    assert memory.lead_of("no") == memory.lead_of("yes")
    assert agreed(memory, "yes") == said("yes", True, 2)


def _old(event_id: str, yes: bool, at: float) -> State:
    """A state as it was kept while consent was by purpose alone."""
    claim = [event_id, msgspec.to_builtins(said(event_id, yes, at))]
    return msgspec.json.decode(msgspec.json.encode({"consents": {NEWS: claim}}), type=State)


def _then(state: State, *words: dict[str, Any]) -> Consent:
    for one in _read(list(words)):
        state = profile.add(state, Kept(one), {})
    return (profile.of(_kept(state)).consent or {})[NEWS]


def _kept(state: State) -> State:
    """As it is read again after it was saved."""
    return msgspec.json.decode(msgspec.json.encode(state), type=State)


def test_a_word_that_was_kept_by_purpose_alone_counts_until_anybody_says_something_later() -> None:
    assert _then(_old("old", False, 2)) == said("old", False, 2)
    assert _then(_old("old", False, 2), word("yes", True, at=3, email=ADA)) == said("yes", True, 3)
    assert _then(_old("old", True, 2), word("no", False, at=3, email=ADA)) == said("no", False, 3)


def test_a_word_that_was_kept_by_purpose_alone_counts_before_older_ones_that_come_late() -> None:
    assert _then(_old("old", False, 2), word("yes", True, at=1, email=ADA)) == said("old", False, 2)
    assert _then(_old("old", True, 2), word("no", False, at=1, email=ADA)) == said("old", True, 2)


def test_an_event_without_consent_leaves_what_was_said_as_it_is() -> None:
    state = _old("old", True, 2)
    [happened] = _read([event("e", email=ADA)])
    assert profile.add(state, Kept(happened), {}).consents is state.consents


def _read(events: list[dict[str, Any]]) -> list[Happened]:
    read = [intake.decode(record(one)) for one in events]
    return [one.event for one in read if isinstance(one, Input)]


@st.composite
def stories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Words of two people and of visitors on two browsers, many of one instant."""
    found = []
    for number in range(draw(st.integers(1, 8))):
        about: dict[str, Any] = draw(
            st.sampled_from([{"email": ADA}, {"email": BEN}, {"user_id": "1"}, {"user_id": "1", "email": ADA}, {}])
        )
        cookie = draw(st.sampled_from(["c1", "c2"] if not about else ["c1", "c2", None]))
        about = {**about, "anonymous_id": cookie} if cookie is not None else about
        purpose = draw(st.sampled_from([NEWS, NEWS, "calls"]))
        found.append(word(f"e{number}", draw(st.booleans()), at=draw(st.integers(0, 3)), purpose=purpose, **about))
    return found


@settings(max_examples=100, deadline=None)
@given(stories(), st.data())
def test_any_order_and_any_repetition_give_what_the_reference_says(
    story: list[dict[str, Any]], data: st.DataObject
) -> None:
    coming = data.draw(st.permutations(story + data.draw(st.lists(st.sampled_from(story), max_size=3))))
    memory, merge_at = Memory(), data.draw(st.integers(0, len(coming)))
    for place in range(len(coming) + 1):
        leads = sorted({lead for kept in memory.activities.values() if (lead := kept.lead_id) is not None})
        if place == merge_at and len(leads) > 1:
            assert memory.ask("merge", lead_ids=leads[:2]) is None
        memory.batch(coming[place : place + 1])
    known = reference.known(_read(story), memory.judgements.values())
    assert {group: reference.said(state) for group, state in memory.states().items()} == known


def words(*who: str) -> st.SearchStrategy[list[Kept]]:
    """Words of these addresses, many of one instant."""

    def kept(said_: list[tuple[str, int, dict[str, bool]]]) -> list[Kept]:
        return [
            Kept(
                Happened(
                    f"{name} {place % 3} {place}",
                    MONDAY + timedelta(minutes=at),
                    Facts("contact", "form", "shop", consent=ConsentGiven(purposes, text=str(place))),
                    email=name,
                )
            )
            for place, (name, at, purposes) in enumerate(said_)
        ]

    purposes = st.dictionaries(st.sampled_from([NEWS, "calls"]), st.booleans())
    return st.lists(st.tuples(st.sampled_from(who), st.integers(0, 3), purposes), max_size=8).map(kept)


def _shown(events: list[Kept]) -> dict[str, Consent]:
    return profile.of(profile.fold(events, {})).consent or {}


@given(words(ADA, BEN, "cleo@acme.example"), st.randoms(use_true_random=False))
def test_adding_one_by_one_in_any_order_equals_folding(events: list[Kept], chance: Any) -> None:
    state = State()
    for one in chance.sample(events, k=len(events)):
        before = _kept(state)
        state, earlier = profile.add(state, one, {}), state
        assert earlier == before, "what was known before is changed"
    assert state == profile.fold(events, {})


@given(words(ADA))
def test_of_one_address_the_latest_word_counts_and_no_at_the_same_time(events: list[Kept]) -> None:
    for purpose, consent in _shown(events).items():
        said_ = [
            (one.happened.at, one.happened.facts.consent.purposes[purpose])
            for one in events
            if one.happened.facts.consent is not None and purpose in one.happened.facts.consent.purposes
        ]
        last = max(at for at, _ in said_)
        assert (consent.at, consent.given) == (last, (last, False) not in said_)


@given(words(ADA), words(BEN))
def test_two_who_become_one_have_consented_where_both_have(adas: list[Kept], bens: list[Kept]) -> None:
    ada, ben, both = _shown(adas), _shown(bens), _shown([*adas, *bens])
    assert both.keys() == ada.keys() | ben.keys()
    for purpose, consent in both.items():
        theirs = [each[purpose] for each in (ada, ben) if purpose in each]
        assert consent.given == all(one.given for one in theirs)
        assert consent in theirs
        assert consent.at == max(one.at for one in theirs if one.given == consent.given)
