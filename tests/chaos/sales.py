"""Sales: follows the handovers on their topic and says what came of them, by the outcomes' topic under any key and by REST."""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator

import httpx
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.route.domain import intake
from shared import clock, cloudevent, contracts
from shared.contracts import OutcomeReported
from shared.message import Message
from shared.producer import Emitter
from shared.topology import HANDOVER, OUTCOMES
from tests.chaos.rig import Rig

ANSWERED = 0.6  # of all handovers
BY_REST = 0.3  # of the answers
_SAID = ("accepted", "contacted", "meeting", "won", "lost", "rejected", "recycled")
_WEIGHTS = (25, 10, 5, 5, 5, 25, 25)  # many come back, so that leads have second episodes


class Handed(msgspec.Struct, frozen=True):
    """Of a lead.handover what an answer needs."""

    handover_id: str
    episode: int


async def sell(rig: Rig, *, seed: int, until: asyncio.Event) -> None:
    """Answers handovers until told to stop, then finishes what has begun."""
    emitter = Emitter(rig.layout.kafka, client_id="sales")
    rng = random.Random(f"sales {seed}")
    try:
        async with (
            httpx.AsyncClient(timeout=6, trust_env=False, verify=False) as client,
            asyncio.TaskGroup() as answers,
        ):
            async for handed in _handovers(rig, until):
                if rng.random() < ANSWERED:
                    answers.create_task(_answer(rig, client, emitter, handed, random.Random(rng.random())))
    finally:
        await emitter.close()


async def _handovers(rig: Rig, until: asyncio.Event) -> AsyncIterator[Handed]:
    """Each handover once, as it is committed. A broker that is away is waited for."""
    places = [TopicPartition(HANDOVER.name, part) for part in range(rig.facts.partitions)]
    position = dict.fromkeys(places, 0)
    seen: set[str] = set()
    while not until.is_set():
        consumer = AIOKafkaConsumer(
            bootstrap_servers=rig.layout.kafka,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            try:
                await asyncio.wait_for(consumer.start(), 10)
                consumer.assign(places)
                for place, offset in position.items():
                    consumer.seek(place, offset)
                while not until.is_set():
                    for place, rows in (await consumer.getmany(timeout_ms=300)).items():
                        position[place] = rows[-1].offset + 1
                        for row in rows:
                            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                                handed = msgspec.json.decode(row.value or b"", type=Handed)
                                if handed.handover_id not in seen:
                                    seen.add(handed.handover_id)
                                    yield handed
            finally:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(consumer.stop(), 5)
        await asyncio.sleep(0.5)


async def _answer(rig: Rig, client: httpx.AsyncClient, emitter: Emitter, handed: Handed, rng: random.Random) -> None:
    await asyncio.sleep(rng.uniform(0.2, 3.0))
    outcome = rng.choices(_SAID, _WEIGHTS)[0]
    reason = "no-budget" if outcome in ("rejected", "recycled") else None
    if rng.random() < BY_REST:
        await _by_rest(rig, client, handed.handover_id, outcome, reason)
    else:
        await _by_topic(rig, emitter, handed.handover_id, outcome, reason, rng)


async def _by_topic(
    rig: Rig, emitter: Emitter, handover_id: str, outcome: str, reason: str | None, rng: random.Random
) -> None:
    command_id = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    said = OutcomeReported(outcome=outcome, handover_id=handover_id, reason=reason, occurred_at=clock.now())
    headers: list[tuple[str, bytes]] = []
    if rng.random() < 0.5:  # with CloudEvents headers, or without
        headers = cloudevent.headers(
            event_id=command_id, type_="lead.outcome", source="sales", time=clock.text(clock.now())
        )
    else:
        said = msgspec.structs.replace(said, event_id=command_id)
    rig.book.note("outcome", command_id=command_id, handover_id=handover_id, outcome=outcome, by="topic")
    part = rng.randrange(rig.facts.partitions)
    await emitter.send([Message(OUTCOMES.name, part, rng.randbytes(6), contracts.encode(said), headers, command_id)])
    rig.book.note("outcome-accepted", command_id=command_id)


async def _by_rest(rig: Rig, client: httpx.AsyncClient, handover_id: str, outcome: str, reason: str | None) -> None:
    """With its time, so that saying it again after a lost answer is saying it once."""
    at = clock.now()
    command_id = intake.content_id(OutcomeReported(outcome=outcome, handover_id=handover_id, occurred_at=at))
    rig.book.note("outcome", command_id=command_id, handover_id=handover_id, outcome=outcome, by="REST")
    body = {"outcome": outcome, "occurred_at": at.isoformat(), **({"reason": reason} if reason else {})}
    headers = {"Authorization": f"Bearer {rig.facts.token}"}
    for attempt in range(60):
        members = rig.members("route")
        url = f"{rig.url(members[attempt % len(members)])}/v1/handovers/{handover_id}/outcome"
        with contextlib.suppress(httpx.HTTPError):
            answer = await client.post(url, json=body, headers=headers)
            if answer.status_code == 202:
                if answer.json()["command_id"] != command_id:
                    rig.book.note("failed", name="command id", why=f"{command_id} became {answer.json()['command_id']}")
                rig.book.note("outcome-accepted", command_id=command_id)
                return
        await asyncio.sleep(1.0)
