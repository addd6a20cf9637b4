"""The events hold what is promised, are written and read as promised, and say where personal data may be."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from shared import clock, contracts
from shared.contracts import (
    EVENTS,
    Activity,
    Captured,
    Command,
    Context,
    Dead,
    Email,
    Handover,
    HandoverScore,
    OutcomeReported,
    Owner,
    Page,
    Place,
    Points,
    Profile,
    RulesetRef,
    Scored,
    encode,
)
from shared.generate.schemas import schemas

AT = datetime(2026, 11, 27, 1, 2, 3, tzinfo=UTC)
moments = st.integers(0, 7_000_000_000_000).map(clock.from_ms)

# The fields that the public interface names, by event; `?` marks those that may be absent.
PROMISED: dict[str, str] = {
    "lead.captured": "event_id property kind name occurred_at received_at anonymous_id? user_id? traits? properties?"
    " context? consent?",
    "lead.enriched": "event_id lead_id profile_version activity profile first_touch? last_touch? joined?",
    "lead.merged": "event_id survivor absorbed because",
    "lead.split": "event_id lead_id restored",
    "lead.noted": "event_id activity_id why",
    "lead.scored": "event_id lead_id score_version score grade stage previous_stage stage_since ruleset probability?"
    " segments? contributions cause activity? profile first_touch? last_touch? absorbed?",
    "lead.handover": "event_id handover_id lead_id episode attempt owner profile score first_touch? last_touch?"
    " recent_activities? path accept_by? contact_by? consent? created_at",
    "lead.handover.withdrawn": "event_id handover_id lead_id owner because at",
    "lead.outcome": "event_id? handover_id? lead_id? outcome reason? amount? currency? occurred_at? by?",
    "lead.nurture": "event_id enrolment_id lead_id track step content? channel? due_at? skipped?",
    "lead.command": "event_id kind issued_at lead_id? by? payload?",
    "lead.dead": "event_id service reason detail place at value key? headers?",
}
PROMISED_PARTS: dict[type[msgspec.Struct], str] = {
    contracts.Context: "page campaign click_ids ip user_agent locale timezone",
    contracts.Page: "url referrer title",
    contracts.Campaign: "source medium name term content",
    contracts.ConsentGiven: "purposes text version basis",
    contracts.Activity: "id revision name kind occurred_at property channel direction campaign human page asset properties"
    " withdrawn",
    contracts.Profile: "email phone name company job country region city postal_code language timezone consent user_ids"
    " external_ids custom test sources",
    contracts.Email: "address kind domain",
    contracts.Phone: "e164 region kind extension",
    contracts.Name: "full given family title",
    contracts.Company: "name domain size industry",
    contracts.Job: "title seniority department",
    contracts.Consent: "given at text version basis",
    contracts.Touch: "at channel direction campaign click_ids referrer landing_page",
    contracts.Points: "total fit engagement",
    contracts.RulesetRef: "id version",
    contracts.Contribution: "rule version points base decay activities count",
    contracts.Owner: "id name email team",
    contracts.HandoverScore: "total fit engagement top",
}


def captured(**changed: Any) -> Captured:
    said: dict[str, Any] = {
        "event_id": "e1",
        "property": "shop",
        "kind": "form",
        "name": "demo",
        "occurred_at": AT,
        "received_at": AT,
    }
    return Captured(**(said | changed))


def an_activity(**changed: Any) -> Activity:
    said: dict[str, Any] = {
        "id": "e1",
        "revision": 1,
        "name": "demo",
        "kind": "form",
        "occurred_at": AT,
        "property": "shop",
    }
    return Activity(**(said | changed))


def scored(**changed: Any) -> Scored:
    said: dict[str, Any] = {
        "event_id": "e2",
        "lead_id": "ld_1",
        "score_version": 1,
        "score": Points(total=1, fit=1, engagement=0),
        "grade": "A",
        "stage": "raw",
        "previous_stage": "raw",
        "stage_since": AT,
        "ruleset": RulesetRef(id="default", version=1),
        "cause": "e1",
        "contributions": [],
        "profile": Profile(),
    }
    return Scored(**(said | changed))


def a_handover(**changed: Any) -> Handover:
    said: dict[str, Any] = {
        "event_id": "e3",
        "handover_id": "ho_1",
        "lead_id": "ld_1",
        "episode": 1,
        "attempt": 1,
        "owner": Owner(id="anna"),
        "profile": Profile(),
        "score": HandoverScore(total=1, fit=1, engagement=0),
        "path": [],
        "created_at": AT,
    }
    return Handover(**(said | changed))


def events() -> st.SearchStrategy[msgspec.Struct]:
    """Any event of any type, by the types of its fields."""
    return st.sampled_from(list(EVENTS.values())).flatmap(lambda event: values(inspect.type_info(event)))


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    match kind:
        case inspect.Metadata(type=inner):
            return values(inner)
        case inspect.StructType(cls=cls, fields=fields):
            return st.fixed_dictionaries({field.name: values(field.type) for field in fields}).map(
                lambda said: cls(**said)
            )
        case inspect.UnionType(types=types):
            return st.one_of(*map(values, types))
        case inspect.ListType(item_type=inner):
            return st.lists(values(inner), max_size=2)
        case inspect.DictType(value_type=inner):
            return st.dictionaries(st.text("abc", max_size=3), values(inner), max_size=2)
        case inspect.TupleType(item_types=types):
            return st.tuples(*map(values, types))
        case inspect.FloatType():
            return st.sampled_from([0.0, 0.5, 1.0])
        case inspect.DateTimeType():
            return moments
        case inspect.AnyType():
            return st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
    simple: dict[type[inspect.Type], st.SearchStrategy[Any]] = {
        inspect.StrType: st.text(max_size=8),
        inspect.IntType: st.integers(0, 2**53),
        inspect.BoolType: st.booleans(),
        inspect.BytesType: st.binary(max_size=8),
        inspect.NoneType: st.none(),
    }
    return simple[type(kind)]


# -- what is there -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", sorted(PROMISED))
def test_an_event_has_every_promised_field_and_asks_for_no_other(type_: str) -> None:
    fields = {field.name: field.required for field in msgspec.structs.fields(EVENTS[type_])}
    promised = {name.rstrip("?"): not name.endswith("?") for name in PROMISED[type_].split()}
    assert {name: fields.get(name) for name in promised} == promised
    assert not [name for name, required in fields.items() if required and name not in promised]


@pytest.mark.parametrize("part", list(PROMISED_PARTS), ids=lambda part: part.__name__)
def test_a_part_has_every_promised_field(part: type[msgspec.Struct]) -> None:
    assert set(PROMISED_PARTS[part].split()) <= {field.name for field in msgspec.structs.fields(part)}


def test_every_event_but_an_outcome_names_itself() -> None:
    assert {
        t for t, event in EVENTS.items() if "event_id" not in schemas()[t]["$defs"][event.__name__]["required"]
    } == {"lead.outcome"}


# -- how it is written and read ------------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None, max_examples=60)
@given(events())
def test_any_event_that_is_written_fits_its_schema_and_is_read_as_it_was(event: msgspec.Struct) -> None:
    written = encode(event)
    (type_,) = [type_ for type_, cls in EVENTS.items() if cls is type(event)]
    jsonschema.Draft202012Validator(schemas()[type_]).validate(json.loads(written))
    assert msgspec.json.decode(written, type=type(event)) == event


def test_what_is_not_known_is_absent() -> None:
    assert json.loads(encode(Profile(email=Email(address="jo@acme.example")))) == {
        "email": {"address": "jo@acme.example"}
    }


def test_what_readers_may_count_on_is_written_even_when_it_is_empty() -> None:
    said = json.loads(encode(captured()))
    assert (said["traits"], said["properties"], said["context"]) == ({}, {}, {})
    assert json.loads(encode(an_activity()))["human"] == 1.0
    assert json.loads(encode(scored()))["segments"] == []
    handed = json.loads(encode(a_handover()))
    assert (handed["recent_activities"], handed["score"]["top"], handed["path"]) == ([], [], [])
    assert json.loads(encode(Command(event_id="c", kind="outcome", issued_at=AT)))["payload"] == {}


def test_a_submission_of_an_outsider_may_leave_out_what_is_empty() -> None:
    bare = {name: value for name, value in json.loads(encode(captured())).items() if value != {}}
    assert msgspec.json.decode(json.dumps(bare), type=Captured) == captured()


def test_fields_that_nobody_knows_are_ignored() -> None:
    said = json.loads(encode(captured())) | {"colour": "green", "context": {"page": {"url": "/", "depth": 3}}}
    assert msgspec.json.decode(json.dumps(said), type=Captured) == captured(context=Context(page=Page(url="/")))


def test_times_are_written_in_utc_as_rfc_3339() -> None:
    assert json.loads(encode(captured()))["occurred_at"] == "2026-11-27T01:02:03Z"


@pytest.mark.parametrize("when", ["2026-11-27T01:02:03", "2026-11-27", "1764205323", "yesterday"])
def test_a_time_without_a_zone_is_refused_where_it_is_read(when: str) -> None:
    said = json.loads(encode(captured())) | {"occurred_at": when}
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(said), type=Captured)


def test_no_contract_takes_a_time_without_a_zone() -> None:
    def zones(kind: inspect.Type) -> set[bool | None]:
        match kind:
            case inspect.DateTimeType(tz=tz):
                return {tz}
            case inspect.StructType(fields=fields):
                return {tz for field in fields for tz in zones(field.type)}
            case inspect.UnionType(types=types) | inspect.TupleType(item_types=types):
                return {tz for one in types for tz in zones(one)}
            case inspect.Metadata(type=inner) | inspect.ListType(item_type=inner) | inspect.DictType(value_type=inner):
                return zones(inner)
        return set()

    assert {tz for event in EVENTS.values() for tz in zones(inspect.type_info(event))} == {True}


def test_likelihoods_are_between_zero_and_one() -> None:
    said = json.loads(encode(scored(activity=an_activity()))) | {"probability": 1.2}
    with pytest.raises(msgspec.ValidationError, match="probability"):
        msgspec.json.decode(json.dumps(said), type=Scored)


def test_an_outcome_needs_nothing_but_the_outcome() -> None:
    assert msgspec.json.decode(b'{"outcome": "won"}', type=OutcomeReported) == OutcomeReported(outcome="won")


def test_a_dead_letter_keeps_any_bytes_whole() -> None:
    dead = Dead(
        event_id="d",
        service="enrich",
        reason="undecodable",
        detail="",
        place=Place(topic="leads.captured.v1", partition=0, offset=7),
        at=AT,
        value=bytes(range(256)),
        key=b"\x00",
        headers=[("ce_id", b"\xff")],
    )
    assert msgspec.json.decode(encode(dead), type=Dead) == dead


# -- the published schemas -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", sorted(EVENTS))
def test_a_schema_is_valid_by_its_own_dialect_and_holds_no_other_address(type_: str) -> None:
    schema = schemas()[type_]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert re.findall(r"\w+://[^\s\"]+", json.dumps(schema)) == ["https://json-schema.org/draft/2020-12/schema"]
