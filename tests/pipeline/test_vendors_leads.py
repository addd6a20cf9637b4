"""Leads of vendors, from the door of capture through the decisions behind it."""

from __future__ import annotations

import msgspec
import pytest

from services.capture.store import StoredHook
from shared import contracts, topology
from tests.pipeline.house import House
from tests.unit.capture.door import Visitor

KEY = "the key of the form"
LEAD = {
    "google_key": KEY,
    "lead_id": "l1",
    "campaign_id": 7,
    "user_column_data": [
        {"column_id": "EMAIL", "string_value": "jo@acme.example"},
        {"column_id": "PHONE_NUMBER", "string_value": "+49 30 901820"},
        {"column_id": "COUNTRY", "string_value": "DE"},
        {"column_id": "COMPANY_NAME", "string_value": "Acme GmbH"},
    ],
}


@pytest.mark.parametrize(("is_test", "stage"), [(True, "disqualified"), (False, "IQL")])
async def test_a_vendors_test_lead_never_qualifies(is_test: bool, stage: str) -> None:
    hook = StoredHook(property="shop", vendor="google", secrets={"shared": (KEY.encode(),)})
    visitor = Visitor(hooks=[hook])
    body = msgspec.json.encode({**LEAD, "is_test": is_test})
    answered = await visitor.post("/v1/hooks/google/shop", body, key=None)
    assert answered.status == 200
    house = House()
    [message] = [one for one in visitor.durable.messages if one.topic == topology.CAPTURED.name]
    house.capture(msgspec.json.decode(message.value, type=contracts.Captured))
    scored = house.last("leads.scored.v1")
    assert (scored["profile"].get("test", False), scored["stage"]) == (is_test, stage)
    assert not house.written["leads.handover.v1"]
