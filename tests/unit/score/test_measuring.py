"""What score counts of its own decisions: the funnel, and since when a lead waits for its score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from services.score import measuring
from services.score.domain.lead import Due
from shared.metrics import funnel
from shared.metrics.counted import Counts, Labels, Names
from shared.outcome import Decision
from shared.stage import Input
from tests.unit.score.builders import NOON, READY, Desk, a_record, an_activity, enriched

ACCEPTED = "2026-06-17T11:59:59.500Z"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process' counts are others'."""
    monkeypatch.setattr(funnel.ENTERED, "_counts", {})
    monkeypatch.setattr(funnel.LEFT, "_counts", {})
    monkeypatch.setattr(funnel, "PROPERTIES", Names(2))


def told(desk: Desk, value: Mapping[str, Any]) -> Input:
    input_ = desk.stage.decode(a_record(value))
    assert isinstance(input_, Input)
    decided = desk.decide(input_)
    assert isinstance(decided, Decision)
    measuring.measure([(input_, outgoing) for outgoing in decided.emit])
    return input_


def counts(of: Counts) -> dict[Labels, int]:
    return dict(of._counts)


def test_a_lead_that_comes_into_a_stage_is_counted_by_property_and_first_channel() -> None:
    desk = Desk()
    touch = {"at": ACCEPTED, "channel": "paid-search"}
    told(desk, enriched(an_activity(1, name="demo"), profile=READY, first_touch=touch))
    told(desk, enriched(an_activity(2, name="demo"), profile=READY, first_touch=touch))
    assert counts(funnel.ENTERED) == {("SQL", "www", "paid-search"): 1}
    assert counts(funnel.LEFT) == {("raw",): 1}


def test_a_property_past_the_bound_is_other_and_one_that_could_be_a_person_too() -> None:
    names = ["shop", "jo@acme.example", "+493012345678", "blog", "docs"]
    for number, property_ in enumerate(names):
        told(Desk(), enriched(an_activity(number, name="demo", property=property_), profile=READY))
    assert counts(funnel.ENTERED) == {
        ("SQL", "shop", "none"): 1,
        ("SQL", "blog", "none"): 1,
        ("SQL", "other", "none"): 3,
    }


def test_what_is_told_again_or_of_the_past_waited_for_nothing() -> None:
    desk = Desk()
    fresh_ = an_activity(1, revision=1, received_at=ACCEPTED)
    assert measuring.accepted(told(desk, enriched(fresh_)).event) == NOON.replace(
        hour=11, minute=59, second=59, microsecond=500_000
    )
    again = an_activity(1, revision=2, received_at=ACCEPTED)
    assert measuring.accepted(told(desk, enriched(again)).event) is None
    joined = an_activity(2, revision=1, received_at=ACCEPTED)
    assert measuring.accepted(told(desk, enriched(joined, history=True)).event) is None
    assert measuring.accepted(Due("ld_jo")) is None


def test_a_field_that_score_does_not_need_spoils_nothing() -> None:
    broken = an_activity(1, revision=1, received_at=7, property=["www"])
    assert measuring.accepted(told(Desk(), enriched(broken, first_touch={"channel": 3})).event) is None
