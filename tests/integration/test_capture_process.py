"""Capture as a process of its own, over real HTTP: wrong input, an orderly end, and what survives a kill."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.integration.capture import Reader, reader
from tests.integration.capture_process import Running, running


@pytest.fixture
async def topics_reader(kafka: str) -> AsyncIterator[Reader]:
    async with reader(kafka) as made:
        yield made


async def until_stopped(capture: Running, sign: signal.Signals, accepted: list[str]) -> None:
    """Posts from eight clients, sends the signal after a while, and returns when the process is gone."""
    numbers = iter(range(1_000_000))

    async def post() -> None:
        with contextlib.suppress(httpx.TransportError):
            while True:
                body = {"userId": f"u{next(numbers)}", "event": "x"}
                answered = await capture.client.post("/v1/track", json=body, auth=(capture.key, ""))
                if answered.status_code == 200:
                    accepted.append(answered.json()["accepted"][0]["event_id"])

    clients = [asyncio.create_task(post()) for _ in range(8)]
    await asyncio.sleep(1)
    capture.process.send_signal(sign)
    await asyncio.wait_for(capture.process.wait(), 15)
    await asyncio.wait(clients, timeout=10)
    for client in clients:
        client.cancel()


async def test_wrong_input_gets_a_clear_answer_over_http(kafka: str, store: str, topics_reader: Reader) -> None:
    async with running(kafka, store) as capture:
        auth = (capture.key, "")
        json = {"content-type": "application/json"}
        post = capture.client.post
        answers = [
            await post("/v1/track", json={"userId": "u", "event": "x"}),
            await post("/v1/track", json={"userId": "u", "event": "x"}, auth=("wk_wrong", "")),
            await post("/v1/track", content=b'{"userId":', headers=json, auth=auth),
            await post("/v1/track", content=b"x" * 614_400, headers=json, auth=auth),
            await post("/v1/track", content=b"<x/>", headers={"content-type": "text/xml"}, auth=auth),
            await post("/v1/track", json={"userId": "u", "event": 7}, auth=auth),
            await capture.client.get("/v1/track"),
            await capture.client.get("/nowhere"),
            await capture.client.get("/v1/properties"),
        ]
        assert [answer.status_code for answer in answers] == [401, 401, 400, 413, 415, 422, 405, 404, 401]
        assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}
        assert all(answer.json()["request_id"] == answer.headers["x-request-id"] for answer in answers)
        document = (await capture.client.get("/openapi.json")).json()
        assert "/v1/forms/{form}" in document["paths"]
        assert (await capture.client.get("/docs")).status_code == 200
        assert "leadflow_capture_events_total" in (await capture.client.get("/metrics")).text
        accepted = await post("/v1/forms/demo", data={"email": "jo@acme.example"}, params={"key": capture.key})
        assert accepted.status_code == 202
        await topics_reader.events([accepted.json()["accepted"][0]["event_id"]])


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
async def test_everything_that_was_accepted_is_on_the_topic_after_the_process_ended(
    kafka: str, store: str, topics_reader: Reader, sign: signal.Signals
) -> None:
    accepted: list[str] = []
    async with running(kafka, store) as capture:
        await until_stopped(capture, sign, accepted)
        if sign is signal.SIGTERM:
            assert capture.process.returncode == 0
    assert accepted
    await topics_reader.events(accepted)
