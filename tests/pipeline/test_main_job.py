"""One lead from a form to a handover, through the four real decisions."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.pipeline.house import House, captured

CALLABLE: dict[str, Any] = {
    "phone": "+49 30 901820",
    "country": "Germany",
    "company": "Acme GmbH",
    "firstname": "Jo",
    "lastname": "Doe",
}


def test_an_enquiry_of_a_callable_business_lead_is_handed_over_once() -> None:
    house = House()
    house.capture(captured(id="1", email="jo@acme.example", **CALLABLE))
    assert [(stage, type_) for stage, type_, _ in house.effects] == [
        ("enrich", "lead.enriched"),
        ("score", "lead.scored"),
        ("route", "lead.handover"),
    ]
    handover = house.last("leads.handover.v1")
    assert handover["owner"]["team"] == "dach"
    assert handover["profile"]["email"] == {"address": "jo@acme.example", "kind": "business", "domain": "acme.example"}
    assert handover["profile"]["phone"]["e164"] == "+4930901820"
    assert handover["path"][-1]["matched"]
    scored = house.last("leads.scored.v1")
    assert scored["stage"] == "SQL"
    assert round(sum(one["points"] for one in scored["contributions"]), 2) == scored["score"]["total"]


def test_a_repeat_changes_nothing() -> None:
    house = House()
    event = captured(id="1", email="jo@acme.example", **CALLABLE)
    house.capture(event, event)
    before = list(house.effects)
    house.capture(event)
    assert house.effects == before


def test_a_visitors_history_comes_along_when_they_identify() -> None:
    house = House()
    house.capture(
        captured(id="1", kind="page", name="page", anonymous="a1"),
        captured(id="2", kind="page", name="page", anonymous="a1", minutes=1),
    )
    assert house.types("enrich") == ["lead.noted", "lead.noted"]
    house.capture(captured(id="3", email="jo@acme.example", anonymous="a1", minutes=2))
    ids = [one["activity"]["id"] for one in house.written["leads.scored.v1"]]
    assert ids == [captured(id=str(k)).event_id for k in (1, 2, 3)]
    assert house.written["leads.scored.v1"][0]["activity"]["occurred_at"].startswith("2026-11-27T09:00:00")


def test_a_free_mail_reader_is_not_handed_over_but_asked_for_an_e_book() -> None:
    house = House()
    house.capture(captured(id="1", name="magnet-ebook", email="jo@gmail.com"))
    assert house.types("route") == ["lead.nurture"]
    assert house.last("leads.nurture.v1")["content"] == "ebook-link"
    assert house.last("leads.scored.v1")["stage"] == "IQL"


def test_two_of_one_account_go_to_one_owner() -> None:
    house = House()
    house.capture(
        captured(id="1", email="jo@acme.example", **CALLABLE), captured(id="2", email="al@acme.example", **CALLABLE)
    )
    owners = [one["owner"]["id"] for one in house.written["leads.handover.v1"]]
    assert len(owners) == 2
    assert owners[0] == owners[1]


def test_a_rejected_lead_qualifies_again_through_a_new_activity_and_returns_to_its_owner() -> None:
    house = House()
    house.capture(captured(id="1", email="jo@acme.example", **CALLABLE))
    first = house.last("leads.handover.v1")
    house.outcome(
        handover_id=first["handover_id"], outcome="rejected", reason="no-budget", occurred_at="2026-11-27T10:00:00Z"
    )
    scored = house.last("leads.scored.v1")
    assert scored["cause"] == "outcome"
    assert scored["previous_stage"] == "SQL"
    assert scored["stage"] != "SQL"
    house.capture(captured(id="2", name="demo", email="jo@acme.example", minutes=24 * 60))
    handovers = house.written["leads.handover.v1"]
    assert [one["episode"] for one in handovers] == [1, 2]
    assert handovers[1]["owner"] == first["owner"]


def test_a_win_makes_a_customer() -> None:
    house = House()
    house.capture(captured(id="1", email="jo@acme.example", **CALLABLE))
    house.outcome(
        handover_id=house.last("leads.handover.v1")["handover_id"], outcome="won", occurred_at="2026-11-28T10:00:00Z"
    )
    assert house.last("leads.scored.v1")["stage"] == "customer"


def test_a_merge_keeps_one_handover_open_and_every_activity() -> None:
    """Two leads, one by user id and one by address, turn out to be one person."""
    house = House()
    by_user = msgspec.structs.replace(captured(id="1", name="contact", **CALLABLE), user_id="u1")
    house.capture(by_user)
    house.capture(captured(id="2", email="jo@acme.example", minutes=1, **CALLABLE))
    house.capture(
        msgspec.structs.replace(
            captured(id="3", kind="identify", name="identify", email="jo@acme.example", minutes=2), user_id="u1"
        )
    )
    merged = [one for one in house.written["leads.enriched.v1"] if "absorbed" in one]
    assert len(merged) == 1
    survivor = merged[0]["survivor"]
    last = [one for one in house.written["leads.scored.v1"] if one["lead_id"] == survivor][-1]
    assert merged[0]["absorbed"] in last.get("absorbed", [])
    open_ = {one["lead_id"] for one in house.written["leads.handover.v1"] if "owner" in one and "because" not in one}
    assert survivor in open_
