"""One line says what a record is about, and nothing personal."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.commands.tail import document
from services.console.domain.summary import line
from shared import contracts, personal
from shared.stage import Record
from shared.topology import BY_NAME, CAPTURED
from tests.unit.console.builders import (
    LEAD,
    captured,
    dead,
    dead_record,
    enriched,
    handover,
    noted,
    record,
    scored,
)

ALL = [captured(1), enriched(1), noted(1), scored(1), handover(), dead_record(dead())]


@pytest.mark.parametrize("found", ALL, ids=lambda found: found.headers["ce_type"].decode())
def test_a_line_holds_no_personal_data(found: Record) -> None:
    said = line(found)
    event = contracts.EVENTS[said.type]
    for value in personal.personal_values(msgspec.json.decode(found.value, type=event)):
        assert value not in said.text, value


def test_lines_say_what_happened() -> None:
    assert line(captured(1)).text == "form contact at acme marked bot"
    assert line(scored(1)).text == "95 points (35 fit, 60 engagement), B2, raw -> MQL"
    assert line(handover()).text == "to anna by world, episode 1, attempt 1, 120 points"
    assert line(enriched(1)).subject == LEAD
    assert line(dead_record(dead())).text == "enrich: undecodable at leads.captured.v1/1/7"


def test_a_record_without_headers_is_read_as_what_its_topic_promises() -> None:
    assert line(record(CAPTURED.name, captured(1).value)).type == "lead.captured"


@given(st.sampled_from(sorted(BY_NAME)), st.sampled_from(sorted(contracts.EVENTS)), st.binary(max_size=60))
def test_a_line_can_be_made_of_anything(topic: str, type_: str, value: bytes) -> None:
    line(record(topic, value, ce_type=type_))


def test_contents_are_shown_only_when_they_are_asked_for() -> None:
    assert "jo.fields" not in str(document(captured(1), full=False))
    assert document(captured(1), full=True)["value"]["traits"]["name"] == "Jo Fields"
