"""Score and its Faust worker as processes on a real Kafka: whatever the worker does or leaves undone, score goes on; and it hears it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from services.score.store import history
from shared import clock, ids
from shared.message import Message
from shared.producer import Emitter
from shared.reader import read
from shared.topology import COMMANDS, DEAD, ENRICHED, SCORED, SIGNALS
from tests import stack
from tests.integration.score import opened
from tests.integration.service_process import empty
from tests.unit.score.advised import ADVISED, a_signal, minutes
from tests.unit.score.builders import BUSINESS, NOON, a_record, an_activity, enriched, ruleset
from tests.unit.score.test_advice import NONSENSE

PARTITIONS = 4
PLAIN = """
format: 1
id: plain
timezone: UTC
fit:
  rules:
    - {id: business, when: 'profile.email.kind == "business"', points: 10}
engagement:
  rules:
    - {id: contact, match: {kind: form}, points: 5, limit: 3 per day}
    - {id: seen, match: {kind: page}, points: 1, half_life: 30d}
stages:
  IQL: {enter: 12}
  MQL: {enter: 20}
"""
HEARING = (
    PLAIN.replace("engagement:", "    - {id: busy, when: 'signal.velocity >= 5', points: 50}\nengagement:")
    + "  SQL: {enter: 60}\n"
)


class House:
    """Score and its worker as processes, and what is written to and read from their topics."""

    def __init__(self, kafka: str, folder: Path) -> None:
        self.kafka, self._folder = kafka, folder
        self.emitter = Emitter(kafka, client_id="house")
        self._running: dict[str, tuple[asyncio.subprocess.Process, str]] = {}

    async def start(self, member: str, module: str, **environment: str) -> None:
        """Starts a process and waits until it says that it is ready."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with (self._folder / f"{member}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module),
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "LEADFLOW_KAFKA": self.kafka,
                    "LEADFLOW_MEMBER": member,
                    "LEADFLOW_HTTP_PORT": str(port),
                    "LEADFLOW_PARTITIONS": str(PARTITIONS),
                    "LEADFLOW_TOKEN": "t" * 32,
                    "LEADFLOW_SECRET": "s" * 32,
                    **environment,
                },
            )
        self._running[member] = process, f"http://127.0.0.1:{port}"
        await until(lambda: self.is_ready(member), f"{member} is ready")

    async def score(self, store: str, text: str) -> None:
        """Starts score with this ruleset on a store."""
        path = self._folder / "ruleset.yaml"
        path.write_text(text)
        await self.start("score-0", "services.score.main", LEADFLOW_STORE=store, LEADFLOW_SCORE_RULESET=str(path))

    async def is_ready(self, member: str) -> bool:
        process, url = self._running[member]
        assert process.returncode is None, (self._folder / f"{member}.log").read_text()[-3000:]
        with contextlib.suppress(httpx.HTTPError):
            async with httpx.AsyncClient(timeout=5, trust_env=False, verify=False) as http:
                return (await http.get(f"{url}/readyz")).status_code == 200
        return False

    async def end(self, member: str, sign: int = signal.SIGKILL) -> None:
        process, _ = self._running.pop(member)
        process.send_signal(sign)
        await asyncio.wait_for(process.wait(), 20)

    async def close(self) -> None:
        for member in list(self._running):
            await self.end(member)
        await self.emitter.close()

    async def tell(self, lead_id: str, *activities: Mapping[str, Any]) -> None:
        """Activities of a lead, each a record of its own."""
        key = lead_id.encode()
        for one in activities:
            value = msgspec.json.encode(enriched(one, lead_id=lead_id, profile=BUSINESS, profile_version=1))
            headers = [("ce_type", b"lead.enriched")]
            await self.emitter.send([Message(ENRICHED.name, ids.partition(key, PARTITIONS), key, value, headers, "")])

    async def say(self, *values: bytes, part: int | None = None) -> None:
        """Records on the topic of signals, in one number or in all of them."""
        parts = range(PARTITIONS) if part is None else (part,)
        await self.emitter.send([Message(SIGNALS.name, one, b"x", value, [], "") for one in parts for value in values])

    async def told(self, topic: str, lead_id: str) -> list[dict[str, Any]]:
        """What a topic says of a lead."""
        places = {(topic, part): 0 for part in range(PARTITIONS)}
        values = [msgspec.json.decode(one.value) async for one in read(self.kafka, places, committed_only=False)]
        return [one for one in values if one.get("lead_id") == lead_id]

    async def explained(self, lead_id: str, as_of: str) -> Any:
        """What score's API says of a lead as of a moment."""
        async with httpx.AsyncClient(timeout=5, headers={"Authorization": "Bearer " + "t" * 32}) as http:
            return (
                await http.get(f"{self._running['score-0'][1]}/v1/leads/{lead_id}/score", params={"as_of": as_of})
            ).json()


async def until(holds: Any, what: str, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, f"not in time: {what}"
        await asyncio.sleep(0.3)


@pytest.fixture
def another_store(infrastructure: stack.Infrastructure) -> Iterator[str]:
    with ThreadPoolExecutor(1) as elsewhere:
        made = stack.database(infrastructure.postgres)
        yield elsewhere.submit(made.__enter__).result()
        elsewhere.submit(made.__exit__, None, None, None).result()


@pytest.fixture
async def house(kafka: str, tmp_path: Path) -> AsyncIterator[House]:
    await empty(kafka, (COMMANDS,))  # what another test published would be in force
    made = House(kafka, tmp_path)
    try:
        yield made
    finally:
        await made.close()


def a_lead() -> str:
    return f"ld_{uuid.uuid4().hex[:20]}"


def a_story(lead_id: str, now: datetime) -> list[dict[str, Any]]:
    """Six activities of the last minutes."""
    kinds = ["form", "page", "page", "form", "page", "form"]
    return [
        an_activity(hash((lead_id, number)), at=now - timedelta(seconds=60 - number), kind=kind)
        for number, kind in enumerate(kinds)
    ]


def of_anybody(told: list[dict[str, Any]]) -> list[Any]:
    """What was told, without the names of leads and activities and without the moments."""
    for one in told:
        for part in one["contributions"]:
            part.pop("activities", None)
    keys = (
        "score",
        "grade",
        "stage",
        "previous_stage",
        "ruleset",
        "segments",
        "contributions",
        "episode",
        "score_version",
    )
    return [{key: one.get(key) for key in keys} for one in told]


async def test_score_says_the_same_while_its_worker_is_dead_late_or_lying(house: House, store: str) -> None:
    await house.score(store, PLAIN)
    dead_before = len(await _dead(house))
    garbage = (*map(msgspec.json.encode, NONSENSE), b"", b"\x00\xff", b"{" * 2000)
    found = []
    for phase in ("dead", "late", "lying"):
        lead_id, now = a_lead(), clock.now()
        part = ids.partition(lead_id.encode(), PARTITIONS)
        for one in a_story(lead_id, now):
            await house.tell(lead_id, one)
            if phase == "late":
                late = a_signal(at=now - minutes(10), lead_id=lead_id)
                await house.say(msgspec.json.encode(late), part=part)
            if phase == "lying":
                lie = a_signal(value=10**9, at=now, lead_id=lead_id, event_id=str(uuid.uuid4()))
                await house.say(msgspec.json.encode(lie), *garbage)

        async def is_told(lead_id: str = lead_id) -> bool:
            return len(await house.told(SCORED.name, lead_id)) == 6

        await until(is_told, f"all is scored though the worker is {phase}")
        found.append(of_anybody(await house.told(SCORED.name, lead_id)))
        assert await house.is_ready("score-0")
    assert found[0] == found[1] == found[2]

    async def is_buried() -> bool:
        return len(await _dead(house)) == dead_before + len(garbage) * PARTITIONS * len(a_story(lead_id, now))

    await until(is_buried, "each piece of nonsense is a dead letter, once")


async def test_rules_hear_the_worker_while_what_it_says_is_fresh_and_a_replay_comes_to_the_same(
    house: House, store: str, another_store: str
) -> None:
    await house.start("signals-0", "services.score.signals")
    await house.score(store, HEARING)
    lead_id, stale = a_lead(), a_lead()
    await house.tell(lead_id, *a_story(lead_id, clock.now()))

    async def is_heard() -> bool:
        return any(one["cause"] == "signal" and one["stage"] == "SQL" for one in await house.told(SCORED.name, lead_id))

    await until(is_heard, "the lead is busy, and score says so")
    await house.end("signals-0")

    await house.tell(stale, a_story(stale, clock.now())[0])
    late = a_signal(value=9, at=clock.now() - minutes(10), lead_id=stale)
    await house.say(msgspec.json.encode(late), part=ids.partition(stale.encode(), PARTITIONS))
    await house.tell(stale, a_story(stale, clock.now())[1])

    async def is_told() -> bool:
        return len(await house.told(SCORED.name, stale)) == 2

    await until(is_told, "score goes on without its worker")
    assert {one["score"]["fit"] for one in await house.told(SCORED.name, stale)} == {10}
    before, told = await _kept(store), await house.told(SCORED.name, lead_id)
    as_of = clock.text(clock.now())
    explained = await house.explained(lead_id, as_of)
    assert "busy" in {one["rule"] for one in explained["contributions"]}
    await house.end("score-0", signal.SIGTERM)

    await house.score(another_store, HEARING)

    async def is_replayed() -> bool:
        return await _kept(another_store) == before

    await until(is_replayed, "an empty store comes to the same from the topics")
    again = await house.explained(lead_id, as_of)
    for key in ("score", "stage", "episode", "grade", "contributions"):
        assert again[key] == explained[key], key
    assert await house.told(SCORED.name, lead_id) == told


async def _dead(house: House) -> list[Any]:
    places = {(DEAD.name, part): 0 for part in range(PARTITIONS)}
    return [one async for one in read(house.kafka, places, committed_only=False)]


async def _kept(store: str) -> list[tuple[Any, ...]]:
    """What score has kept of signals."""
    connection = await asyncpg.connect(store)
    try:
        rows = await connection.fetch(
            "SELECT lead_id, name, value, at, expires_at, known_at FROM advice ORDER BY 1, 2, 4"
        )
        return [tuple(row) for row in rows]
    except asyncpg.UndefinedTableError:
        return []
    finally:
        await connection.close()


async def test_signals_are_kept_as_they_were_used_and_found_again_as_they_were_known(store: str) -> None:
    async with opened(store) as score:
        score.use(ruleset(ADVISED))
        await score.tell(an_activity(1), profile=BUSINESS)
        for number, value in enumerate((6, 9)):
            at = NOON + minutes(number)
            input_ = score.stage.decode(a_record(a_signal(value=value, at=at), type_="lead.signal", now=at))
            assert input_ is not None
            await score.run([input_])  # type: ignore[list-item]
        known = [await history.known(score.pool, "ld_jo", at=NOON + minutes(later)) for later in (0, 1)]
        assert [[one.value for one in each.advice] for each in known if each is not None] == [[6], [6, 9]]
        lead = await history.lead(score.pool, "ld_jo")
        assert lead is not None
        assert [(one.name, one.value) for one in lead.state.advice] == [("velocity", 9)]
