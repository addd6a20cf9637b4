"""A ruleset is published: whom it brings into SQL is handed over once, whoever comes to the lead first."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.score.domain.lead import Republished
from services.score.domain.publications import Rulesets, rulesets
from services.score.main import stage as score_stage
from shared.documents.inforce import Publication, version_of
from shared.fold import fold
from shared.stage import Input
from tests.pipeline.house import PARTITIONS, RULESET, START, House, captured

CALLABLE: dict[str, Any] = {"phone": "+49 30 901820", "country": "Germany", "company": "Acme GmbH"}
SHIPPED = RULESET.read_text()
NOBODY = SHIPPED.replace("SQL: {enter: 100, leave: 80", "SQL: {enter: 900, leave: 800")
T = START + timedelta(days=3)


class Office(House):
    """The house under rulesets of its own."""

    def __init__(self) -> None:
        super().__init__()
        # Every example of the shipped one has another stage under this.
        self.rulesets: Rulesets = rulesets(NOBODY[: NOBODY.index("\nexamples:")])
        self.stages = tuple(score_stage(self.rulesets) if one.name == "score" else one for one in self.stages)
        self._desk.always_loads_all = True

    def publish(self, text: str, at: datetime, **options: Any) -> None:
        for part in range(PARTITIONS):
            self.rulesets.take_in(part, [Publication(part, 0, at, version_of(text), options)], {version_of(text): text})

    def turn(self, lead_id: str, at: datetime) -> None:
        """The background's turn of a lead, and everything that follows from it."""
        (score,) = (one for one in self.stages if one.name == "score")
        input_ = Input("turn", Republished(lead_id), at, self._desk.leads[lead_id].part)
        done = fold(score, self._desk.load([input_]), [input_], partitions=PARTITIONS, refused={})
        assert not done.rejected
        self._desk.save(done.changes)
        self.arrive([message for sent in done.messages.values() for message in sent])

    def handovers(self) -> int:
        return self.handed().count("lead.handover")


@pytest.fixture
def office() -> Office:
    made = Office()
    made.capture(captured(id="1", email="jo@acme.example", **CALLABLE))
    assert made.handovers() == 0
    return made


def test_a_lead_that_it_brings_into_sql_is_handed_over_once(office: Office) -> None:
    lead_id = office.last("leads.scored.v1")["lead_id"]
    office.publish(SHIPPED, T)
    office.turn(lead_id, T)
    assert office.handovers() == 1
    assert office.last("leads.handover.v1")["episode"] == 1
    office.turn(lead_id, T)
    office.capture(captured(id="2", kind="page", name="page", email="jo@acme.example"))
    assert office.handovers() == 1


def test_handovers_that_are_held_come_with_the_next_thing_that_somebody_does(office: Office) -> None:
    lead_id = office.last("leads.scored.v1")["lead_id"]
    office.publish(SHIPPED, T, handover=False)
    office.turn(lead_id, T)
    assert office.handovers() == 0
    office._now_ms += 86_400_000 * 3
    office.capture(captured(id="2", kind="page", name="page", email="jo@acme.example"))
    assert office.handovers() == 1
