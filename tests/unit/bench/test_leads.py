"""The benchmark's leads: the same for the same seed, of the right size, in the right parts."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice

import pytest

from services.capture.domain import form, segment
from services.capture.domain.captured import strongest
from services.capture.domain.verdict import Arrival, Submission
from shared.clock import from_ms
from tests.bench.leads import BODY_BYTES, Crowd, Kind, Lead, Mix, Writer, form_path

ARRIVAL = Arrival(property="bench", received_at=from_ms(1_800_000_000_000))


def drawn(count: int, *, seed: int = 1, first: int = 0, people: int = 0, mix: Mix | None = None) -> list[Lead]:
    return list(islice(Crowd(seed, first=first, people=people, mix=mix), count))


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, other = Writer(7), Writer(7)
    assert [one.form(lead) for lead in drawn(500, seed=7)] == [other.form(lead) for lead in drawn(500, seed=7)]


def test_another_seed_gives_other_leads() -> None:
    assert drawn(500, seed=1) != drawn(500, seed=2)
    assert Writer(1).person(5) != Writer(2).person(5)


def test_the_parts_are_as_stated() -> None:
    found = Counter(lead.kind for lead in drawn(50_000, people=1000))
    parts = {kind: found[kind] / 50_000 for kind in Kind}
    assert parts[Kind.KNOWN] == pytest.approx(0.30, abs=0.02)
    assert parts[Kind.VISIT] == pytest.approx(0.02, abs=0.004)
    assert parts[Kind.REPEAT] == pytest.approx(0.02, abs=0.004)
    assert parts[Kind.INVALID] == pytest.approx(0.01, abs=0.003)


def test_each_number_is_given_once_and_a_repeat_has_its_originals() -> None:
    leads = drawn(5000, first=100)
    own = [lead.number for lead in leads if lead.kind < Kind.REPEAT]
    assert own == list(range(100, 100 + len(own)))
    seen: dict[int, int] = {}
    for lead in leads:
        if lead.kind is Kind.REPEAT:
            assert seen[lead.number] == lead.person
        elif lead.number >= 0:
            seen[lead.number] = lead.person


def test_a_visitor_is_identified_later_under_the_same_cookie() -> None:
    leads, writer = drawn(5000), Writer(1)
    visits = {lead.person: at for at, lead in enumerate(leads) if lead.kind is Kind.VISIT}
    identified = [(at, lead) for at, lead in enumerate(leads) if lead.kind is Kind.IDENTIFIED]
    assert identified
    for at, lead in identified:
        assert at >= visits[lead.person] + 50
        visit = json.loads(writer.form(Lead(Kind.VISIT, 1, lead.person)))
        assert "email" not in visit
        assert json.loads(writer.form(lead))["anonymousId"] == visit["anonymousId"]


def test_nobody_is_named_while_they_are_still_a_visitor() -> None:
    waiting: set[int] = set()
    for lead in drawn(20_000):
        if lead.kind is Kind.VISIT:
            waiting.add(lead.person)
        elif lead.kind is Kind.IDENTIFIED:
            waiting.remove(lead.person)
        else:
            assert lead.person not in waiting


def test_a_prefill_is_new_people_only() -> None:
    leads = drawn(1000, mix=Mix(known=0, joins=0, repeats=0, invalid=0))
    assert {lead.kind for lead in leads} == {Kind.NEW}
    assert [lead.person for lead in leads] == list(range(1000))


@pytest.mark.parametrize("kind", list(Kind))
def test_a_form_is_one_kilobyte_that_capture_understands(kind: Kind) -> None:
    body = Writer(1).form(Lead(kind, -1 if kind is Kind.INVALID else 40, 40))
    assert len(body) == BODY_BYTES
    fields = form.of_json(body)
    assert isinstance(fields, dict)
    found = form.submission("contact", fields, ARRIVAL)
    assert isinstance(found, Submission)
    assert (strongest(found, "bench") is None) == (kind is Kind.INVALID)


@pytest.mark.parametrize("kind", list(Kind))
def test_an_event_is_one_kilobyte_that_capture_understands(kind: Kind) -> None:
    writer = Writer(1)
    lead = Lead(kind, -1 if kind is Kind.INVALID else 41, 41)
    assert len(writer.event(lead)) == BODY_BYTES
    batch = segment.batch(writer.batch([lead, lead]))
    assert isinstance(batch, segment.SdkBatch)
    event = segment.of_batch(batch, 1)
    assert isinstance(event, tuple)
    found = segment.submission(*event, ARRIVAL)
    assert isinstance(found, Submission)
    assert found.properties["n"] == lead.number
    assert (strongest(found, "bench") is None) == (kind is Kind.INVALID)


def test_a_person_is_the_same_in_every_post() -> None:
    writer = Writer(1)
    new, known = (json.loads(writer.form(Lead(kind, 50 + kind, 9))) for kind in (Kind.NEW, Kind.KNOWN))
    for field in ("email", "firstName", "lastName", "phone", "company", "country"):
        assert new[field] == known[field]


def test_one_form_in_five_asks_for_contact() -> None:
    forms = Counter(form_path(lead) for lead in drawn(5000) if lead.number >= 0)
    assert forms["/v1/forms/contact"] / forms.total() == pytest.approx(0.2, abs=0.02)
