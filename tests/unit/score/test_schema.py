"""The published JSON Schema of a ruleset says what the loader takes, and is served."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from hypothesis import given, settings

from services.score import document_api
from services.score.generate import SCHEMA
from services.score.schema import schema
from services.score.settings import SHIPPED
from tests.unit.score import rulesets
from tests.unit.score.test_lint import SMALL

VALIDATOR = jsonschema.Draft202012Validator(schema())


def fits(text: str) -> bool:
    return bool(VALIDATOR.is_valid(json.loads(json.dumps(yaml.safe_load(text)))))


def client() -> AsyncClient:
    app = FastAPI()
    app.include_router(document_api.routes())
    return AsyncClient(transport=ASGITransport(app), base_url="http://score")


def test_it_is_a_schema_and_the_committed_one_is_current() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert json.loads(SCHEMA.read_text()) == schema()


@pytest.mark.parametrize("name", ["default.yaml", "reference.yaml"])
def test_what_is_shipped_fits(name: str) -> None:
    assert fits(SHIPPED.with_name(name).read_text())


@settings(max_examples=40, deadline=None)
@given(rulesets.texts())
def test_any_ruleset_that_is_taken_fits(text: str) -> None:
    assert fits(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("format: 1", "format: 2"),
        ("id: small", "id: Small One"),
        ("points: 30}", "pionts: 30}"),
        ("points: 30}", "points: many}"),
        ("match: {kind: form}", "match: {}"),
        ("match: {kind: form}", "match: {knd: form}"),
        ("points: 40", "limit: once"),
        ("points: 40", "points: 40\n      limit: 0 per day"),
        ("points: 40", "points: 40\n      fade: 3d\n      window: 3d"),
        ("points: 40", "points: 40\n      half_life: 3"),
        ("MQL: {enter: 30}", "MQL: {dwell: 3d}"),
        ("stage: SQL", "stage: Hot"),
        ("timezone: UTC\n", ""),
    ],
)
def test_what_has_another_form_does_not_fit(before: str, after: str) -> None:
    assert before in SMALL
    assert fits(SMALL)
    assert not fits(SMALL.replace(before, after))


async def test_it_is_served() -> None:
    async with client() as http:
        assert (await http.get("/v1/rulesets/schema")).json() == schema()


@pytest.mark.parametrize(
    ("text", "usable", "kinds"),
    [
        (SMALL, True, []),
        (SMALL.replace("{kind: form}\n", "{kind: [form, from]}\n"), True, ["odd"]),
        (SMALL.replace("format: 1", "format: 2"), False, ["mistake"]),
        ("\uffff", False, ["mistake"]),
    ],
)
async def test_a_document_is_looked_through_over_http(text: str, usable: bool, kinds: list[str]) -> None:
    async with client() as http:
        found = (await http.post("/v1/rulesets/lint", json={"text": text})).json()
    assert (found["usable"], [one["kind"] for one in found["findings"]]) == (usable, kinds)
    assert bool(found["mistakes"]) is not usable
