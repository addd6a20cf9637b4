"""What is told of the past, as by an import: it counts, and no salesperson is called because of it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from shared import contracts
from tests.pipeline.house import House, captured
from tests.pipeline.test_main_job import CALLABLE


def of_the_past(**fields: Any) -> contracts.Captured:
    return replace(captured(**fields), history=True)


def test_an_old_enquiry_counts_and_is_not_handed_over() -> None:
    house = House()
    house.capture(of_the_past(id="1", email="jo@acme.example", minutes=-90 * 24 * 60, **CALLABLE))
    scored = house.last("leads.scored.v1")
    assert (scored["stage"], scored["score"]["total"] > 100, scored["activity"]["name"]) == ("MQL", True, "contact")
    assert house.types("route") == []


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
    assert house.types("route") == []
    house.capture(captured(id="4", kind="page", name="page", email="jo@acme.example", minutes=3))
    assert house.types("route") == ["lead.handover"]
