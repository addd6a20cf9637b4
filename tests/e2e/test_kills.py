"""Everything is killed under load, the broker and the database too: nothing that was accepted is lost, nothing is handed over twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Any

import httpx
import pytest

from deploy.local import drills, stack
from deploy.local.layout import Layout
from tests.e2e.ledger import Ledger, Verdict, check, publish

PER_SECOND = 80


def _described(leadflow: Layout) -> dict[str, Any]:
    described: Any = stack.describe(leadflow)
    return dict(described)


async def _kill(leadflow: Layout, service: str) -> None:
    for instance in (await asyncio.to_thread(_described, leadflow))["services"][service]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(instance["pid"], signal.SIGKILL)


async def _restart(leadflow: Layout, program: str, *, away_seconds: float) -> None:
    await asyncio.to_thread(drills.stop, leadflow, program)
    await asyncio.sleep(away_seconds)
    await asyncio.to_thread(drills.start, leadflow, program)


async def _until_all_ended(leadflow: Layout, partitions: int, ledger: Ledger, *, seconds: float) -> Verdict:
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        verdict = await check(leadflow.kafka, partitions, ledger)
        if not verdict.lost or asyncio.get_running_loop().time() > deadline:
            return verdict
        await asyncio.sleep(1)


@pytest.mark.timeout(240)
async def test_kills_of_every_service_and_restarts_of_broker_and_database_lose_and_double_nothing(
    leadflow: Layout,
) -> None:
    described = _described(leadflow)
    capture = described["services"]["capture"][0]["url"]
    async with httpx.AsyncClient() as client:
        made = await client.post(
            f"{capture}/v1/properties",
            json={"name": "kills"},
            headers={"Authorization": f"Bearer {described['token']}"},
        )
        assert made.status_code in (200, 201), made.text
    ledger, stop = Ledger(), asyncio.Event()
    publishing = asyncio.create_task(
        publish(capture, made.json()["write_key"], ledger, per_second=PER_SECOND, stop=stop, seed=7)
    )
    await asyncio.sleep(2)
    for service in ("enrich", "score", "route", "capture", "score", "route", "enrich"):
        await _kill(leadflow, service)
        await asyncio.sleep(2.5)
    await _restart(leadflow, "kafka", away_seconds=3)
    await asyncio.sleep(2)
    await _restart(leadflow, "postgres", away_seconds=3)
    await asyncio.sleep(3)
    stop.set()
    await asyncio.wait_for(publishing, 60)
    verdict = await _until_all_ended(leadflow, 4, ledger, seconds=60)
    assert verdict.acked == len(ledger.sent)
    assert verdict.lost == set()
    assert verdict.unexpected == set()
    assert verdict.doubled == {}
    assert verdict.handovers > 20
    assert verdict.dead == []
