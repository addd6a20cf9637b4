"""The intake of outcomes: what sales tools may write, under which id it counts, and where it goes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.route.domain import intake
from services.route.domain.state import Key
from shared.contracts import Command
from shared.outcome import Decision, Reason, Reject
from shared.stage import Input
from tests.unit.route.builders import outcome_record, reported

ID = "0b9f4b8e-5f0e-4f6d-9a53-0d7f2c1f9d11"


def read(value: Any, **given: Any) -> Input:
    found = intake.decode(outcome_record(value, **given))
    assert isinstance(found, Input), found
    return found


def command(value: Any, world: dict[Any, Any] | None = None) -> Command:
    outcome = intake.decide(world or {}, read(value))
    assert isinstance(outcome, Decision)
    (written,) = outcome.emit
    assert isinstance(written.data, Command)
    assert written.event_id == written.data.event_id
    assert written.key == written.data.lead_id
    return written.data


def test_an_outcome_becomes_a_command_for_the_lead_in_the_handover_s_name() -> None:
    made = command(reported("won", amount=12.5, currency="EUR", by="sam", occurred_at="2026-11-27T09:00:00Z"))
    assert (made.kind, made.lead_id, made.by) == ("outcome", "ld_jo", "sam")
    assert msgspec.to_builtins(made.payload) == {
        "handover_id": "ho_ld_jo_1_1",
        "outcome": "won",
        "occurred_at": "2026-11-27T09:00:00Z",
        "amount": 12.5,
        "currency": "EUR",
    }


def test_an_outcome_without_a_time_happened_when_it_was_told() -> None:
    assert msgspec.to_builtins(command(reported()).payload)["occurred_at"] == "2026-11-27T12:00:00Z"


def test_an_outcome_may_name_only_a_lead() -> None:
    made = command({"outcome": "accepted", "lead_id": "ld_jo"})
    assert made.lead_id == "ld_jo"
    assert "handover_id" not in made.payload


def test_it_goes_to_whose_the_handover_is_now() -> None:
    assert command(reported(), {Key("handover", "ho_ld_jo_1_1"): "ld_new"}).lead_id == "ld_new"
    assert command(reported(), {Key("absorbed", "ld_jo"): "ld_new"}).lead_id == "ld_new"


def test_headers_and_fields_that_nobody_knows_are_no_trouble() -> None:
    headers = {"ce_type": b"lead.outcome", "ce_id": ID.encode(), "x": b"y"}
    assert read(reported(nonsense={"a": 1}), headers=headers).event_id == ID


def test_the_id_is_the_header_then_the_payload_then_the_content_then_the_place() -> None:
    other = "7f9f4b8e-5f0e-4f6d-9a53-0d7f2c1f9d11"
    assert read(reported(event_id=other), headers={"ce_id": ID.encode()}).event_id == ID
    assert read(reported(event_id=other)).event_id == other
    at = {"occurred_at": "2026-11-27T09:00:00Z"}
    assert read(reported(**at), offset=1).event_id == read(reported(**at, reason="typo"), offset=2).event_id
    assert read(reported(**at)).event_id != read(reported("won", **at)).event_id
    assert read(reported(), offset=1).event_id == read(reported("won"), offset=1).event_id
    assert read(reported(), offset=1).event_id != read(reported(), offset=2).event_id


def test_an_id_that_is_no_uuid_is_unique_within_its_source() -> None:
    def under(source: bytes) -> str:
        return read(reported(), headers={"ce_id": b"evt-1", "ce_source": source}).event_id

    assert under(b"crm") == under(b"crm") != under(b"erp")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", Reason.UNDECODABLE),
        (b"\xff\xfe", Reason.UNDECODABLE),
        (b"{}", Reason.INVALID),
        (reported("bought"), Reason.INVALID),
        ({"outcome": "won"}, Reason.NO_IDENTIFIER),
        (reported(handover_id="ho_jo"), Reason.INVALID),
        (reported(handover_id="ho_jo_0_1"), Reason.INVALID),
        (reported(handover_id="ho_jo_1_9999999999"), Reason.INVALID),
        (reported(reason="r" * 501), Reason.INVALID),
        (reported(by="r" * 201), Reason.INVALID),
        (reported(lead_id="r" * 201), Reason.INVALID),
        (reported(amount=-1), Reason.INVALID),
        (reported(amount=1e16), Reason.INVALID),
        (reported(currency="euro"), Reason.INVALID),
        (reported(reason="a\x00b"), Reason.INVALID),
        (reported(occurred_at="2026-11-27T10:00:00"), Reason.INVALID),
        (reported() | {"outcome": 3}, Reason.INVALID),
    ],
)
def test_what_is_no_outcome_is_refused(value: Any, reason: Reason) -> None:
    found = intake.decode(outcome_record(value))
    assert isinstance(found, Reject)
    assert found.reason is reason


def test_a_refusal_never_repeats_what_was_sent() -> None:
    for value in (reported("peter@acme.example"), reported(currency="peter"), reported(occurred_at="peter")):
        found = intake.decode(outcome_record(value))
        assert isinstance(found, Reject)
        assert "peter" not in found.detail


def test_another_type_is_refused() -> None:
    found = intake.decode(outcome_record(reported(), headers={"ce_type": b"lead.scored"}))
    assert found == Reject(Reason.UNKNOWN_TYPE)
