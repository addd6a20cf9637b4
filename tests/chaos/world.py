"""What the broker and the database go through: stopped, killed, paused, their sessions ended, their groups' offsets put back."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Mapping

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local import drills, kafka, postgres
from shared import leaving
from shared.topology import TOPICS
from tests.chaos.plan import Step
from tests.chaos.rig import Rig

_AWAY_SECONDS = 5.0
_PAUSE_SECONDS = 30.0
_LONG_SECONDS = 18.0  # long enough for /readyz to have to say so


async def _kafka_stop(rig: Rig, step: Step, rng: random.Random) -> None:
    with rig.book.span("away kafka"):
        await asyncio.to_thread(drills.stop, rig.layout, "kafka")
        await asyncio.sleep(_AWAY_SECONDS)
        await asyncio.to_thread(drills.start, rig.layout, "kafka")
    rig.book.note("fault", name="Kafka stopped")


async def _kafka_kill(rig: Rig, step: Step, rng: random.Random) -> None:
    with rig.book.span("away kafka"):
        await asyncio.to_thread(drills.kill, rig.layout, "kafka")
        await until_answers(rig, "kafka")
    rig.book.note("fault", name="Kafka killed")


async def _kafka_pause(rig: Rig, step: Step, rng: random.Random) -> None:
    pid = (await rig.pids())["kafka"]
    with rig.book.span("away kafka"):
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            os.kill(pid, signal.SIGCONT)
        await until_answers(rig, "kafka")
    rig.book.note("fault", name="Kafka paused 30 s")


async def _postgres_kill(rig: Rig, step: Step, rng: random.Random) -> None:
    with rig.book.span("away postgres"):
        await asyncio.to_thread(drills.kill, rig.layout, "postgres")
        await until_answers(rig, "postgres")
    rig.book.note("fault", name="Postgres killed")


async def _postgres_stop(rig: Rig, step: Step, rng: random.Random) -> None:
    with rig.book.span("away postgres"):
        await asyncio.to_thread(drills.stop, rig.layout, "postgres")
        await asyncio.sleep(_LONG_SECONDS)
        await asyncio.to_thread(drills.start, rig.layout, "postgres")
    rig.book.note("fault", name="Postgres stopped 18 s")


async def _terminate(rig: Rig, step: Step, rng: random.Random) -> None:
    """Every session of every service, at once."""
    connection = await asyncpg.connect(rig.dsn("postgres"), timeout=5)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename <> 'postgres'"
        )
    finally:
        await connection.close()
    rig.book.note("fault", name="pg_terminate_backend on all")


async def _offsets(rig: Rig, step: Step, rng: random.Random) -> None:
    """While a stage is away, its group is told that it has read nothing: Postgres is the truth, so nothing may happen."""
    async with rig.busy[step.to]:
        members = rig.members(step.to)
        await asyncio.to_thread(drills.stop, rig.layout, step.to)
        try:
            for member in members:
                await leaving.leave(rig.layout.kafka, member)
            await _put_back(rig, f"{leaving.GROUP_PREFIX}{step.to}", step.to)
        finally:
            await asyncio.to_thread(drills.start, rig.layout, step.to)
    rig.book.note("fault", name="group offsets put back to 0")


async def _put_back(rig: Rig, group: str, service: str) -> None:
    topics = [topic.name for topic in TOPICS if service in topic.read_by]
    places = [TopicPartition(topic, part) for topic in topics for part in range(rig.facts.partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=rig.layout.kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(places)
        await consumer.commit(dict.fromkeys(places, 0))
    finally:
        await consumer.stop()


async def until_answers(rig: Rig, program: str, *, seconds: float = 60) -> None:
    """Returns when Kafka or Postgres lets a client in."""
    deadline = time.monotonic() + seconds
    while True:
        if program == "kafka":
            there = await kafka.answers(rig.layout.kafka)
        else:
            there = await postgres.answers(rig.dsn("postgres"))
        if there:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{program} does not answer after {seconds:.0f} s")
        await asyncio.sleep(0.3)


ACTS: Mapping[str, Callable[[Rig, Step, random.Random], Awaitable[None]]] = {
    "kafka-stop": _kafka_stop,
    "kafka-kill": _kafka_kill,
    "kafka-pause": _kafka_pause,
    "postgres-kill": _postgres_kill,
    "postgres-stop": _postgres_stop,
    "postgres-terminate": _terminate,
    "offsets": _offsets,
}
