"""The delivery core under kill -9, freezes and sharing: nothing lost, nothing counted twice, handed over physically once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

from shared.crash import POINTS
from tests.core.driver import PARTITIONS, Drive, counts, event_id


@pytest.fixture
async def drive(kafka: str, store: str, prefix: str) -> AsyncIterator[Drive]:
    made = Drive(kafka, store, prefix)
    await made.prepare()
    yield made
    await made.close()


async def _is_exactly_once(drive: Drive, total: int) -> None:
    await drive.until_counted(total, seconds=60)
    await drive.until_idle()
    rows = await drive.rows()
    assert sum(row["total"] for row in rows.values()) == total
    assert sum(row["count"] for row in rows.values()) == total
    summed = counts([one for one in await drive.told(drive.sums.name) if one["ce"]["ce_type"] == b"tally.summed"])
    assert set(summed) == {(key, k) for key, row in rows.items() for k in range(1, row["count"] + 1)}
    tens = counts(await drive.told(drive.tens.name, committed_only=True))
    assert set(tens) == {(key, k) for key, row in rows.items() for k in range(10, row["count"] + 1, 10)}
    assert max(tens.values()) == 1, "handed over twice"


@pytest.mark.timeout(170)
async def test_a_kill_at_every_named_point_loses_and_doubles_nothing(drive: Drive) -> None:
    total = 0
    for round_, point in enumerate(POINTS):
        process = await drive.start(CRASH_AT=f"{point}:{2 if point.startswith(('after_claim', 'after_recall')) else 3}")
        for wave in range(40):
            if process.returncode is not None:
                break
            # each event twice, the second time in another batch where the point allows
            events = [{"event_id": event_id(f"{round_} {wave} {k}"), "key": f"k{k % 12}"} for k in range(60)]
            await drive.add(events)
            await drive.add(events[:20])
            total += 60
            try:
                await asyncio.wait_for(process.wait(), 0.7)
            except TimeoutError:
                continue
        assert process.returncode == -signal.SIGKILL, f"never came to {point}"
    await drive.start()
    await _is_exactly_once(drive, total)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "point",
    [
        "after_load",
        "in_handover_transaction",
        pytest.param("after_fence", marks=pytest.mark.slow),
        pytest.param("after_commit", marks=pytest.mark.slow),
        pytest.param("in_emit", marks=pytest.mark.slow),
    ],
)
async def test_a_frozen_owner_writes_nothing_after_its_successor(drive: Drive, point: str) -> None:
    frozen = await drive.start("tally-0")
    await drive.ready("tally-0")
    await drive.add([{"key": f"k{k % 12}"} for k in range(600)])
    await drive.until_counted(600)
    await drive.until_idle()
    await drive.kill("tally-0")
    frozen = await drive.start("tally-0", STOP_AT=f"{point}:1")
    await drive.ready("tally-0")
    await drive.add([{"key": f"k{k % 12}"} for k in range(600)])
    await drive.start("tally-1")
    await drive.add([{"key": f"k{k % 12}"} for k in range(600)])
    await drive.until_counted(1800, seconds=60)
    assert frozen.returncode is None
    await drive.kill("tally-0", signal.SIGCONT)
    await asyncio.sleep(2)
    await drive.add([{"key": f"k{k % 12}"} for k in range(240)])
    await _is_exactly_once(drive, 2040)


@pytest.mark.timeout(120)
async def test_numbers_are_shared_and_passed_on_from_one_to_three_instances_and_back(drive: Drive) -> None:
    total = 0

    async def some(count: int = 240) -> None:
        nonlocal total
        await drive.add([{"key": f"k{k % 24}"} for k in range(count)])
        total += count

    await drive.start("tally-0")
    await drive.ready("tally-0")
    await some()
    await drive.start("tally-1")
    await drive.start("tally-2")
    for _ in range(10):
        await some()
        await asyncio.sleep(0.3)
    await drive.ready("tally-1")
    await drive.ready("tally-2")
    owners = {row["owner"] for row in await drive.fetch("SELECT owner FROM cursor")}
    assert owners == {"tally-0", "tally-1", "tally-2"}
    await some()
    await drive.kill("tally-1")
    await some()
    await drive.kill("tally-2", signal.SIGTERM)
    for _ in range(5):
        await some()
        await asyncio.sleep(0.3)
    await _is_exactly_once(drive, total)
    async with asyncio.timeout(20):
        while {row["owner"] for row in await drive.fetch("SELECT owner FROM cursor")} != {"tally-0"}:
            await asyncio.sleep(0.2)


@pytest.mark.timeout(60)
async def test_broken_database_connections_are_retried_and_nothing_is_bisected_or_lost(drive: Drive) -> None:
    await drive.start()
    await drive.ready()
    for round_ in range(6):
        await drive.add([{"key": f"k{k % 12}"} for k in range(200)])
        await drive.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await asyncio.sleep(0.2 * (round_ % 3))
    await _is_exactly_once(drive, 1200)
    assert await drive.dead() == []


async def test_an_instance_without_numbers_is_ready_too(drive: Drive) -> None:
    for k in range(PARTITIONS + 1):
        await drive.start(f"tally-{k}")
    for k in range(PARTITIONS + 1):
        await drive.ready(f"tally-{k}")
