"""Whatever the order, the batches and the repetitions: the same people, the same profiles, and readers of the topic know the same."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import intake, profile
from services.enrich.domain.world import Happened
from tests.unit.enrich import reference
from tests.unit.enrich.memory import Memory, event

_EMAILS = ["ada@acme.example", "Ben@acme.example", "b.e.n@gmail.com", "ben+news@googlemail.com", "broken@"]
_PHONES = ["+4915112345678", "+4930901820"]


@st.composite
def stories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Up to a dozen events of a few people, who share cookies, phones and user ids as they like."""
    story = []
    for number in range(draw(st.integers(1, 12))):
        traits: dict[str, Any] = {}
        fields: dict[str, Any] = {}
        if draw(st.booleans()):
            fields["anonymous_id"] = draw(st.sampled_from(["c1", "c2"]))
        if draw(st.integers(0, 3)) > 1:
            traits["email"] = draw(st.sampled_from(_EMAILS))
        if draw(st.integers(0, 3)) == 0:
            fields["user_id"] = draw(st.sampled_from(["u1", "u2"]))
        if draw(st.integers(0, 4)) == 0:
            traits["phone"] = draw(st.sampled_from(_PHONES))
        if draw(st.integers(0, 3)) == 0:
            traits["first_name"] = draw(st.sampled_from(["Ada", "Ben", "A."]))
            traits["last_name"] = "Lee"
        if draw(st.integers(0, 4)) == 0:
            traits["salesforce_id"] = draw(st.sampled_from(["0031", "0032"]))
        if draw(st.integers(0, 3)) == 0:
            fields["consent"] = {"purposes": {"marketing_email": draw(st.booleans())}, "text": "News?"}
        if draw(st.integers(0, 2)) == 0:
            fields["context"] = {"campaign": {"source": draw(st.sampled_from(["google", "x"])), "medium": "cpc"}}
        fields["property"] = draw(st.sampled_from(["shop", "shop", "blog"]))
        fields["kind"] = draw(st.sampled_from(["form", "page"]))
        # Days apart, so that the 90 days of a visitor's history matter; equal times, so that the tie-break does.
        story.append(event(f"e{number}", at=60 * 24 * 30 * draw(st.integers(0, 6)), traits=traits, **fields))
    return story


def _read(story: list[dict[str, Any]]) -> list[Happened]:
    from tests.unit.enrich.memory import record

    inputs = [intake.decode(record(said)) for said in story]
    return [one.event for one in inputs if hasattr(one, "event")]


@settings(max_examples=150, deadline=None)
@given(stories(), st.data())
def test_any_order_any_batches_and_any_repetition_give_the_same_people_and_profiles(
    story: list[dict[str, Any]], data: st.DataObject
) -> None:
    arrivals = data.draw(st.permutations(story + data.draw(st.lists(st.sampled_from(story), max_size=4))))
    memory = Memory(tick_ms=data.draw(st.sampled_from([0, 1000])))
    while arrivals:
        size = data.draw(st.integers(1, len(arrivals)))
        memory.batch(arrivals[:size])
        arrivals = arrivals[size:]

    happened = {one.event_id: one for one in _read(story)}
    expected = reference.people(happened.values())
    judged = reference.judged(happened.values())
    assert memory.people() == expected
    for events, state in memory.states().items():
        anew = profile.fold((judged[event_id] for event_id in events), state.users, state.externals)
        assert state == anew
    users = {user for state in memory.states().values() for user in state.users.items()}
    assert len(users) == sum(len(state.users) for state in memory.states().values()), "a user id is in two profiles"

    groups, profiles = memory.heard()
    assert groups == reference.heard(expected, judged)
    states = memory.states(judged)
    for events, (shown, first, last) in profiles.items():
        state = states[events]
        assert shown == profile.of(state)
        assert (first, last) == (state.first and state.first.touch, state.last and state.last.touch)
    living = {lead_id for lead_id, lead in memory.leads.items() if lead.absorbed_into is None}
    assert living == {kept.lead_id for kept in memory.activities.values() if kept.lead_id is not None}
    for row in memory.identifiers.values():
        assert row.lead_id is None or memory.leads[row.lead_id].absorbed_into is None
