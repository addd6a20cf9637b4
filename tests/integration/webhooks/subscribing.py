"""A hook, what happens, and a worker: webhooks for integration tests. For tests."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import httpx
import msgspec

from services.route.delivering import Delivering
from services.route.domain.webhooks import told
from services.route.store import webhooks
from shared.database import Pool
from shared.stage import Input, Record
from shared.topology import HANDOVER
from tests.integration.webhooks.receiver import Receiver

LOCAL = (ip_network("127.0.0.0/8"),)


class Clock:
    """Now, and as much later as a test says."""

    def __init__(self) -> None:
        self.later = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.later


async def subscribed(ask: httpx.AsyncClient, receiver: Receiver, *events: str, path: str = "/leads") -> str:
    """A hook of this receiver."""
    made = await ask.post("/v1/hooks", json={"url": f"http://localhost:{receiver.port}{path}", "events": list(events)})
    assert made.status_code == 201, made.text
    receiver.secrets.append(made.json()["secret"])
    return str(made.json()["hook_id"])


async def happened(pool: Pool, *events: tuple[str, str, int], at: datetime | None = None) -> None:
    """A batch of the topic: (type, lead, attempt)."""
    inputs = []
    for type_, lead, attempt in events:
        name = f"ho_{lead}_1_{attempt}"
        event_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{type_} {name}"))
        value = {"event_id": event_id, "handover_id": name, "lead_id": lead, "owner": {"id": "anna"}}
        ms = round((at or datetime.now(UTC)).timestamp() * 1000) + (1 if at is None else 0)
        record = Record(HANDOVER.name, 0, 0, ms, None, msgspec.json.encode(value), {"ce_type": type_.encode()})
        input_ = told.decode(record)
        assert isinstance(input_, Input)
        inputs.append(input_)
    async with pool.acquire() as tx, tx.transaction():
        await webhooks.save(tx, {one.event_id: one.event for one in inputs})


def offered(*leads: str) -> list[tuple[str, str, int]]:
    return [("lead.handover", lead, 1) for lead in leads]


@contextlib.asynccontextmanager
async def delivering(pool: Pool, **more: Any) -> AsyncIterator[Clock]:
    """A worker, and its clock."""
    clock = Clock()
    task = asyncio.create_task(replace(Delivering(pool, LOCAL, now=clock, answer_seconds=0.5), **more).run())
    try:
        yield clock
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def settled(pool: Pool, state: str, count: int) -> None:
    """Returns when so many messages are in this state."""
    for _ in range(400):
        if await pool.fetchval("SELECT count(*) FROM webhook.delivery WHERE state = $1", state) == count:
            return
        await asyncio.sleep(0.05)
    raise AssertionError([dict(row) for row in await pool.fetch("SELECT * FROM webhook.delivery")])


async def tried(pool: Pool, count: int) -> None:
    """Returns when there were so many tries."""
    for _ in range(400):
        if await pool.fetchval("SELECT count(*) FROM webhook.try") >= count:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(await pool.fetchval("SELECT count(*) FROM webhook.try"))
