"""Where an event may hold personal data is known from its type, in the published schemas too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.contracts import (
    EVENTS,
    Activity,
    Dead,
    Email,
    Handover,
    HandoverScore,
    Noted,
    Owner,
    Page,
    Profile,
    Scored,
    Touch,
)
from shared.generate.schemas import schemas
from shared.personal import personal_paths, personal_values

AT = datetime(2026, 11, 27, 1, 2, 3, tzinfo=UTC)


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


def test_personal_fields_are_found_however_deep_they_are() -> None:
    assert {
        "profile.email.address",
        "profile.phone.e164",
        "profile.user_ids",
        "profile.custom",
        "owner.email",
        "recent_activities.*.page.url",
        "first_touch.landing_page",
    } <= personal_paths(Handover)
    assert personal_paths(Dead) == {"value", "key", "headers.*.1"}


def test_what_services_count_and_route_by_is_not_personal() -> None:
    unmarked = {"lead_id", "event_id", "profile.email.kind", "profile.country", "stage", "contributions.*.rule"}
    assert not unmarked & personal_paths(Scored)


@pytest.mark.parametrize("type_", sorted(EVENTS))
def test_the_schema_marks_the_same_fields_as_the_types(type_: str) -> None:
    schema = schemas()[type_]
    assert _marked(schema, schema["$defs"], "") == personal_paths(EVENTS[type_])


def _marked(schema: Any, defs: dict[str, Any], at: str) -> set[str]:
    """The paths that carry `x-personal` in a JSON Schema, found without the code under test."""
    if not isinstance(schema, dict):
        return set()
    if "$ref" in schema:
        return _marked(defs[schema["$ref"].rsplit("/", 1)[1]], defs, at)
    if schema.get("x-personal"):
        return {at}
    inside = [(schema["properties"][name], f"{at}.{name}") for name in schema.get("properties", ())]
    inside += [(one, at) for one in schema.get("anyOf", ())]
    inside += [(schema.get("items"), f"{at}.*"), (schema.get("additionalProperties"), f"{at}.*")]
    inside += [(one, f"{at}.{place}") for place, one in enumerate(schema.get("prefixItems", ()))]
    return {path.lstrip(".") for inner, where in inside for path in _marked(inner, defs, where)}


def test_the_personal_values_of_an_event_are_what_its_marked_fields_hold() -> None:
    event = a_handover(
        owner=Owner(id="anna", name="Anna Beck", team="dach"),
        profile=Profile(
            email=Email(address="jo@acme.example", kind="business", domain="acme.example"),
            country="DE",
            custom={"shoe": {"size": 43, "wide": True}, "pets": ["Rex"]},
        ),
        first_touch=Touch(at=AT, channel="Email", landing_page="https://shop.example/?mail=jo"),
        recent_activities=[an_activity(page=Page(url="https://shop.example/jo"))],
    )
    assert personal_values(event) == {
        "Anna Beck",
        "jo@acme.example",
        "43",
        "Rex",
        "https://shop.example/?mail=jo",
        "https://shop.example/jo",
    }


def test_an_event_that_holds_no_person_has_no_personal_values() -> None:
    assert personal_values(Noted(event_id="e", activity_id="a", why="visitor")) == frozenset()
