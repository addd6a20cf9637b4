"""Two doors under steady posts while Kafka, then Postgres too, then both are away, and who drains is killed: nothing is lost, nobody is passed (C5)."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import httpx
import pytest

from shared.crash import DRAIN_POINT
from shared.topology import CAPTURED
from tests.chaos import evidence, ledger, outage
from tests.chaos import rig as rigs
from tests.chaos.kept import kept
from tests.chaos.plan import outages
from tests.chaos.rig import Rig
from tests.chaos.steady import Steady

AWAY_MINUTES = 0.35
PER_SECOND = 15


async def _break(rig: Rig) -> None:
    """Every absence once, under posts that never stop."""
    operator = {"Authorization": f"Bearer {rig.facts.token}"}
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{rig.url('capture-0')}/v1/properties", json={"name": "outage"}, headers=operator)
    said = answer.json()
    await asyncio.sleep(2)  # until the other door knows it too
    doors, stop = [rig.url(member) for member in rig.members("capture")], asyncio.Event()
    clients = Steady(doors, said["write_key"], said["property"], rig.book)
    async with asyncio.TaskGroup() as living:
        living.create_task(clients.live("p", per_second=PER_SECOND, until=stop))
        try:
            for step in outages(AWAY_MINUTES, paused=True):
                await outage.ACTS[step.name](rig, step, random.Random(1))
        finally:
            stop.set()
    # What came last may have queued behind rows that were there for a moment.
    async with asyncio.timeout(60):
        while await outage.spooled(rig):
            await asyncio.sleep(0.2)


@pytest.mark.slow  # three absences of 21 seconds and what comes after: over three minutes
@pytest.mark.timeout(540)
def test_what_was_accepted_outlives_every_absence_and_a_death_in_the_middle_of_a_drain(tmp_path: Path) -> None:
    with rigs.rig(tmp_path / "outage", None, services=("capture",)) as rig:
        asyncio.run(_break(rig))
        records = asyncio.run(evidence.records(rig, topics=[CAPTURED.name]))
        hits, _ = evidence.hits(rig.orders)
        said = ledger.read(rig.book.path)
    rigs.remove(tmp_path / "outage")
    told = [f"{finding.says}: {breach}" for finding in kept(said, records) for breach in finding.breaches]
    assert told + said.failed == []
    assert hits[DRAIN_POINT, "capture"] >= 2
    assert sum(sent.accepted for sent in said.events.values()) > 100
