"""Commands on leads.commands.v1: which are enrich's, how they are read, and what a rebuild does with them."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import timedelta
from typing import Any

import msgspec

from services.enrich.domain import command
from services.enrich.domain.decide import decide
from services.enrich.domain.leads import KEEPING
from services.enrich.domain.world import Command, Human, Owed
from shared.outcome import CommandResult, Decision, Reason, Reject
from shared.stage import Input, Record
from shared.topology import COMMANDS
from tests.unit.enrich.memory import MONDAY, SECRET

COMMAND = "0198c0de-0000-7000-8000-000000000001"
ACTIVITY = "0198c0de-0000-7000-8000-00000000000a"


def said(**fields: Any) -> Record:
    value = {
        "event_id": COMMAND,
        "kind": "human",
        "issued_at": MONDAY,
        "lead_id": "ld_1",
        "by": "kim",
        "payload": {"event_id": ACTIVITY, "human": 0.1, "reason": "a scanner"},
        **fields,
    }
    return Record(COMMANDS.name, 3, 7, 1_795_000_000_000, None, msgspec.json.encode(value), {})


def read(**fields: Any) -> Input:
    input_ = command.decode(said(**fields))
    assert isinstance(input_, Input)
    return input_


def test_an_operators_word_is_read_with_who_gave_it_and_when() -> None:
    input_ = read()
    assert (input_.event_id, input_.part) == (COMMAND, 3)
    assert input_.event == Command(COMMAND, MONDAY, "ld_1", "kim", Human(ACTIVITY, 0.1, "a scanner"))


def test_commands_of_others_are_none_of_enrichs_business() -> None:
    for record in (said(kind="outcome"), said(kind="dead.replay")):
        assert command.decode(record) is None


def test_what_is_no_command_at_all_is_refused_like_everything_on_a_topic_that_enrich_reads() -> None:
    for value in (b"", b"{", b"[]", b"\xff", b"[" * 100_000):
        assert isinstance(command.decode(msgspec.structs.replace(said(), value=value)), Reject)
    assert command.decode(said(kind=7)) == Reject(Reason.INVALID, "is no command")


def test_what_can_not_be_carried_out_as_it_is_written_is_refused_under_its_id() -> None:
    for payload in ({}, {"event_id": "x", "human": 1}, {"event_id": ACTIVITY, "human": 1.1}, {"human": "no"}, 7):
        outcome = decide({}, read(payload=payload), secret=SECRET)
        assert isinstance(outcome, Reject)
        assert outcome.reason == Reason.INVALID
    assert isinstance(decide({}, read(lead_id="x" * 201), secret=SECRET), Reject)
    assert isinstance(command.decode(said(event_id="no uuid")), Reject)


def test_ids_are_taken_in_any_spelling_and_nul_never_reaches_the_store() -> None:
    loud = read(
        event_id=COMMAND.upper(), payload={"event_id": ACTIVITY.replace("-", ""), "human": 1, "reason": "a\x00"}
    )
    assert loud.event_id == COMMAND
    assert loud.event.asked == Human(ACTIVITY, 1.0, "a\ufffd")


def test_in_a_rebuild_a_command_waits_until_all_is_there_that_the_topic_tells_of() -> None:
    input_ = read()
    put_off = decide({KEEPING: True}, input_, secret=SECRET)

    assert isinstance(put_off, Decision)
    assert put_off.changes["owed", COMMAND] == Owed(3, input_.now, input_.event)
    assert put_off.commands == [CommandResult(COMMAND, "pending")]
    later = decide({}, msgspec.structs.replace(input_, record=None), secret=SECRET)
    assert isinstance(later, Decision)
    assert later.changes["owed", COMMAND] is None
    assert [(one.command_id, one.status) for one in later.commands] == [(COMMAND, "done")]
    assert later.changes["ruling", ACTIVITY].human == 0.1, "it counts when the activity comes"


def test_a_clock_that_is_ahead_does_not_have_the_last_word_for_ever() -> None:
    record = said(issued_at=MONDAY + timedelta(days=36_500))
    input_ = command.decode(record)
    assert isinstance(input_, Input)
    worlds: list[dict[Hashable, Any]] = [{}, {KEEPING: True}]
    for world in worlds:
        outcome = decide(world, input_, secret=SECRET)
        assert isinstance(outcome, Decision)
        assert outcome.changes["ruling", ACTIVITY].at == input_.now
