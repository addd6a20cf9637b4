"""An operator disqualifies a lead: nothing qualifies it again."""

from __future__ import annotations

import uuid

from tests.unit.score.builders import NOON, READY, Desk, an_activity, days, enriched, in_sql, outcome


def disqualify() -> dict[str, object]:
    asked = outcome("won")
    return {**asked, "event_id": str(uuid.uuid4()), "kind": "disqualify", "payload": {}}


def test_who_is_disqualified_leaves_sql_and_never_comes_back() -> None:
    desk = in_sql()
    told = desk.tell(disqualify(), type_="lead.command")
    assert told is not None
    assert (told.stage, told.previous_stage) == ("disqualified", "SQL")
    assert desk.tell(disqualify(), type_="lead.command") is None
    told = desk.tell(enriched(an_activity(9, at=NOON + days(1)), profile=READY))
    assert told is not None
    assert told.stage == "disqualified"


def test_who_is_disqualified_before_anything_is_known_is_so_from_the_first_activity_on() -> None:
    desk = Desk()
    assert desk.tell(disqualify(), type_="lead.command") is None
    told = desk.tell(enriched(an_activity(1, at=NOON), profile=READY))
    assert told is not None
    assert told.stage == "disqualified"


def test_a_customer_stays_one() -> None:
    desk = in_sql()
    desk.tell(outcome("won", at=NOON), type_="lead.command")
    told = desk.tell(disqualify(), type_="lead.command")
    assert told is not None
    assert told.stage == "customer"
