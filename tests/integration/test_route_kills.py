"""Route is killed again and again around deadlines: one handover per episode and attempt, physically once, and a replay hands over nothing."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.topology import COMMANDS, DEAD, HANDOVER, NURTURE, OUTCOMES, SCORED
from tests.integration.service_process import ServiceProcess, made
from tests.unit.route.builders import scored

ROUTING = """
format: 1
id: hurried
owners:
  - {id: ann, name: Ann, email: ann@us.example}
  - {id: bob, name: Bob, email: bob@us.example}
  - {id: cid, name: Cid, email: cid@us.example}
  - {id: desk, name: Desk, email: desk@us.example}
pools: {all: [ann, bob, cid]}
rules: [{id: everybody, when: 'true', to: {pool: all}}]
deadlines: {accept: 3s, contact: 7s, attempts: 3, escalate_to: desk}
"""
LEADS = 48
OURS = (SCORED, COMMANDS, OUTCOMES, HANDOVER, NURTURE, DEAD)
STATES = "handover_id, part, lead_id, owner, pool, state, state_at, created_at, accept_by, contact_by, accepted_at, accept_escalated, contact_escalated"


@pytest.fixture
async def route(kafka: str, store: str, tmp_path: Path) -> AsyncIterator[ServiceProcess]:
    file = tmp_path / "routing.yaml"
    file.write_text(ROUTING)
    async with made(kafka, store, "route", using=OURS, seconds=60, route_routing=str(file)) as process:
        yield process


async def told(route: ServiceProcess) -> Counter[tuple[str, str]]:
    """What is on the topic: how often each kind of event tells of each handover."""
    return Counter(
        (record.headers["ce_type"].decode() + " " + said.get("deadline", ""), said["handover_id"])
        for record in await route.on(HANDOVER)
        for said in [msgspec.json.decode(record.value)]
    )


def expected() -> Counter[tuple[str, str]]:
    """Every third lead is accepted by its first owner, and nobody calls anybody."""
    found: list[tuple[str, str]] = []
    for number in range(LEADS):
        attempts = [1] if number % 3 == 0 else [1, 2, 3]
        names = [f"ho_ld_{number}_1_{attempt}" for attempt in attempts]
        found += [("lead.handover ", name) for name in names]
        found += [("lead.handover.withdrawn ", name) for name in names[:-1]]
        found += [("lead.handover.escalated contact", names[-1])]
        found += [("lead.handover.escalated accept", names[-1])] if len(names) > 1 else []
    return Counter(found)


@pytest.mark.timeout(170)
async def test_kills_around_deadlines_pass_on_once_and_a_replay_hands_over_nothing(route: ServiceProcess) -> None:
    await route.start()
    await route.ready()
    leads: list[dict[str, Any]] = [scored(f"ld_{number}") for number in range(LEADS)]
    await route.tell(SCORED, leads)
    await route.say(OUTCOMES, [{"outcome": "accepted", "handover_id": f"ho_ld_{n}_1_1"} for n in range(0, LEADS, 3)])
    await route.until("SELECT count(*) FROM handover WHERE state = 'accepted'", LEADS // 3)
    for point in ("after_commit:1", "in_handover_transaction:2", "after_handover_commit:1"):
        await route.kill()
        process = await route.start(CRASH_AT=point)
        await asyncio.wait_for(process.wait(), 60)
        assert process.returncode == -signal.SIGKILL
    await route.start()
    await route.until("SELECT count(*) FROM timer", 0)
    await route.until("SELECT count(*) FROM outbox", 0)
    assert await told(route) == expected()
    assert await route.on(DEAD) == []
    stood = [tuple(row) for row in await route.rows(f"SELECT {STATES} FROM handover ORDER BY handover_id")]
    log = [tuple(row) for row in await route.rows("SELECT * FROM outcome_log ORDER BY command_id")]

    await route.kill()
    await route.forget()
    await route.start()
    await route.until("SELECT count(*) FROM handover", len(stood))
    await route.until("SELECT count(*) FROM timer", 0)
    await route.until("SELECT count(*) FROM outbox", 0)
    assert [tuple(row) for row in await route.rows(f"SELECT {STATES} FROM handover ORDER BY handover_id")] == stood
    assert [tuple(row) for row in await route.rows("SELECT * FROM outcome_log ORDER BY command_id")] == log
    assert await told(route) == expected()
