"""Bad, repeated and doubly keyed records, written to the topics by somebody with access to Kafka. Each is in the ledger before it is sent."""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared import clock, cloudevent, contracts, producer
from shared.reader import read
from shared.stage import Record
from shared.topology import CAPTURED, COMMANDS, ENRICHED, OUTCOMES, SCORED
from tests.chaos import garbage
from tests.chaos.plan import Step
from tests.chaos.rig import Missed, Rig

MARK = "chaos"  # the header that tells garbage of ours, also where the broker's answer with the offset was lost
_REPEATED = (CAPTURED, ENRICHED, SCORED, COMMANDS, OUTCOMES)
_LATEST = 40  # of each partition's records, from which copies are taken
_SEND_SECONDS = 8.0


async def _garbage(rig: Rig, step: Step, rng: random.Random) -> None:
    async with _writing(rig) as to:
        for bad in garbage.everywhere(rng):
            mark, part = uuid.UUID(int=rng.getrandbits(128)).hex, rng.randrange(rig.facts.partitions)
            rig.book.note("garbage", mark=mark, topic=bad.topic, part=part, form=bad.form, event_id=bad.event_id)
            headers = [*bad.headers, (MARK, mark.encode())]
            with contextlib.suppress(KafkaError, TimeoutError):
                sending = to.send_and_wait(bad.topic, bad.value, key=b"garbage", partition=part, headers=headers)
                put = await asyncio.wait_for(sending, _SEND_SECONDS)
                rig.book.note("garbage-at", mark=mark, topic=bad.topic, part=part, offset=put.offset)
    rig.book.note("fault", name="garbage on every topic")


async def _copies(rig: Rig, step: Step, rng: random.Random) -> None:
    """Records that stand on a topic once more, same headers; captured ones under another key too, which others may use. And one event
    that comes twice at once under two keys on two partitions."""
    ends = await rig.ends([topic.name for topic in _REPEATED])
    latest: list[Record] = []
    async for record in read(
        rig.layout.kafka, {place: max(0, end - _LATEST) for place, end in ends.items()}, committed_only=False
    ):
        if MARK not in record.headers:
            latest.append(record)
    async with _writing(rig) as to:
        chosen = rng.sample(latest, min(len(latest), 30))
        rig.book.note("copies", records=len(chosen))
        for record in chosen:
            key, part = record.key, record.part
            if record.topic == CAPTURED.name and rng.random() < 0.5:
                key, part = b"another key", rng.randrange(rig.facts.partitions)
            sending = to.send_and_wait(record.topic, record.value, key=key, partition=part, headers=list(record.pairs))
            await _in_time(sending)
        await _in_time(_twice_at_once(rig, to, rng))
    rig.book.note("fault", name="records produced twice")


async def _twice_at_once(rig: Rig, to: AIOKafkaProducer, rng: random.Random) -> None:
    now, event_id = clock.now(), str(uuid.UUID(int=rng.getrandbits(128), version=4))
    event = contracts.Captured(
        event_id=event_id,
        property="direct",
        kind="track",
        name="webinar-attended",
        occurred_at=now,
        received_at=now,
        traits={"email": f"direct{event_id[:8]}@direct.example"},
    )
    value = contracts.encode(event)
    headers = cloudevent.headers(event_id=event_id, type_="lead.captured", source="direct", time=clock.text(now))
    rig.book.note("send", event_id=event_id, kind="direct")
    first, second = rng.sample(range(rig.facts.partitions), 2)
    await asyncio.gather(
        *(
            to.send_and_wait(CAPTURED.name, value, key=f"key {part}".encode(), partition=part, headers=headers)
            for part in (first, second)
        )
    )
    rig.book.note("accepted", event_id=event_id)


async def _in_time(sending: Awaitable[object]) -> None:
    try:
        await asyncio.wait_for(sending, _SEND_SECONDS)
    except TimeoutError:
        raise Missed("Kafka takes nothing at this moment") from None


@contextlib.asynccontextmanager
async def _writing(rig: Rig) -> AsyncIterator[AIOKafkaProducer]:
    made = producer.new(rig.layout.kafka, client_id="chaos")
    try:
        try:
            await asyncio.wait_for(made.start(), _SEND_SECONDS)
        except (OSError, TimeoutError) as error:
            raise Missed(f"Kafka is away ({type(error).__name__})") from None
        yield made
    finally:
        await producer.stop(made)


ACTS: Mapping[str, Callable[[Rig, Step, random.Random], Awaitable[None]]] = {"garbage": _garbage, "copies": _copies}
