"""A service that is starting says so, instead of denying that its routes exist."""

from __future__ import annotations

import httpx

from shared import ops
from shared.health import Health


def client(health: Health) -> httpx.AsyncClient:
    app = ops.until_started(ops.app("test", health), health)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")


async def test_while_it_starts_a_sender_is_told_to_come_again() -> None:
    async with client(Health()) as sender:
        answer = await sender.post("/v1/track", json={})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:leadflow:problem:starting"


async def test_while_it_starts_it_says_that_it_lives_and_is_not_ready() -> None:
    async with client(Health()) as operator:
        assert (await operator.get("/livez")).status_code == 200
        assert (await operator.get("/readyz")).status_code == 503


async def test_when_it_has_started_what_is_not_there_is_not_there() -> None:
    health = Health()
    health.report("start", None)
    async with client(health) as sender:
        assert (await sender.post("/v1/nothing", json={})).status_code == 404


async def test_a_request_that_came_just_before_its_door_was_open_is_told_to_come_again() -> None:
    health = Health()
    health.report("start", None)
    app = ops.until_started(ops.app("test", health), health, elsewhere=lambda path: path == "/v1/track")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as sender:
        assert (await sender.post("/v1/track", json={})).status_code == 503
        assert (await sender.post("/v1/nothing", json={})).status_code == 404
