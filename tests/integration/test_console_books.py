"""The books on a real Kafka and Postgres: what is lost between two topics is named, and nothing else ever is, whatever happens to the console."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared import clock, contracts, ids
from shared.contracts import Captured, Dead, Place
from shared.leaving import GROUP_PREFIX
from shared.message import Message
from shared.producer import Emitter
from shared.topology import CAPTURED, COMMANDS, DEAD, ENRICHED, SCORED, Topic
from tests.integration.service_process import PARTITIONS, ServiceProcess, made
from tests.unit.console.builders import NOON, dead, enriched, event_id, noted, scored

SECONDS = 60.0  # within a minute
START_SECONDS = 180.0  # a process of its own, on a machine that does other work too


class Stages:
    """Stands in for capture, enrich and score: writes what they write, and tells the groups how far they have read."""

    def __init__(self, console: ServiceProcess) -> None:
        self._console = console
        self._emitter = Emitter(console.kafka, client_id="stages")
        self._now = clock.now()

    async def write(self, topic: Topic, values: Sequence[bytes], type_: str, *, part: int | None = None) -> None:
        await self._emitter.send(
            [
                Message(
                    topic.name, n % PARTITIONS if part is None else part, None, value, [("ce_type", type_.encode())], ""
                )
                for n, value in enumerate(values)
            ]
        )

    async def accept(self, *numbers: int, hours_ago: int = 0) -> None:
        received_at = self._now - timedelta(hours=hours_ago)
        events = [
            Captured(
                event_id=event_id(n),
                property="acme",
                kind="form",
                name="contact",
                occurred_at=NOON,
                received_at=received_at,
            )
            for n in numbers
        ]
        await self.write(CAPTURED, [contracts.encode(one) for one in events], "lead.captured")

    async def enrich(self, *numbers: int) -> None:
        await self.write(ENRICHED, [enriched(n).value for n in numbers], "lead.enriched")

    async def note(self, *numbers: int) -> None:
        await self.write(ENRICHED, [noted(n).value for n in numbers], "lead.noted")

    async def score(self, *numbers: int) -> None:
        await self.write(SCORED, [scored(n).value for n in numbers], "lead.scored")

    async def bury(self, *letters: Dead) -> None:
        await self.write(DEAD, [msgspec.json.encode(one) for one in letters], "lead.dead")

    async def have_read_everything(self) -> None:
        for stage, topic in (("enrich", CAPTURED), ("score", ENRICHED)):
            places = [TopicPartition(topic.name, part) for part in range(PARTITIONS)]
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._console.kafka, group_id=f"{GROUP_PREFIX}{stage}", enable_auto_commit=False
            )
            await consumer.start()
            try:
                consumer.assign(places)
                await consumer.commit(await consumer.end_offsets(places))
            finally:
                await consumer.stop()

    async def close(self) -> None:
        await self._emitter.close()


@pytest.fixture
async def console(kafka: str, store: str) -> AsyncIterator[ServiceProcess]:
    using = (CAPTURED, ENRICHED, SCORED, DEAD, COMMANDS)
    async with made(kafka, store, "console", using=using, seconds=START_SECONDS) as process:
        yield process


@pytest.fixture
async def stages(console: ServiceProcess) -> AsyncIterator[Stages]:
    found = Stages(console)
    yield found
    await found.close()


async def books(console: ServiceProcess, **sums: int) -> dict[str, Any]:
    """The books once their sums are these."""
    found: dict[str, Any] = {}
    wanted = dict.fromkeys(("accepted", "scored", "noted", "dead", "in_flight", "missing"), 0) | sums
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        found = (await console.client.get("/v1/books")).json()
        if {name: sum(page[name] for page in found["books"]) for name in wanted} == wanted:
            assert found["balanced"]
            assert found["missing"] == wanted["missing"]
            return found
        await asyncio.sleep(0.3)
    raise AssertionError(f"not {wanted}: {found}")


async def test_a_record_that_is_lost_between_two_topics_is_named_and_what_is_only_late_is_not(
    console: ServiceProcess, stages: Stages
) -> None:
    await console.start()
    await console.ready()
    await stages.accept(1, 2, 3, 4, 5)
    await stages.accept(6, hours_ago=3)  # waited in capture's spool
    await stages.enrich(1, 2, 3)
    await stages.note(4)
    await stages.score(1)
    died = Captured(
        event_id=event_id(6), property="acme", kind="form", name="contact", occurred_at=NOON, received_at=NOON
    )
    letter = dead(place=Place(topic=CAPTURED.name, partition=0, offset=99), value=contracts.encode(died))
    await stages.bury(letter, replace_service(letter, "route"))
    said = await books(console, accepted=6, scored=1, noted=1, dead=1, in_flight=3)
    assert [page["accepted"] for page in said["books"]] == [5, 1]
    await asyncio.sleep(12)  # two looks and more: enrich and score have read nothing, as far as anybody knows
    await books(console, accepted=6, scored=1, noted=1, dead=1, in_flight=3)

    # The record of 2 is never scored, that of 5 never enriched, though both stages have gone on.
    await stages.score(3, 6)
    began = time.monotonic()
    await stages.have_read_everything()
    said = await books(console, accepted=6, scored=3, noted=1, in_flight=2, missing=2)
    assert time.monotonic() - began < SECONDS
    assert sorted(one["event_id"] for one in said["named"]) == sorted([event_id(2), event_id(5)])
    assert all(one["property"] == "acme" and one["since"] for one in said["named"])
    text = (await console.client.get("/metrics")).text
    assert "leadflow_books_missing 2.0" in text
    assert "leadflow_books_in_flight 2.0" in text
    assert "leadflow_books_unbalanced 0.0" in text

    # They come after all, as after `leads rebuild`: nothing is missing any more.
    await stages.score(2, 5)
    await books(console, accepted=6, scored=5, noted=1)


async def test_kills_repeats_disorder_and_an_emptied_store_never_make_the_books_wrong(
    console: ServiceProcess, stages: Stages
) -> None:
    numbers = list(range(100, 160))
    await stages.score(*numbers[:10])  # finished before accepted
    await console.start(CRASH_AT="after_commit:2")
    for round_ in range(3):
        await stages.accept(*numbers)
        await stages.accept(*numbers[round_::3], hours_ago=round_)
        await stages.note(*numbers[30:])
        await console.kill()
        await console.start()
        await stages.score(*numbers[: 20 + 10 * round_])
    await stages.write(CAPTURED, [b"garbage"], "lead.captured", part=1)
    end = await console.on(CAPTURED)
    offset = max(one.offset for one in end if one.part == 1)
    place = Place(topic=CAPTURED.name, partition=1, offset=offset)
    await stages.bury(dead(place=place, value=b"garbage"))
    await stages.have_read_everything()
    await console.ready()
    await books(console, accepted=61, scored=40, noted=20, dead=1)
    before = (
        await console.rows("SELECT * FROM audit ORDER BY event_id"),
        await console.rows("SELECT * FROM book ORDER BY 1, 2"),
    )

    await console.kill()
    await console.forget()
    await console.start()
    await console.ready()
    await books(console, accepted=61, scored=40, noted=20, dead=1)
    after = (
        await console.rows("SELECT * FROM audit ORDER BY event_id"),
        await console.rows("SELECT * FROM book ORDER BY 1, 2"),
    )
    assert after == before


async def test_books_can_be_switched_off(console: ServiceProcess) -> None:
    await console.start(LEADFLOW_BOOKS="false")
    await console.ready()
    answer = await console.client.get("/v1/books")
    assert answer.status_code == 409
    assert "LEADFLOW_BOOKS" in answer.json()["detail"]
    assert await console.rows("SELECT FROM cursor WHERE stage = 'books'") == []


def replace_service(letter: Dead, service: str) -> Dead:
    """The same record, died somewhere else."""
    id_ = ids.dead_id(service, letter.place.topic, letter.place.partition, letter.place.offset)
    return msgspec.structs.replace(letter, service=service, event_id=id_)
