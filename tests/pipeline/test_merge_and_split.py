"""Two leads that an operator makes one, and parts again: points and handovers afterwards are those of two who never were one."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from shared import contracts
from shared.message import Message
from shared.topology import COMMANDS
from tests.pipeline.house import START, House, captured
from tests.pipeline.test_main_job import CALLABLE

JO, AL = "jo@acme.example", "al@work.example"
CALLABLE_TOO = {**CALLABLE, "phone": "+49 40 901821", "company": "Work Inc", "firstname": "Al"}
READS = captured(id="2", kind="page", name="page", email=AL, anonymous="c2", minutes=1)
ASKS = captured(id="2", email=AL, anonymous="c2", minutes=1, **CALLABLE_TOO)


def ask(house: House, kind: str, number: int, **payload: Any) -> None:
    """An operator asks for something, an hour after the last time."""
    id_ = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {number}"))
    at = START + timedelta(hours=number)
    asked = contracts.Command(event_id=id_, kind=kind, issued_at=at, by="kim", payload=payload)
    house.arrive([Message(COMMANDS.name, 0, b"ld", contracts.encode(asked), [("ce_type", b"lead.command")], id_)])


def lead_of(house: House, address: str) -> str:
    """The lead that an address has made."""
    enriched = [one for one in house.written["leads.enriched.v1"] if "profile" in one]
    return str(next(one["lead_id"] for one in enriched if one["profile"]["email"]["address"] == address))


def stands(house: House) -> dict[str, Any]:
    """What score says of each lead last, and who has its open handover."""
    told: dict[str, Any] = {}
    for one in house.written["leads.scored.v1"]:
        rules = sorted((said["rule"], said["points"]) for said in one["contributions"])
        told[one["lead_id"]] = [one["score"], one["grade"], one["stage"], rules, one.get("absorbed"), one["profile"]]
    written = house.written["leads.handover.v1"]
    withdrawn = {one["handover_id"] for one in written if "because" in one}
    for one in written:
        if one["handover_id"] not in withdrawn:
            told[one["lead_id"]].append(one["owner"]["id"])
    return told


@pytest.mark.parametrize("theirs", [READS, ASKS])
def test_points_and_handovers_after_a_merge_and_a_split_are_those_of_two_who_never_were_one(
    theirs: contracts.Captured,
) -> None:
    never, house = House(), House()
    for one in (never, house):
        one.capture(captured(id="1", email=JO, anonymous="c1", **CALLABLE), theirs)
    jo, al = lead_of(house, JO), lead_of(house, AL)
    before = stands(house)

    ask(house, "merge", 1, lead_ids=[jo, al])
    merged = stands(house)[jo]
    assert (merged[4], merged[0]["total"] >= before[jo][0]["total"]) == ([al], True)
    later = captured(id="3", kind="page", name="page", anonymous="c2", minutes=2)
    for one in (never, house):
        one.capture(later)
    ask(house, "split", 2, lead_id=jo, identifiers=[{"kind": "email", "value": AL}])

    assert house.types("enrich").count("lead.merged") == house.types("enrich").count("lead.split") == 1
    assert stands(house) == stands(never)
    for one in (never, house):
        one.capture(captured(id="4", email=AL, minutes=3, **CALLABLE_TOO), captured(id="5", email=JO, minutes=4))
    assert stands(house) == stands(never)
    assert all(len(one) == 7 for one in stands(house).values()), "each has one owner"


def test_a_merge_that_is_asked_for_again_after_a_split_holds() -> None:
    house = House()
    house.capture(captured(id="1", email=JO, **CALLABLE), READS)
    jo, al = lead_of(house, JO), lead_of(house, AL)
    for number in (1, 3):
        ask(house, "merge", number, lead_ids=[jo, al])
        if number == 1:
            ask(house, "split", 2, lead_id=jo, identifiers=[{"kind": "email", "value": AL}])
    said = len(house.written["leads.scored.v1"])
    house.capture(captured(id="3", email=AL, minutes=9))
    assert [one["lead_id"] for one in house.written["leads.scored.v1"][said:]] == [jo]
    assert stands(house)[jo][4] == [al]
    assert len(house.written["leads.handover.v1"]) == 1
