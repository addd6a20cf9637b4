"""One capture, one attack after the other from a process of its own, an honest sender beside them: what was seen, and which promise broke."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import msgspec
import psutil

from tests import stack
from tests.abuse.attacks import Came
from tests.integration.capture_process import Running, running

KEY_EVENTS_PER_SECOND = 200  # the attacked key may send as many
HONEST_PER_SECOND = 20
LONGEST_SECONDS = {"silent_after_a_request": 65.0}  # keep-alive; for all others the limit of a request
_REQUEST_SECONDS = 8.0
_SLACK_SECONDS = 4.0
_P99_SECONDS = 0.05
_MOST_GROWTH = 40 * 2**20  # bytes that an attack may leave behind
# What each may be answered; 0 is a connection that was closed without a word.
EXPECTED = {
    "trickling": {408},
    "idle": {0},
    "silent_after_a_request": {200, 429},
    "unreading": {0},
    "oversized": {408, 413, 431, 0},
    "flood_on_one_key": {200, 429},
    "wrong_keys": {401, 429},
    "never_the_same": {202, 422, 429},
}


@dataclass(frozen=True, slots=True)
class Told:
    """What was seen during an attack: seconds of the honest sender's answers, bytes of capture's memory after it."""

    attack: str
    came: Came
    honest: list[float]
    memory: int
    broken: list[str]

    def cells(self) -> list[str]:
        """A line of the table."""
        answers = ", ".join(f"{count} x {status or 'closed'}" for status, count in sorted(self.came.answers.items()))
        p50, p99 = (_share(self.honest, share) * 1000 for share in (0.5, 0.99))
        return [
            self.attack.replace("_", " "),
            str(self.came.connections),
            answers,
            f"{self.came.longest:.1f}",
            f"{p50:.1f}",
            f"{p99:.1f}",
            f"{self.memory / 2**20:.0f}",
            "; ".join(self.broken) or "-",
        ]


async def besieged(
    infrastructure: stack.Infrastructure, attacks: list[str], *, seconds: float, timed: bool
) -> list[Told]:
    """Each attack in turn; `timed`: whether the honest sender's times are a promise (not on a machine that does other things)."""
    told: list[Told] = []
    settings = {"key_events_per_second": str(KEY_EVENTS_PER_SECOND), "trusted_proxies": "127.0.0.0/8"}
    async with _database(infrastructure.postgres) as dsn, running(infrastructure.kafka, dsn, **settings) as capture:
        honest_key = await capture.a_key("Honest")
        process = psutil.Process(capture.process.pid)
        await _attacked(capture, "flood_on_one_key", 2.0)  # warm
        for attack in attacks:
            before = process.memory_info().rss
            honest: list[float] = []
            refused: list[int] = []
            sender = asyncio.create_task(_honest(capture, honest_key, honest, refused))
            came = await _attacked(capture, attack, seconds)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            after = process.memory_info().rss
            broken = list(_broken(attack, came))
            if refused:
                broken.append(f"the honest sender was refused: {sorted(set(refused))}")
            if timed and _share(honest, 0.99) > _P99_SECONDS:
                broken.append(f"the honest sender's p99 is above {_P99_SECONDS * 1000:.0f} ms")
            if after - before > _MOST_GROWTH:
                broken.append(f"memory grew by {(after - before) / 2**20:.0f} MB")
            told.append(Told(attack, came, honest, after, broken))
        assert capture.process.returncode is None
    return told


def _broken(attack: str, came: Came) -> list[str]:
    found = []
    if unexpected := came.answers.keys() - EXPECTED[attack]:
        found.append(f"answers that are none of its own: {sorted(unexpected)}")
    limit = LONGEST_SECONDS.get(attack, _REQUEST_SECONDS)
    if not attack.startswith(("flood", "wrong", "never")) and came.longest > limit + _SLACK_SECONDS:
        found.append(f"a connection was open for {came.longest:.0f} s")
    if attack == "flood_on_one_key" and not came.answers.get(429):
        found.append("it was never limited")
    return found


async def _attacked(capture: Running, attack: str, seconds: float) -> Came:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.abuse.attacks", attack, str(capture.port), capture.key, str(seconds),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, f"the attack {attack} itself failed"
    return msgspec.json.decode(said, type=Came)


async def _honest(capture: Running, key: str, took: list[float], refused: list[int]) -> None:
    """Posts at a steady rate, over a few connections of its own, each with its time from when it was due."""
    began, number = time.monotonic(), 0
    open_posts: set[asyncio.Task[None]] = set()

    async def post(due: float, body: dict[str, str]) -> None:
        answered = await capture.client.post("/v1/track", json=body, auth=(key, ""))
        took.append(time.monotonic() - due)
        if answered.status_code != 200:
            refused.append(answered.status_code)

    while True:
        number += 1
        due = began + number / HONEST_PER_SECOND
        await asyncio.sleep(due - time.monotonic())
        task = asyncio.create_task(post(due, {"userId": f"honest-{number}", "event": "x"}))
        open_posts.add(task)
        task.add_done_callback(open_posts.discard)


@contextlib.asynccontextmanager
async def _database(server: str) -> AsyncIterator[str]:
    name = f"abuse_{uuid.uuid4().hex[:8]}"
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


def _share(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)] if values else 0.0
