"""Two leads that an operator makes one, and parts again: afterwards everything stands as if they had never been one."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from shared import contracts
from shared.message import Message
from shared.topology import COMMANDS
from tests.pipeline.house import START, House, captured
from tests.pipeline.test_main_job import CALLABLE

JO, AL = "jo@acme.example", "al@work.example"


def asks(house: House, kind: str, *, hours: int, **payload: Any) -> None:
    """An operator asks for something."""
    asked = contracts.Command(
        event_id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {hours}")),
        kind=kind,
        issued_at=START + timedelta(hours=hours),
        by="kim",
        payload=payload,
    )
    house.arrive([Message(COMMANDS.name, 0, b"ld", contracts.encode(asked), [("ce_type", b"lead.command")], asked.event_id)])


def leads(house: House) -> tuple[str, str]:
    found = {one["profile"]["email"]["address"]: one["lead_id"] for one in house.written["leads.enriched.v1"] if "profile" in one}
    return found[JO], found[AL]


def test_points_after_a_merge_and_a_split_are_those_of_two_who_never_were_one() -> None:
    never, house = House(), House()
    for one in (never, house):
        one.capture(captured(id="1", email=JO, anonymous="c1", **CALLABLE))
        one.capture(captured(id="2", email=AL, minutes=1, name="whitepaper"))
    jo, al = leads(house)
    asks(house, "merge", hours=1, lead_ids=[jo, al])
    print(house.effects)
    asks(house, "split", hours=2, lead_id=jo, identifiers=[{"kind": "email", "value": AL}])
    print(house.effects)
