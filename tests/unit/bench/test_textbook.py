"""The textbook stack does the same work: one lead through its three steps ends in the records that Leadflow would write."""

from __future__ import annotations

import msgspec

from services.capture.domain import form
from services.capture.domain.captured import Scribe
from services.capture.domain.verdict import Arrival, Submission
from shared import contracts, topology
from shared.clock import from_ms
from shared.message import Message
from shared.stage import Record
from shared.topology import Topic
from tests.bench.leads import Crowd, Lead, Writer
from tests.bench.textbook.steps import Row, Stage, enrich, route, score

SECRET = b"0123456789abcdef"
NOW_MS = 1_800_000_000_000


def captured(lead: Lead, *, at_ms: int = NOW_MS, form_name: str = "contact") -> bytes:
    arrival = Arrival(property="textbook", received_at=from_ms(at_ms))
    fields = form.of_json(Writer(1).form(lead))
    assert isinstance(fields, dict)
    found = form.submission(form_name, fields, arrival)
    assert isinstance(found, Submission)
    message = Scribe(secret=SECRET, partitions=4, new_id=lambda: "").captured(found, arrival)
    assert isinstance(message, Message)
    return message.value


def record(topic: Topic, value: bytes, *, at_ms: int = NOW_MS) -> Record:
    return Record(topic.name, 0, 0, at_ms, b"key", value, {})


def taken(
    stage: Stage,
    topic: Topic,
    value: bytes,
    *,
    before: Row | None = None,
    at_ms: int = NOW_MS,
    kept: list[bytes] | None = None,
) -> Row:
    found = stage.read(record(topic, value, at_ms=at_ms))
    assert found is not None
    row = stage.step(before.lead if before else None, found[1], kept)
    assert row is not None
    assert row.lead_id == found[0]
    return row


def ready_for_sales() -> Lead:
    """The first new person with a business mail, a phone and a home in our market."""
    writer = Writer(1)
    for lead in Crowd(1):
        if lead.number >= 0 and lead.person >= 0:
            who = writer.person(lead.person)
            if (
                who.phone.startswith("+")
                and " " not in who.phone
                and who.email.endswith(".example")
                and who.country == "DE"
            ):
                return lead
    raise AssertionError


def test_a_lead_that_is_ready_goes_through_all_three_steps_to_a_handover() -> None:
    lead = ready_for_sales()
    enriched = taken(enrich(SECRET), topology.CAPTURED, captured(lead))
    scored = taken(score(), topology.ENRICHED, enriched.send[0][1])
    told = msgspec.json.decode(scored.send[0][1], type=contracts.Scored)
    assert told.activity is not None
    assert told.activity.properties is not None
    assert (told.stage, told.activity.properties["n"]) == ("SQL", lead.number)
    handed = taken(route(), topology.SCORED, scored.send[0][1])
    handover = msgspec.json.decode(handed.send[0][1], type=contracts.Handover)
    assert handover.lead_id == told.lead_id
    assert handover.episode == told.episode


def test_the_second_event_of_a_lead_builds_on_the_first() -> None:
    stages, lead = (enrich(SECRET), score()), ready_for_sales()
    first = taken(stages[0], topology.CAPTURED, captured(lead, form_name="magnet-guide"))
    second = taken(
        stages[0],
        topology.CAPTURED,
        captured(lead._replace(number=lead.number + 1), at_ms=NOW_MS + 1000),
        before=first,
        at_ms=NOW_MS + 1000,
    )
    assert second.version > first.version
    scored = taken(stages[1], topology.ENRICHED, first.send[0][1])
    again = taken(stages[1], topology.ENRICHED, second.send[0][1], before=scored)
    assert msgspec.json.decode(again.send[0][1], type=contracts.Scored).score.engagement == 75


def test_an_event_that_comes_late_is_counted_from_everything() -> None:
    stage, lead = score(), ready_for_sales()
    late = taken(enrich(SECRET), topology.CAPTURED, captured(lead, at_ms=NOW_MS - 60_000))
    next_ = lead._replace(number=lead.number + 1)
    first = taken(enrich(SECRET), topology.CAPTURED, captured(next_, form_name="magnet-guide"))
    scored = taken(stage, topology.ENRICHED, first.send[0][1])
    assert scored.extra is not None
    again = taken(stage, topology.ENRICHED, late.send[0][1], before=scored, kept=[scored.extra])
    assert msgspec.json.decode(again.send[0][1], type=contracts.Scored).score.engagement == 75


def test_what_is_broken_is_passed_over() -> None:
    assert enrich(SECRET).read(record(topology.CAPTURED, b"{")) is None
    assert score().read(record(topology.ENRICHED, b"{}")) is None
    assert route().read(record(topology.SCORED, b"[]")) is None
