"""Whatever stands on leads.dead.v1 is kept, and what is sent again is what died."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.domain import dead as domain
from services.console.domain.dead import Kept, Replayed
from shared import cloudevent, contracts
from shared.contracts import Command, Place
from shared.outcome import Decision
from shared.stage import Input
from shared.topology import CAPTURED, COMMANDS, DEAD, HANDOVER
from tests.unit.console.builders import NOON, dead, dead_record, record


def kept(value: bytes) -> Kept:
    said = domain.decode(dead_record(value, offset=9))
    assert isinstance(said, Input)
    assert isinstance(said.event, Kept)
    return said.event


def test_a_dead_letter_is_kept_under_its_own_id() -> None:
    letter = dead()
    said = domain.decode(dead_record(letter))
    assert isinstance(said, Input)
    assert said.event_id == letter.event_id
    assert said.event == Kept(letter, None)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"not json",
        b'{"event_id": "no uuid"}',
        b"[" * 100_000,
        contracts.encode(dead(detail="a\0b")),
        contracts.encode(dead(place=Place(topic="t", partition=2**40, offset=0))),
        contracts.encode(dead(place=Place(topic="t", partition=0, offset=-1))),
    ],
)
def test_what_is_no_dead_letter_is_kept_as_one_of_the_consoles_own(value: bytes) -> None:
    found = kept(value).dead
    assert (found.service, found.value, found.place) == (
        "console",
        value,
        Place(topic=DEAD.name, partition=0, offset=9),
    )


@given(st.binary(max_size=200))
def test_no_bytes_on_the_topic_are_refused_since_what_the_console_refuses_would_come_back_to_it(value: bytes) -> None:
    assert cloudevent.is_uuid(kept(value).dead.event_id)


def test_everything_read_is_a_change_and_nothing_is_emitted() -> None:
    said = domain.decode(dead_record(dead()))
    assert isinstance(said, Input)
    assert domain.decide({}, said) == Decision({said.event_id: said.event})


def test_a_death_of_a_replay_knows_whose_replay_it_is() -> None:
    first = dead()
    again = dead(headers=domain.replay_headers(first), place=Place(topic=CAPTURED.name, partition=1, offset=8))
    assert kept(contracts.encode(again)).replay_of == first.event_id


def test_a_replay_has_the_original_headers_and_names_the_latest_death_only() -> None:
    letter = dead(headers=[("ce_id", b"\xff\x00"), ("replay-of", b"an earlier one")])
    assert domain.replay_headers(letter) == [("ce_id", b"\xff\x00"), ("replay-of", letter.event_id.encode())]


def test_a_noted_replay_is_read_from_the_commands() -> None:
    command = Command(
        event_id=str(uuid.uuid4()), kind="dead.replay", issued_at=NOON, payload={"dead_id": dead().event_id}
    )
    said = domain.decode(record(COMMANDS.name, contracts.encode(command)))
    assert isinstance(said, Input)
    assert said.event == Replayed(command.event_id, dead().event_id, NOON)


@pytest.mark.parametrize(
    "value",
    [
        b"garbage",
        contracts.encode(Command(event_id="x", kind="dead.replay", issued_at=NOON)),
        contracts.encode(Command(event_id=str(uuid.uuid4()), kind="outcome", issued_at=NOON)),
        contracts.encode(
            Command(event_id=str(uuid.uuid4()), kind="dead.replay", issued_at=NOON, payload={"dead_id": 7})
        ),
    ],
)
def test_commands_that_do_not_concern_the_console_change_nothing(value: bytes) -> None:
    said = domain.decode(record(COMMANDS.name, value))
    assert isinstance(said, Input)
    assert domain.decide({}, said) == Decision()


@pytest.mark.parametrize(
    ("place", "because"),
    [
        (Place(topic="http", partition=0, offset=0), "door"),
        (Place(topic="timer", partition=0, offset=0), "timer"),
        (Place(topic="somebody.elses", partition=0, offset=0), "none of this stack's topics"),
        (Place(topic=CAPTURED.name, partition=4, offset=0), "none of this stack's topics"),
        (Place(topic=HANDOVER.name, partition=0, offset=0), "transactions"),
    ],
)
def test_what_never_stood_on_a_topic_of_ours_can_not_be_replayed_and_says_why(place: Place, because: str) -> None:
    assert because in (domain.why_not(place, partitions=4) or "")


def test_a_record_of_our_topics_can_be_replayed() -> None:
    assert domain.why_not(Place(topic=CAPTURED.name, partition=3, offset=12), partitions=4) is None
