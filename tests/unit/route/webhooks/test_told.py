"""What subscribers are told: the body, the idempotency key, and what is refused."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from services.route.domain.webhooks import told
from services.route.domain.webhooks.told import Told
from shared.outcome import Decision, Reject
from shared.stage import Input, Record
from shared.topology import HANDOVER

EVENT = str(uuid.uuid4())


def record(type_: str = "lead.handover", **fields: Any) -> Record:
    value = {"event_id": EVENT, "handover_id": "ho_ld_1_1_2", "lead_id": "ld_1", "owner": {"id": "anna"}, **fields}
    return Record(
        HANDOVER.name, 3, 7, 1_795_000_000_000, b"ld_1", msgspec.json.encode(value), {"ce_type": type_.encode()}
    )


def read(*arguments: Any, **fields: Any) -> Told:
    input_ = told.decode(record(*arguments, **fields))
    assert isinstance(input_, Input)
    assert isinstance(input_.event, Told)
    return input_.event


def test_a_message_is_type_time_and_the_event_as_it_stands_on_the_topic() -> None:
    message = read()
    body = msgspec.json.decode(message.body)
    assert body == {
        "type": "lead.handover",
        "timestamp": "2026-11-18T11:06:40.000Z",
        "data": msgspec.json.decode(record().value),
    }
    assert told.decide({}, Input(EVENT, message, message.at, 3)) == Decision(changes={EVENT: message})


@pytest.mark.parametrize(
    ("type_", "fields", "key"),
    [
        ("lead.handover", {}, "ho_ld_1_1_2"),
        ("lead.handover.withdrawn", {}, "ho_ld_1_1_2:withdrawn"),
        ("lead.handover.escalated", {"deadline": "accept"}, "ho_ld_1_1_2:escalated:accept"),
    ],
)
def test_the_key_is_the_handover_and_attempt_and_what_became_of_it(
    type_: str, fields: dict[str, Any], key: str
) -> None:
    assert read(type_, **fields).key == key


def test_what_is_no_event_of_the_topic_is_refused() -> None:
    for bad in (
        record("lead.scored"),
        record(event_id="x"),
        record(lead_id=None),
        msgspec.structs.replace(record(), value=b"\xff"),
    ):
        assert isinstance(told.decode(bad), Reject)
