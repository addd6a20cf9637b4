"""The spool with several instances and with deaths in the middle of a drain (C5), on a real Kafka and a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from services.capture import store as capture_store
from services.capture.main import Parts
from tests.integration.capture import NOWHERE, Reader, a_key, reader, running
from tests.integration.test_capture_durability import connect_to, event_id, send, until


@pytest.fixture
async def topics_reader(kafka: str) -> AsyncIterator[Reader]:
    async with reader(kafka) as made:
        yield made


def first_arrivals(events: Sequence[dict[str, Any]]) -> list[str]:
    """Event ids in the order in which each came first."""
    return list(dict.fromkeys(event["event_id"] for event in events))


async def test_an_instance_that_reaches_kafka_does_not_pass_what_another_has_spooled(
    kafka: str, store: str, topics_reader: Reader
) -> None:
    async with running(NOWHERE, store, "capture-0") as cut_off, running(kafka, store, "capture-1") as well:
        await until(lambda: well.broker.trouble is None)
        key = await a_key(cut_off, "Both")
        await well.properties.refresh(well.pool)
        accepted = []
        for number in range(40):  # one person, now at this door, now at that one, each after the answer before
            accepted.append(event_id(await send((cut_off, well)[number % 2], key, number)))
        connect_to(cut_off.drain, kafka)
        assert first_arrivals(await topics_reader.events(accepted)) == accepted


async def test_two_instances_under_load_leave_the_spool_once_kafka_is_back(
    kafka: str, store: str, topics_reader: Reader
) -> None:
    async with running(NOWHERE, store, "capture-0") as one, running(NOWHERE, store, "capture-1") as other:
        key = await a_key(one, "Load")
        await other.properties.refresh(other.pool)
        accepted: list[str] = []
        done = asyncio.Event()

        async def client(parts: Parts, first: int) -> None:
            number = first
            while not done.is_set():
                accepted.append(event_id(await send(parts, key, number)))
                number += 16

        clients = [asyncio.create_task(client((one, other)[first % 2], first)) for first in range(16)]
        await asyncio.sleep(0.5)
        for parts in (one, other):
            connect_to(parts.broker, kafka)
            connect_to(parts.drain, kafka)
        await until(lambda: min(one.writer.durable_on_kafka, other.writer.durable_on_kafka) > 100, 30)
        done.set()
        await asyncio.gather(*clients)
        await until(lambda: not one.spool.events and not other.spool.events)
        assert sorted(first_arrivals(await topics_reader.events(accepted))) == sorted(accepted)


async def test_a_death_between_acknowledgement_and_deletion_repeats_the_same_ids_and_loses_nothing(
    kafka: str, store: str, topics_reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = asyncio.Event()

    async def die(*_: Any) -> None:
        died.set()
        await asyncio.sleep(3600)

    async def unsaid(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr(capture_store, "drained", die)
    monkeypatch.setattr(capture_store, "release", unsaid)  # who is killed says no goodbye: the lease has to run out
    async with running(NOWHERE, store, "capture-0") as first:
        key = await a_key(first, "Dies")
        accepted = [event_id(await send(first, key, number)) for number in range(20)]
        connect_to(first.drain, kafka)
        await asyncio.wait_for(died.wait(), 15)
    monkeypatch.undo()
    assert first_arrivals(await topics_reader.events(accepted)) == accepted
    async with running(kafka, store, "capture-0") as second:
        accepted.append(event_id(await send(second, key, 20)))  # behind the rows that its former self has left
        assert second.writer.durable_in_spool == 1
        await until(lambda: not second.spool.events, 25)
        events = await topics_reader.events(accepted)
    assert first_arrivals(events) == accepted
    assert len(events) == 41
