"""A store that was lost comes back as it was, whatever order the events come in now, and nobody is told anything again."""

from __future__ import annotations

import random
from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.enrich.domain import emission, intake, profile, rebuild
from services.enrich.domain.decide import decide
from services.enrich.domain.lacking import names
from services.enrich.domain.leads import KEEPING, REBUILDING
from services.enrich.domain.rebuild import recollect
from services.enrich.domain.world import Command, Cookie, Owed, Recalled, Told
from shared import contracts, ids
from shared.outcome import Decision, Outgoing, Reject
from shared.stage import Input, Recollection, Record
from tests.unit.enrich import reference
from tests.unit.enrich.memory import SECRET, Memory, event, record
from tests.unit.enrich.test_any_order import stories

Arrival = tuple[dict[str, Any], int]  # what was submitted, and the broker's time


class Rebuilding(Memory):
    """A store whose load also gives what stands on the topic, as the store on Postgres gives it."""

    def __init__(self, before: Memory) -> None:
        super().__init__()
        self.rows: list[tuple[str, str, datetime, Recollection]] = []
        self.owed: dict[str, Owed | None] = {}
        self.over = False
        self.before = before.sent
        self.on_topic = {sent.event_id for sent in before.sent}
        for sent, at in zip(before.sent, before.decided_at, strict=True):
            value = contracts.encode(sent.data)
            said = recollect(Record("leads.enriched.v1", 0, 0, 0, None, value, {}))
            assert said is not None
            self.rows.append((sent.type, sent.key, at, said))

    def arrive(self, arrivals: Sequence[Arrival]) -> list[Reject]:
        """As before; but two records under one id come one after the other (shared/batch.py)."""
        seen: set[str] = set()
        for place, (said, _) in enumerate(arrivals):
            if said["event_id"] in seen:
                return super().arrive(arrivals[:place]) + self.arrive(arrivals[place:])
            seen.add(said["event_id"])
        return super().arrive(arrivals)

    def load(self, inputs: Sequence[Input]) -> dict[Hashable, Any]:
        if not self.over:
            self.recalling = {REBUILDING: True, KEEPING: True, **self._told(inputs)}
        return super().load(inputs)

    def save(self, changes: Any) -> None:
        super().save(changes)
        for key, value in changes.items():
            if key[0] == "owed":
                self.owed[key[1]] = value if value is None else self.owed.get(key[1]) or value

    def end(self) -> None:
        """The rebuild is over: what it owes is decided, in the order of time."""
        self.over, self.recalling = True, {}
        owed = [(event_id, one) for event_id, one in self.owed.items() if one is not None]
        for event_id, one in sorted(owed, key=lambda each: (each[1].at, each[0])):
            input_ = Input(event_id, one.event, one.at, one.part)
            decision = decide(Memory.load(self, [input_]), input_, secret=SECRET)
            assert isinstance(decision, Decision)
            self.sent += decision.emit
            self.save(decision.changes)
        assert not any(self.owed.values())

    def told_anew(self) -> list[Outgoing]:
        """What was sent that does not stand on the topic (the shell drops the rest)."""
        return [sent for sent in self.sent if sent.event_id not in self.on_topic]

    def _told(self, inputs: Sequence[Input]) -> dict[Hashable, Any]:
        found: dict[Hashable, Any] = {}
        subjects = {ids.lead_id(SECRET, name) for input_ in inputs for name in names(input_)} | set(self.leads)
        told = {}
        for input_ in inputs:
            if isinstance(input_.event, Command) and any(_came_of(sent, input_.event_id) for sent in self.before):
                found["told", input_.event_id] = True
            about = [row for row in self.rows if row[3].about == input_.event_id]
            if not about:
                continue
            first = [row[2] for row in about if row[0] == "lead.noted" and row[3].value is None]
            first = first or [row[2] for row in about if row[3].revision == 0]
            first = first or [row[2] for row in about if row[3].revision == 1 and not row[3].withdrawn]
            # A repeat that was told as an activity before is withdrawn and noted in one revision.
            last = max(about, key=lambda row: (row[3].revision, not row[3].withdrawn))
            words = [(row[3].value or b"").decode().split("|") for row in about if row[0] == "lead.enriched"]
            occurred_at = datetime.fromisoformat(words[0][0]) if words else None
            value, human = (last[3].value or b"").decode(), None
            if last[0] == "lead.enriched":
                lead_id, human = last[1] if not last[3].withdrawn else None, float(value.split("|")[1])
            else:
                lead_id = value or None
            repeat = any(row[0] == "lead.noted" and row[3].value is not None for row in about)
            told[input_.event_id] = Told(
                min(first, default=None),
                last[3].revision,
                lead_id,
                occurred_at=occurred_at,
                human=human,
                repeat=repeat,
            )
            subjects |= {lead_id} - {None}  # type: ignore[arg-type]
        while subjects:
            subject = subjects.pop()
            theirs = [(row[0], row[3]) for row in self.rows if row[1] == subject]
            every = [said.version for _, said in theirs if said.version is not None]
            if not every or ("recalled", subject) in found:
                continue
            kind, latest = max(theirs, key=lambda each: each[1].version or 0)
            absorbed_into = latest.value.decode() if kind == "lead.merged" and latest.value is not None else None
            found["recalled", subject] = Recalled(min(every), max(every), absorbed_into)
            subjects |= {absorbed_into} if absorbed_into is not None else set()
            if subject in self.leads:
                found["lead", subject] = self.leads[subject]
            else:
                found["history", subject] = found["absorbed", subject] = ()
        for event_id, one in told.items():
            found["told", event_id] = rebuild.told(one, lambda lead_id: found.get(("recalled", lead_id)))
        return found


def tables(memory: Memory) -> dict[str, Any]:
    """Every table by content; without the mark of a cookie that several people were once seen on, which only makes later looks closer."""
    return {
        "identifier": {
            name: replace(row, shared=False) if isinstance(row, Cookie) else row
            for name, row in memory.identifiers.items()
        },
        "lead": memory.leads,
        "activity": memory.activities,
    }


def played(memory: Memory, arrivals: Sequence[Arrival], sizes: Sequence[int]) -> None:
    """The arrivals in order, in batches of these sizes."""
    place = 0
    for size in sizes:
        memory.arrive(arrivals[place : place + size])
        place += size
    memory.arrive(arrivals[place:])


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
        if chance.random() < 0.5 or not (traits or "user_id" in fields):
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


def _came_of(sent: Outgoing, command_id: str) -> bool:
    if sent.type not in ("lead.merged", "lead.split"):
        return False
    data: Any = sent.data
    return emission.is_of(command_id, sent.event_id, sent.key, data.profile_version, sent.type)


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
