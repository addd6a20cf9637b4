"""What capture accepted is durable (C5), with a real Kafka and a real Postgres of which now one, now the other is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.capture import store as capture_store
from services.capture.broker import Broker
from services.capture.main import Parts
from shared import ids
from tests.integration.capture import NOWHERE, TOKEN, Reader, a_key, app, reader, running
from tests.unit.capture.client import Answered
from tests.unit.capture.door import request


@pytest.fixture
async def topics_reader(kafka: str) -> AsyncIterator[Reader]:
    async with reader(kafka) as made:
        yield made


async def send(parts: Parts, key: str, number: int, **more: Any) -> Answered:
    """Event `number` of one person, so that all are of one lane."""
    body = {"userId": "u1", "event": f"step-{number}", "messageId": f"m{number}"}
    return await request(parts.door, "/v1/track", body, key=key, **more)


def event_id(answered: Answered) -> str:
    assert answered.status == 200, answered.body
    return str(answered.json["accepted"][0]["event_id"])


async def until(what: Any, seconds: float = 15) -> None:
    """Waits until it is so."""
    for _ in range(int(seconds / 0.05)):
        if what():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come to that")


def connect_to(broker: Broker, kafka: str) -> None:
    """From its next attempt on the broker is found there."""
    broker._kafka = kafka


async def test_an_accepted_event_is_on_the_topic_under_its_id_and_its_persons_key(
    kafka: str, store: str, topics_reader: Reader
) -> None:
    async with running(kafka, store) as parts:
        await until(lambda: parts.broker.trouble is None)
        key = await a_key(parts, "Direct")
        accepted = event_id(await send(parts, key, 1))
        [event] = await topics_reader.events([accepted])
        assert accepted == ids.submission_id("direct", "m1") == event["event_id"]
        assert (event["name"], event["property"], event["user_id"]) == ("step-1", "direct", "u1")
        [record] = topics_reader.records
        assert record.key == ids.person_key(b"the installation's secret", "user:direct:u1").encode()
        assert record.partition == ids.partition(record.key, 4)
        assert parts.spool.events == 0


async def test_while_kafka_is_away_events_wait_in_the_spool_and_come_in_order_under_the_same_ids(
    kafka: str, store: str, topics_reader: Reader
) -> None:
    async with running(NOWHERE, store) as parts:
        key = await a_key(parts, "Away")
        accepted = [event_id(await send(parts, key, number)) for number in range(20)]
        assert sum((await capture_store.backlog(parts.pool)).values()) == 20
        # Ready, since what comes is taken; and it says how.
        await until(lambda: "20 events wait" in parts.health.degraded.get("spool", ""))
        assert ("durability" in parts.health.reasons, "spool" in parts.health.degraded["kafka"]) == (False, True)
        connect_to(parts.broker, kafka)
        await until(lambda: parts.broker.trouble is None)
        # Kafka is back for the door, but older rows wait: a fresh event goes behind them.
        accepted.append(event_id(await send(parts, key, 20)))
        assert sum((await capture_store.backlog(parts.pool)).values()) == 21
        connect_to(parts.drain, kafka)
        events = await topics_reader.events(accepted)
        assert [event["event_id"] for event in events] == accepted
        assert [event["name"] for event in events] == [f"step-{number}" for number in range(21)]
        await until(lambda: not parts.spool.events)
        await until(lambda: not parts.health.degraded)
        assert parts.spool.drained == 21
        before = parts.writer.durable_on_kafka
        event_id(await send(parts, key, 21))
        assert parts.writer.durable_on_kafka == before + 1


async def test_under_load_the_spool_is_left_again_once_kafka_is_back(
    kafka: str, store: str, topics_reader: Reader
) -> None:
    async with running(NOWHERE, store) as parts:
        key = await a_key(parts, "Load")
        accepted: list[str] = []
        done = asyncio.Event()

        async def client(first: int) -> None:
            number = first
            while not done.is_set():
                accepted.append(event_id(await send(parts, key, number)))
                number += 8

        clients = [asyncio.create_task(client(first)) for first in range(8)]
        await asyncio.sleep(0.5)
        connect_to(parts.broker, kafka)
        connect_to(parts.drain, kafka)
        await until(lambda: parts.writer.durable_on_kafka > 100)
        done.set()
        await asyncio.gather(*clients)
        assert not parts.spool.events
        found = [event["event_id"] for event in await topics_reader.events(accepted)]
        assert sorted(found) == sorted(accepted)


async def test_a_send_whose_fate_is_unknown_is_spooled_and_the_producer_replaced(
    kafka: str, store: str, topics_reader: Reader
) -> None:
    async with running(kafka, store) as parts:
        await until(lambda: parts.broker.trouble is None)
        key = await a_key(parts, "Unknown")
        stuck = parts.broker._producer
        assert stuck is not None

        async def never(*_: Any, **__: Any) -> None:
            await asyncio.sleep(3600)

        stuck.client.send = never
        accepted = event_id(await send(parts, key, 1))
        assert parts.writer.durable_in_spool == 1
        assert [event["event_id"] for event in await topics_reader.events([accepted])] == [accepted]
        await until(lambda: parts.broker._producer not in (None, stuck))
        await until(lambda: not parts.spool.events)
        accepted = event_id(await send(parts, key, 2))
        await topics_reader.events([accepted])
        assert parts.writer.durable_on_kafka == 1


async def test_when_neither_is_there_the_answer_is_503_and_known_keys_go_on_working(
    kafka: str, store: str, topics_reader: Reader
) -> None:
    async with running(NOWHERE, store, spool_budget_seconds=1.0) as parts:
        key = await a_key(parts, "Neither")
        for line in (parts.spool._keep_line, parts.spool._drain_line):
            line._dsn = f"postgresql://nobody@{NOWHERE}/x"
            line.close()
        answered = await send(parts, key, 1)
        assert (answered.status, answered.headers["retry-after"]) == (503, "5")
        await until(lambda: "durability" in parts.health.reasons)
        # Kafka alone is enough.
        connect_to(parts.broker, kafka)
        await until(lambda: parts.broker.trouble is None)
        accepted = event_id(await send(parts, key, 2))
        await until(lambda: "durability" not in parts.health.reasons)
        await topics_reader.events([accepted])


async def test_past_the_operators_bound_the_answer_is_503(store: str) -> None:
    async with running(NOWHERE, store, spool_limit_events=2) as parts:
        key = await a_key(parts, "Bound")
        assert [(await send(parts, key, number)).status for number in range(5)] == [200, 200, 200, 503, 503]
        await until(lambda: "durability" in parts.health.reasons)


async def test_of_two_instances_one_drains_a_lane_and_the_other_goes_on_when_it_is_gone(
    kafka: str, store: str, topics_reader: Reader
) -> None:
    async with running(NOWHERE, store, "capture-0") as first:
        key = await a_key(first, "Pair")
        accepted = [event_id(await send(first, key, number)) for number in range(5)]
        async with running(kafka, store, "capture-1") as second:
            # The first, which can't reach Kafka, holds the lease; its fresh events and the second's queue behind.
            await second.properties.refresh(second.pool)
            accepted.append(event_id(await send(second, key, 5)))
            assert second.writer.durable_in_spool == 1
            await capture_store.release(first.pool, holder=first.spool._holder)
            first.spool._holder = "capture-0/no more"
            await until(lambda: not second.spool.events, 20)
            events = await topics_reader.events(accepted)
            assert [event["event_id"] for event in events] == accepted


async def test_a_property_that_is_added_or_a_key_that_is_revoked_holds_everywhere_within_two_seconds(
    kafka: str, store: str
) -> None:
    async with running(kafka, store, "capture-0") as first, running(kafka, store, "capture-1") as second:
        operator = {"Authorization": f"Bearer {TOKEN}"}
        transport = httpx.ASGITransport(app(first))
        async with httpx.AsyncClient(transport=transport, base_url="http://capture", headers=operator) as client:
            wanted = {"name": "Shop", "origins": ["https://Shop.example/x"], "thank_you_url": "https://shop.example/ä"}
            made = (await client.post("/v1/properties", json=wanted)).json()
            assert made.keys() == {"property", "write_key"}
            [shown] = (await client.get("/v1/properties")).json()
            assert shown["origins"] == ["https://shop.example"]
            assert shown["thank_you_url"] == "https://shop.example/%C3%A4"
            assert made["write_key"].startswith(shown["write_keys"][0])
            assert made["write_key"] not in str(shown)
            key = made["write_key"]
            await until(lambda: second.properties.by_key(key) is not None, 2)
            more = (await client.post("/v1/properties/shop/keys")).json()["write_key"]
            assert (await client.post("/v1/properties/shop/keys")).status_code == 409
            assert (await client.delete(f"/v1/properties/shop/keys/{shown['write_keys'][0]}")).status_code == 204
            await until(lambda: second.properties.by_key(key) is None, 2)
            assert second.properties.by_key(more) is not None
            assert (await client.get("/v1/properties/blog")).status_code == 404
            assert (await client.post("/v1/properties", json={"name": "x", "country": "de"})).status_code == 422
            del client.headers["Authorization"]
            refused = await client.get("/v1/properties")
            assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
