"""What operators rule: merges, splits, and answers to the review queue; and that each can be undone."""

from __future__ import annotations

from typing import Any

from services.enrich.domain import profile
from shared import ids
from shared.contracts import Enriched
from tests.unit.enrich.memory import SECRET, Memory, event, page
from tests.unit.enrich.rebuilding import Rebuilding

ADA, BEN = "ada@acme.example", "ben@acme.example"


def two() -> Memory:
    """Ada, with a user id and a cookie, and Ben."""
    memory = Memory()
    memory.batch([event("a1", email=ADA, user_id="u1", anonymous_id="c1"), page("a2", "c1", at=1)])
    memory.batch([event("b1", email=BEN, anonymous_id="c2", at=2), page("b2", "c2", at=3)])
    return memory


def email(address: str) -> dict[str, str]:
    return {"kind": "email", "value": address}


def shown(memory: Memory) -> dict[str, Any]:
    """Each lead that stands, with its events and its profile."""
    groups: dict[str, set[str]] = {}
    for kept in memory.activities.values():
        if kept.lead_id is not None:
            groups.setdefault(kept.lead_id, set()).add(kept.happened.event_id)
    return {lead: (frozenset(events), profile.of(memory.leads[lead].state)) for lead, events in groups.items()}


def checked(memory: Memory) -> None:
    """Who reads the topic knows the same."""
    groups, profiles = memory.heard()
    assert groups == memory.people()
    for events, state in memory.states().items():
        assert profiles[events][0] == profile.of(state)


def test_two_addresses_are_joined_by_a_ruling_and_parted_again_as_if_they_had_never_been() -> None:
    memory = two()
    before = shown(memory)
    ada, ben = memory.lead_of("a1"), memory.lead_of("b1")
    assert memory.ask("merge", lead_ids=[ada, ben], at=100) is None

    assert set(shown(memory)) == {ada}
    merged = [sent.data for sent in memory.sent if sent.type == "lead.merged"]
    assert [(one.survivor, one.absorbed, one.because) for one in merged] == [(ada, ben, "an operator ruled so")]  # type: ignore[union-attr]
    assert [sent.data.joined for sent in memory.sent if getattr(sent.data, "joined", None)] == [[ben]]  # type: ignore[union-attr]
    checked(memory)
    memory.batch([event("b3", email=BEN, at=200)])
    assert memory.lead_of("b3") == ada
    assert memory.leads[ben].absorbed_into == ada

    assert memory.ask("split", lead_id=ben, identifiers=[email("Ben@acme.example")], at=300) is None
    after = shown(memory)
    assert after[ada] == before[ada]
    assert after[ben][0] == before[ben][0] | {ids.submission_id("shop", "b3")}
    told = [sent.data.restored for sent in memory.sent if isinstance(sent.data, Enriched) and sent.data.restored]
    assert told == [[ben]]
    checked(memory)


def test_the_named_survivor_remains_also_later() -> None:
    memory = two()
    ada, ben = memory.lead_of("a1"), memory.lead_of("b1")
    memory.ask("merge", lead_ids=[ada, ben], survivor=ben)
    memory.batch([event("a3", user_id="u1", email=ADA, at=-5)])
    memory.batch([event("a4", email=ADA, user_id="u2", at=-7)])  # out of order: worked out anew
    assert memory.lead_of("a3") == ben == memory.lead_of("b1")
    checked(memory)


def test_a_parted_identifier_does_not_join_again_by_later_events_and_joins_by_a_later_ruling() -> None:
    memory = two()
    ada = memory.lead_of("a1")
    user = {"kind": "user_id", "property": "shop", "value": "u1"}
    assert memory.ask("split", lead_id=ada, identifiers=[user], at=100) is None
    memory.batch([event("a3", email=ADA, user_id="u1", at=5), event("a4", user_id="u1", at=6)])
    assert memory.lead_of("a3") == ada
    assert memory.lead_of("a4") != ada
    memory.batch([event("a0", email=ADA, user_id="u1", at=-60)])
    assert memory.lead_of("a4") != ada == memory.lead_of("a0")

    assert memory.ask("merge", lead_ids=[ada, memory.lead_of("a4")], at=200) is None
    assert memory.lead_of("a4") == ada
    checked(memory)


def test_events_that_are_split_away_are_a_lead_of_their_own_with_the_visits_that_follow_them() -> None:
    memory = two()
    memory.batch([event("a3", email=ADA, anonymous_id="c1", at=10), page("a4", "c1", at=11)])
    ada = memory.lead_of("a1")
    left = ids.submission_id("shop", "a3")
    assert memory.ask("split", lead_id=ada, event_ids=[left], at=100) is None

    assert memory.lead_of("a1") == memory.lead_of("a2") == ada
    assert memory.lead_of("a3") == memory.lead_of("a4") != ada
    memory.batch([page("a5", "c1", at=12), page("a6", "c1", at=5)])
    assert memory.lead_of("a5") == memory.lead_of("a3")
    assert memory.lead_of("a6") == ada
    checked(memory)
    assert memory.ask("merge", lead_ids=[ada, memory.lead_of("a3")], at=200) is None
    assert memory.lead_of("a3") == memory.lead_of("a5") == ada
    checked(memory)


def test_what_can_not_be_carried_out_is_refused_with_its_reason() -> None:
    memory = two()
    ada, ben = memory.lead_of("a1"), memory.lead_of("b1")
    unknown = ids.lead_id(SECRET, "email\x1fnobody@acme.example")

    def why(kind: str, **payload: Any) -> str:
        refused = memory.ask(kind, **payload)
        assert refused is not None
        return refused.detail

    assert why("merge", lead_ids=[ada, unknown]) == f"there is no lead {unknown}"
    assert why("merge", lead_ids=[ada]) == "a merge needs lead_ids of two leads at least"
    assert why("split", lead_id=ada, identifiers=[email(BEN)]) == f"identifiers[0] is no identifier of lead {ada}"
    assert why("split", lead_id=ada, identifiers=[{"kind": "anonymous_id", "value": "c1"}]).startswith("identifiers[0]")
    assert why("split", lead_id=ada, identifiers=[email(ADA)]).startswith("nothing would be left")
    assert why("split", lead_id=ada, event_ids=[ids.submission_id("shop", "b1")]).startswith("event_ids[0]")
    assert why("split", lead_id=ada, event_ids=[ids.submission_id("shop", "a1")]).startswith("nothing would be left")
    assert why("split", lead_id=ada) == "a split needs identifiers or event_ids that leave"
    assert why("review", id="7", accept=True).startswith("there is no such question")
    assert memory.ask("merge", lead_ids=[ada, ben], at=100) is None
    assert memory.ask("merge", lead_ids=[ada, ben], at=100) is None, "the same command again is nothing"
    assert why("merge", lead_ids=[ben, ada], at=101) == "nothing would change: they are one lead already"


def test_an_answer_joins_or_parts_for_good() -> None:
    for accept in (True, False):
        memory = Memory()
        phone = {"phone": "+4930901820"}
        memory.batch([event("e1", email=ADA, traits={**phone, "first_name": "Ada", "last_name": "Lovelace"})])
        memory.batch([event("e2", traits={**phone, "first_name": "Ben", "last_name": "Smith"}, at=1)])
        (question,) = memory.reviews.values()
        assert memory.ask("review", id=question.review_id, accept=accept) is None
        assert (memory.lead_of("e1") == memory.lead_of("e2")) is accept
        assert memory.reviews == {}
        memory.batch([event("e3", traits={**phone, "first_name": "Ada", "last_name": "Lovelace"}, at=-1)])
        assert (memory.lead_of("e1") == memory.lead_of("e3")) is accept
        assert (memory.lead_of("e1") == memory.lead_of("e2")) is accept
        # Where Ben is nobody else, it turns out that the number was Ada's before: is he that Ada? Who she is is not asked again.
        assert [one.phone for one in memory.reviews.values()] == (
            [] if accept else ["named\x1f+4930901820\x1fben\x1fsmith"]
        )
        checked(memory)


def test_a_lost_store_learns_a_merge_again_and_tells_nothing_of_it() -> None:
    before = two()
    lead_ids = [before.lead_of("a1"), before.lead_of("b1")]
    assert before.ask("merge", lead_ids=lead_ids, at=100) is None
    after, began = Rebuilding(before), before.clock - 5_000  # as `two` and the merge came, a second each
    after.clock = before.clock - 1_000
    assert after.ask("merge", lead_ids=lead_ids, at=100) is None
    after.arrive(
        [(event("b1", email=BEN, anonymous_id="c2", at=2), began + 3_000), (page("b2", "c2", at=3), began + 4_000)]
    )
    ada = event("a1", email=ADA, user_id="u1", anonymous_id="c1")
    after.arrive([(ada, began + 1_000), (page("a2", "c1", at=1), began + 2_000)])
    after.end()

    assert after.people() == before.people()
    assert [f"{sent.type} {sent.key}" for sent in after.told_anew()] == []
    after.batch([event("b3", email=BEN, at=-200), event("a3", email=ADA, user_id="u2", at=-300)])
    assert len(after.people()) == 1


def test_a_lost_store_learns_what_was_merged_split_and_merged_again_and_tells_nothing_of_it() -> None:
    for asked in (1, 2, 3):
        before = two()
        ada, ben = before.lead_of("a1"), before.lead_of("b1")
        before.batch([event("b0", email=BEN, user_id="u9", at=4), event("a0", email=ADA, at=5)])
        rulings: list[dict[str, Any]] = [
            {"kind": "merge", "lead_ids": [ada, ben], "at": 100},
            {"kind": "split", "lead_id": ada, "identifiers": [email(BEN)], "at": 200},
            {"kind": "merge", "lead_ids": [ben, ada], "at": 300},
        ][:asked]
        assert [before.ask(**ruling) for ruling in rulings] == [None] * asked

        after = Rebuilding(before)
        after.clock = before.clock - asked * after.tick_ms
        for ruling in rulings:
            after.ask(**ruling)
        began = before.clock - (asked + 6) * after.tick_ms
        after.arrive(
            [(event("b0", email=BEN, user_id="u9", at=4), began + 5_000), (event("a0", email=ADA, at=5), began + 6_000)]
        )
        after.arrive(
            [(event("b1", email=BEN, anonymous_id="c2", at=2), began + 3_000), (page("b2", "c2", at=3), began + 4_000)]
        )
        after.arrive(
            [
                (event("a1", email=ADA, user_id="u1", anonymous_id="c1"), began + 1_000),
                (page("a2", "c1", at=1), began + 2_000),
            ]
        )
        after.end()

        assert [f"{sent.type} {sent.key}" for sent in after.sent] == []
        assert after.leads == before.leads
        assert after.activities == before.activities
        for memory in (before, after):
            memory.batch([event("b3", email=BEN, at=-200), event("a3", email=ADA, user_id="u2", at=-300)])
            memory.batch([event("b4", user_id="u9", at=900)])
        assert after.people() == before.people()
        assert len(after.people()) == (2 if asked == 2 else 1)


def test_a_lost_store_learns_a_split_that_made_a_new_lead_and_tells_nothing_of_it() -> None:
    before = two()
    ben = before.lead_of("b1")
    before.batch([event("b0", email=BEN, user_id="u9", at=4), event("u0", user_id="u9", at=5)])
    began = before.clock - 6_000
    gone = [{"kind": "user_id", "property": "shop", "value": "u9"}]
    assert before.ask("split", lead_id=ben, identifiers=gone, at=100) is None
    assert before.lead_of("u0") != ben

    after = Rebuilding(before)
    after.clock = before.clock - after.tick_ms
    after.ask("split", lead_id=ben, identifiers=gone, at=100)
    after.arrive(
        [
            (event("u0", user_id="u9", at=5), began + 6_000),
            (event("b0", email=BEN, user_id="u9", at=4), began + 5_000),
            (page("b2", "c2", at=3), began + 4_000),
            (event("b1", email=BEN, anonymous_id="c2", at=2), began + 3_000),
            (page("a2", "c1", at=1), began + 2_000),
            (event("a1", email=ADA, user_id="u1", anonymous_id="c1"), began + 1_000),
        ]
    )
    after.end()

    assert after.sent == []
    assert (after.leads, after.activities) == (before.leads, before.activities)
    assert after.identifiers == before.identifiers
