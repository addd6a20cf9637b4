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

Act = Callable[[Rig, Step, random.Random], Awaitable[None]]

_AWAY_SECONDS = 5.0
_PAUSE_SECONDS = 30.0
_LONG_SECONDS = 18.0  # long enough for /readyz to have to say so


def _stopped(program: str, seconds: float, name: str) -> Act:
    """Stops a program in good order and starts it again after so many seconds."""

    async def act(rig: Rig, step: Step, rng: random.Random) -> None:
        with rig.book.span(f"away {program}"):
            await asyncio.to_thread(drills.stop, rig.layout, program)
            await asyncio.sleep(seconds)
            await asyncio.to_thread(drills.start, rig.layout, program)
        rig.book.note("fault", name=name)

    return act


def _killed(program: str, name: str) -> Act:
    """Kills a program; the supervisor starts it again."""

    async def act(rig: Rig, step: Step, rng: random.Random) -> None:
        with rig.book.span(f"away {program}"):
            await asyncio.to_thread(drills.kill, rig.layout, program)
            await until_answers(rig, program)
        rig.book.note("fault", name=name)

    return act


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
            await leaving.leave(rig.layout.kafka, *members)
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


ACTS: Mapping[str, Act] = {
    "kafka-stop": _stopped("kafka", _AWAY_SECONDS, "Kafka stopped"),
    "kafka-kill": _killed("kafka", "Kafka killed"),
    "kafka-pause": _kafka_pause,
    "postgres-kill": _killed("postgres", "Postgres killed"),
    "postgres-stop": _stopped("postgres", _LONG_SECONDS, "Postgres stopped 18 s"),
    "postgres-terminate": _terminate,
    "offsets": _offsets,
}
