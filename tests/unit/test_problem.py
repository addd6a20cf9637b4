"""Errors over HTTP: one shape, whatever went wrong, and nothing of what was sent in it."""

from __future__ import annotations

from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field

from shared import problem
from shared.problem import Mistake, Problem


class Wanted(BaseModel):
    name: Annotated[str, Field(max_length=5)]
    numbers: list[int] = []


@pytest.fixture
async def client() -> httpx.AsyncClient:
    app = FastAPI()
    problem.install(app)

    @app.post("/things")
    async def things(wanted: Wanted) -> None:
        if wanted.name == "taken":
            mistakes = [Mistake("/name", "is taken")]
            raise Problem(409, "taken", "Taken", "Choose another name.", mistakes, headers={"retry-after": "1"})
        raise RuntimeError("a secret of ours")

    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://x", follow_redirects=False
    )


async def test_our_own_problems_are_told_as_they_are(client: httpx.AsyncClient) -> None:
    answered = await client.post("/things", json={"name": "taken"})
    assert answered.status_code == 409
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.headers["retry-after"] == "1"
    assert answered.json() == {
        "type": "urn:leadflow:problem:taken",
        "title": "Taken",
        "status": 409,
        "detail": "Choose another name.",
        "errors": [{"pointer": "/name", "detail": "is taken"}],
        "request_id": answered.headers["x-request-id"],
    }


async def test_what_fastapi_refuses_is_named_by_its_place_and_not_repeated(client: httpx.AsyncClient) -> None:
    answered = await client.post("/things", json={"name": "jo@acme.example", "numbers": [1, "secret"]})
    assert answered.status_code == 422
    assert [one["pointer"] for one in answered.json()["errors"]] == ["/name", "/numbers/1"]
    assert "acme" not in answered.text
    assert "secret" not in answered.text


async def test_what_is_no_json_is_400(client: httpx.AsyncClient) -> None:
    answered = await client.post("/things", content=b"{", headers={"content-type": "application/json"})
    assert (answered.status_code, answered.json()["type"]) == (400, "urn:leadflow:problem:broken-json")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/things", 405)])
async def test_the_frameworks_own_errors_are_problems(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answered = await client.request(method, path)
    assert (answered.status_code, answered.json()["status"]) == (status, status)


async def test_the_unexpected_is_500_and_tells_nothing_of_us(client: httpx.AsyncClient) -> None:
    answered = await client.post("/things", json={"name": "x"})
    assert answered.status_code == 500
    assert "secret" not in answered.text
    assert answered.json()["request_id"]
