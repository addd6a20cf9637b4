"""A lead, a ruleset that asks for signals, and what signals do to them. For tests."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.score.domain.account import account
from services.score.domain.lead import Due
from shared.outcome import Decision
from shared.stage import Input
from tests.unit.score.builders import BUSINESS, NOON, RULESET, Desk, a_record, an_activity, enriched, ruleset

ADVISED = (
    RULESET.replace(
        "fit:\n  cap: 40\n  rules:\n",
        """fit:
  cap: 100
  rules:
    - {id: busy, when: 'signal.velocity >= 5', points: 30}
    - {id: crowd, when: 'signal.domain_burst > 2 && !has(signal.inhuman_speed)', points: 4}
""",
    ).replace("  IQL: {any: [", "  IQL: {any: ['signal.property_burst > 9', ")
    + """
segments:
  - {id: rushed, when: 'signal.inhuman_speed >= 8'}
"""
)


TEN_MINUTES = timedelta(minutes=10)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def a_signal(
    name: str = "velocity", value: Any = 7, *, at: datetime = NOON, lasts: timedelta = TEN_MINUTES, **fields: Any
) -> dict[str, Any]:
    made = {
        "event_id": str(uuid.uuid4()),
        "lead_id": "ld_jo",
        "name": name,
        "value": value,
        "at": at,
        "expires_at": at + lasts,
    }
    return {**made, **fields}


def advise(desk: Desk, signal: dict[str, Any], *, now: datetime = NOON) -> list[dict[str, Any]]:
    """A signal's record; what was told because of it."""
    input_ = desk.stage.decode(a_record(signal, type_="lead.signal", now=now))
    if input_ is None:
        return []
    assert isinstance(input_, Input)
    decided = desk.decide(input_)
    assert isinstance(decided, Decision)
    return [msgspec.json.decode(msgspec.json.encode(one.data)) for one in decided.emit]


def a_desk(text: str = ADVISED) -> Desk:
    """Score with a lead that has 25 points for its mail and 60 for a form."""
    desk = Desk(ruleset(text))
    desk.tell(enriched(an_activity(1), profile=BUSINESS))
    return desk


def points(desk: Desk, now: datetime) -> float:
    """The total as the API tells it, from the reference fold over what is kept."""
    known = desk.known(now)
    assert known is not None
    return float(account(known, desk.in_force).folded.total)


def looked_at(desk: Desk) -> list[dict[str, Any]]:
    """What the clock does at the moment at which the lead is to be looked at."""
    at = desk.leads["ld_jo"].state.review_at
    assert at is not None
    decided = desk.decide(Input(str(uuid.uuid4()), Due("ld_jo"), at, 3))
    assert isinstance(decided, Decision)
    return [msgspec.json.decode(msgspec.json.encode(one.data)) for one in decided.emit]
