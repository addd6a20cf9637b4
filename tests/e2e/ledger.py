"""Clients with a ledger: what was sent, what was accepted; and a checker that reads the topics and says what became of it."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from shared.reader import read
from shared.topology import CAPTURED, DEAD, ENRICHED, HANDOVER, SCORED

CALLABLE = {"phone": "+49 30 901820", "country": "Germany", "company": "Acme GmbH"}


@dataclass(slots=True)
class Ledger:
    """Written before the request and after the answer: message ids sent, event ids accepted, refusals by status."""

    sent: set[str] = field(default_factory=set)
    accepted: dict[str, str] = field(default_factory=dict)  # message id -> event id
    refused: Counter[str] = field(default_factory=Counter)


async def publish(capture: str, key: str, ledger: Ledger, *, per_second: int, stop: asyncio.Event, seed: int) -> None:
    """Publishes like a web property: people who look, come back and fill forms; whatever got no answer is sent again, same id."""
    rng = random.Random(seed)
    numbers = itertools.count()
    begin = asyncio.get_running_loop().time()
    async with httpx.AsyncClient(base_url=capture, auth=(key, ""), timeout=15) as client, asyncio.TaskGroup() as tasks:
        while not stop.is_set():
            number = next(numbers)
            tasks.create_task(_one(client, ledger, rng.getrandbits(40), number, rng.randrange(1 + number // 4)))
            await asyncio.sleep(max(0.0, begin + number / per_second - asyncio.get_running_loop().time()))


async def _one(client: httpx.AsyncClient, ledger: Ledger, noise: int, number: int, person: int) -> None:
    message_id = f"m{number}-{noise}"
    body: dict[str, Any] = {"messageId": message_id, "anonymousId": f"a{person}"}
    if number % 3 == 0:
        path, body = "/v1/page", {**body, "properties": {"url": "https://acme.example/pricing"}}
    elif number % 3 == 1:
        path, body = "/v1/identify", {**body, "traits": {"email": f"p{person}@acme{person % 7}.example", **CALLABLE}}
    else:
        path, body = (
            "/v1/forms/contact",
            {
                "messageId": message_id,
                "anonymousId": f"a{person}",
                "email": f"p{person}@acme{person % 7}.example",
                **CALLABLE,
            },
        )
    ledger.sent.add(message_id)
    headers = {"Idempotency-Key": message_id} if path.startswith("/v1/forms") else {}
    for attempt in range(60):
        try:
            answer = await client.post(path, json=body, headers=headers)
        except httpx.HTTPError as error:
            ledger.refused[type(error).__name__] += 1
            await asyncio.sleep(0.2 + 0.05 * attempt)
            continue
        if answer.status_code in (200, 202):
            ledger.accepted[message_id] = answer.json()["accepted"][0]["event_id"]
            return
        ledger.refused[str(answer.status_code)] += 1
        await asyncio.sleep(0.2 + 0.05 * attempt)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the topics say of a ledger. Lost, unexpected and doubled must be empty."""

    acked: int
    lost: set[str]
    unexpected: set[str]
    doubled: dict[str, int]
    handovers: int
    dead: list[str]


async def check(kafka: str, partitions: int, ledger: Ledger) -> Verdict:
    """Reads all topics and compares."""
    ends: set[str] = set()
    known: set[str] = set()
    handovers: Counter[str] = Counter()
    dead: list[str] = []
    unexpected: set[str] = set()
    places = {(topic.name, part): 0 for topic in (CAPTURED, ENRICHED, SCORED, DEAD) for part in range(partitions)}
    async for record in read(kafka, places, committed_only=False):
        said = msgspec.json.decode(record.value)
        if record.topic == CAPTURED.name:
            known.add(said["event_id"])
        elif record.topic == SCORED.name and "activity" in said:
            ends.add(said["activity"]["id"])
        elif record.headers["ce_type"] == b"lead.noted":
            ends.add(said["activity_id"])
        elif record.topic == DEAD.name:
            dead.append(f"{said['service']}: {said['reason']} {said['detail']}")
    async for record in read(kafka, {(HANDOVER.name, part): 0 for part in range(partitions)}, committed_only=True):
        said = msgspec.json.decode(record.value)
        if record.headers["ce_type"] == b"lead.handover":
            handovers[f"{said['lead_id']} {said['episode']} {said['attempt']}"] += 1
    unexpected |= ends - known
    return Verdict(
        acked=len(ledger.accepted),
        lost=set(ledger.accepted.values()) - ends,
        unexpected=unexpected,
        doubled={key: count for key, count in handovers.items() if count > 1},
        handovers=len(handovers),
        dead=dead,
    )
