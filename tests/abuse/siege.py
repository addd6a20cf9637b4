"""One capture, one attack after the other from a process of its own, an honest sender beside them: what was seen, and which promise broke."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from dataclasses import dataclass

import httpx
import msgspec
import psutil

from tests.abuse.attacks import Came
from tests.integration.capture_process import Running, running

KEY_EVENTS_PER_SECOND = 200  # the attacked key may send as many
HONEST_PER_SECOND = 20
LONGEST_SECONDS = {"silent_after_a_request": 65.0}  # keep-alive; for all others the limit of a request
_REQUEST_SECONDS = 8.0
_SLACK_SECONDS = 6.0
_FEW = 150  # connections: its own to Kafka and Postgres, those of the honest sender
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


async def besieged(kafka: str, dsn: str, rounds: list[list[str]], *, seconds: float, timed: bool) -> list[Told]:
    """Each round's attacks at once, one round after the other; attacks without an end of their own take so many seconds. `timed`:
    whether the honest sender's times are a promise (not on a machine that does other things)."""
    told: list[Told] = []
    settings = {"key_events_per_second": str(KEY_EVENTS_PER_SECOND), "trusted_proxies": "127.0.0.0/8"}
    async with running(kafka, dsn, **settings) as capture:
        honest_key = await capture.a_key("Honest")
        process = psutil.Process(capture.process.pid)
        await _attacked(capture, "flood_on_one_key", 2.0)  # warm
        for attacks in rounds:
            before = process.memory_info().rss
            honest: list[float] = []
            refused: list[int] = []
            sender = asyncio.create_task(_honest(capture, honest_key, honest, refused))
            came = await asyncio.gather(*(_attacked(capture, attack, seconds) for attack in attacks))
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            after = process.memory_info().rss
            shared = []
            if refused or not honest:
                shared.append(f"the honest sender was refused: {sorted(set(refused))}")
            if timed and _share(honest, 0.99) > _P99_SECONDS:
                shared.append(f"the honest sender's p99 is above {_P99_SECONDS * 1000:.0f} ms")
            if after - before > _MOST_GROWTH:
                shared.append(f"memory grew by {(after - before) / 2**20:.0f} MB")
            for attack, one in zip(attacks, came, strict=True):
                told.append(Told(attack, one, honest, after, [*_broken(attack, one), *shared]))
        await _until_few(process)
        assert capture.process.returncode is None
    return told


async def _until_few(process: psutil.Process) -> None:
    """Until capture has no connections but its own and the honest sender's. Raises TimeoutError."""
    async with asyncio.timeout(_REQUEST_SECONDS + _SLACK_SECONDS):
        while len(process.net_connections("tcp")) > _FEW:
            await asyncio.sleep(0.2)


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
        status = 0  # hung up on
        with contextlib.suppress(httpx.TransportError):
            status = (await capture.client.post("/v1/track", json=body, auth=(key, ""))).status_code
        took.append(time.monotonic() - due)
        if status != 200:
            refused.append(status)

    try:
        while True:
            number += 1
            due = began + number / HONEST_PER_SECOND
            await asyncio.sleep(due - time.monotonic())
            task = asyncio.create_task(post(due, {"userId": f"honest-{number}", "event": "x"}))
            open_posts.add(task)
            task.add_done_callback(open_posts.discard)
    finally:
        await asyncio.gather(*open_posts)


def _share(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)] if values else 0.0
