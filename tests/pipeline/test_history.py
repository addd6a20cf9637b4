"""What is told of the past, as by an import: it counts, and no salesperson is called because of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from services.console.importing.event import event, read_map
from shared import contracts, topology
from shared.fieldmap import FieldMap
from tests.pipeline.house import House, captured
from tests.pipeline.test_main_job import CALLABLE
from tests.unit.capture.door import Visitor


def of_the_past(**fields: Any) -> contracts.Captured:
    return replace(captured(**fields), history=True)


def test_an_old_enquiry_counts_and_is_not_handed_over() -> None:
    house = House()
    house.capture(of_the_past(id="1", email="jo@acme.example", minutes=-90 * 24 * 60, **CALLABLE))
    scored = house.last("leads.scored.v1")
    assert (scored["stage"], scored["score"]["total"] > 100, scored["activity"]["name"]) == ("MQL", True, "contact")
    assert house.handed() == []


def test_the_next_thing_that_happens_now_hands_the_lead_over_with_its_past() -> None:
    house = House()
    house.capture(of_the_past(id="1", email="jo@acme.example", minutes=-90 * 24 * 60, **CALLABLE))
    house.capture(captured(id="2", kind="page", name="page", email="jo@acme.example"))
    [handover] = house.written["leads.handover.v1"]
    assert [one["name"] for one in handover["recent_activities"]] == ["page", "contact"]
    assert handover["recent_activities"][1]["occurred_at"].startswith("2026-08-29")


def test_a_lead_that_sales_has_stays_theirs_while_its_past_is_told() -> None:
    house = House()
    house.capture(captured(id="1", email="jo@acme.example", **CALLABLE))
    house.capture(of_the_past(id="2", name="demo", email="jo@acme.example", minutes=1))
    assert house.last("leads.scored.v1")["stage"] == "SQL"
    assert len(house.written["leads.handover.v1"]) == 1


def test_two_halves_that_the_past_makes_one_are_not_handed_over_by_that() -> None:
    """Neither half is ready for sales; that they are one person is known from an import only."""
    house = House()
    house.capture(replace(captured(id="1", company="Acme GmbH"), user_id="u1"))
    house.capture(
        captured(id="2", kind="page", name="page", email="jo@acme.example", minutes=1, phone=CALLABLE["phone"])
    )
    same = of_the_past(id="3", kind="identify", name="identify", email="jo@acme.example", minutes=2, **CALLABLE)
    house.capture(replace(same, user_id="u1"))
    assert house.types("enrich").count("lead.merged") == 1
    scored = house.last("leads.scored.v1")
    assert (scored["score"]["total"] > 100, scored["stage"]) == (True, "MQL")
    assert house.handed() == []
    house.capture(captured(id="4", kind="page", name="page", email="jo@acme.example", minutes=3))
    assert house.handed() == ["lead.handover"]


ROW = {"E-Mail": "jo@acme.example", "Tel": "+49 30 901820", "Land": "Germany", "Firma": "Acme GmbH", "Formular": "demo",
       "Seite": "https://www.acme.example/demo?utm_source=news&utm_medium=email"}  # fmt: skip
MAP = {
    "form": "Formular",
    "traits": {"email": "E-Mail", "phone": "Tel", "country": "Land", "company": "Firma"},
    "properties": {"page_url": "Seite"},
    "consent": {"marketing_email": {"value": True}},
}


async def through_the_door(path: str, body: dict[str, Any]) -> tuple[House, dict[str, Any]]:
    """A house into which this was posted, and what score says of it."""
    visitor, house = Visitor(), House()
    await visitor.post(path, body)
    [message] = [one for one in visitor.durable.messages if one.topic == topology.CAPTURED.name]
    house.capture(msgspec.json.decode(message.value, type=contracts.Captured))
    return house, house.last("leads.scored.v1")


def told(scored: dict[str, Any]) -> list[Any]:
    """What score says of a lead, without when and by which event."""
    points = [(one["rule"], one["points"]) for one in scored["contributions"]]
    touch = {name: value for name, value in scored["first_touch"].items() if name != "at"}
    return [scored["score"], scored["grade"], points, touch]


@pytest.mark.parametrize("as_history", [False, True])
async def test_a_form_that_is_imported_scores_as_one_that_is_posted(as_history: bool) -> None:
    posted = {
        "email": ROW["E-Mail"], "phone": ROW["Tel"], "country": ROW["Land"], "company": ROW["Firma"],
        "page_url": ROW["Seite"], "consent": {"marketing_email": True},
    }  # fmt: skip
    field_map = read_map(MAP)
    assert isinstance(field_map, FieldMap)
    row = event(dict(ROW), field_map, as_history=as_history)
    assert isinstance(row, dict)
    _, wanted = await through_the_door("/v1/forms/demo", posted)
    house, scored = await through_the_door("/v1/batch", {"batch": [row]})
    assert told(scored) == told(wanted)
    assert {**scored["profile"], "consent": 0} == {**wanted["profile"], "consent": 0}
    assert scored["activity"]["kind"] == "form"
    assert (scored["stage"], house.handed()) == (("MQL", []) if as_history else ("SQL", ["lead.handover"]))
