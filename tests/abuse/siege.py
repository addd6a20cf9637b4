"""One capture, attack after attack from a process of its own, an honest sender beside them: what was seen, and which promise broke."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass

import msgspec
import psutil

from tests.abuse.attacks import Came
from tests.abuse.honest import Honest, share
from tests.integration.capture_process import Running, running

ROUNDS = 2  # of each attack: what the first one leaves in memory is caches and room, what the second one adds is a leak
P99_SECONDS = 0.05
MOST_GROWTH = 4 * 2**20  # bytes that the second round may add
KEY_EVENTS_PER_SECOND = 200  # the attacked key may send as many, in bursts of ten seconds' share
# Capture's own settings, by address: requests, and what is invalid, likewise.
_ADDRESS_REQUESTS, _ADDRESS_INVALID, _BURST_SECONDS = 100, 10, 10
_REQUEST_SECONDS, _KEEP_ALIVE_SECONDS = 8.0, 65.0
_SLACK_SECONDS = 3.0  # a look every quarter of a second, lingering, and the attack's own slowness
_FEW = 10  # file descriptors more or less: capture's own connections to Kafka and Postgres come and go


@dataclass(frozen=True, slots=True)
class Promise:
    """What an attack is answered: `answers` each at least once, `also` perhaps; 0 is a connection closed without a word. `open_for`:
    seconds that a connection may stay open; None where the attack closes its own. `most`: answers by status, as (rate, burst)."""

    answers: frozenset[int]
    also: frozenset[int] = frozenset()
    open_for: float | None = None
    most: tuple[tuple[int, int], ...] = ()


def _promise(*answers: int, also: tuple[int, ...] = (), open_for: float | None = None, **most: int) -> Promise:
    return Promise(frozenset(answers), frozenset(also), open_for, tuple((int(key[1:]), most[key]) for key in most))


PROMISES = {
    "nothing": _promise(),
    "trickling": _promise(408, open_for=_REQUEST_SECONDS),
    "idle": _promise(0, open_for=_REQUEST_SECONDS),
    "silent_after_a_request": _promise(200, also=(429,), open_for=_KEEP_ALIVE_SECONDS),
    "unreading": _promise(0, open_for=_REQUEST_SECONDS),
    "oversized": _promise(413, 431, open_for=_REQUEST_SECONDS),
    "flood_on_one_key": _promise(200, 429, _200=KEY_EVENTS_PER_SECOND),
    "wrong_keys": _promise(401, 429, _401=_ADDRESS_INVALID),
    "from_one_network": _promise(200, 401, 429, _200=_ADDRESS_REQUESTS, _401=_ADDRESS_INVALID),
    "strangers": _promise(401),
    "never_the_same": _promise(202, 413, also=(429,), _202=KEY_EVENTS_PER_SECOND, _413=KEY_EVENTS_PER_SECOND),
    "coming_and_going": _promise(0),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What was seen during an attack, both rounds: seconds of the honest sender's answers; bytes of capture's memory at its highest and
    after each round; the shares of a core that capture and the attack took."""

    attack: str
    came: list[Came]
    honest: list[float]
    peak: int
    after: list[int]
    cpu: float
    attack_cpu: float
    broken: list[str]

    def cells(self) -> list[str]:
        """A line of the table."""
        answers: dict[int, int] = {}
        for one in self.came:
            for status, count in one.answers.items():
                answers[status] = answers.get(status, 0) + count
        return [
            self.attack.replace("_", " "),
            str(sum(one.connections for one in self.came)),
            ", ".join(f"{count} x {status or 'closed'}" for status, count in sorted(answers.items())) or "-",
            f"{max(one.longest for one in self.came):.1f}",
            *(f"{share(self.honest, part) * 1000:.1f}" for part in (0.5, 0.99)),
            *(f"{size / 2**20:.0f}" for size in (self.peak, *self.after)),
            f"{self.cpu * 100:.0f}",
            f"{self.attack_cpu * 100:.0f}",
            "; ".join(self.broken) or "-",
        ]


async def besieged(
    kafka: str, dsn: str, together: list[list[str]], *, seconds: float, timed: bool, rounds: int = ROUNDS
) -> list[Told]:
    """One list of attacks after the other, those of a list at once, each list so many times; attacks without an end of their own take so
    many seconds. `timed`: whether the honest sender's times are a promise (not on a machine that does other things), and the attacks keep
    aside for that."""
    told: list[Told] = []
    settings = {"key_events_per_second": str(KEY_EVENTS_PER_SECOND), "trusted_proxies": "127.0.0.0/8"}
    async with running(kafka, dsn, **settings) as capture:
        honest_key = await capture.a_key("Honest")
        process = psutil.Process(capture.process.pid)
        await _attacked(capture, "flood_on_one_key", 2.0, aside=False)  # warm
        for attacks in together:
            before, left = process.num_fds(), 0
            honest = Honest(capture.port, honest_key)
            sending = asyncio.create_task(honest.run())
            peaks: list[int] = []
            watching = asyncio.create_task(_watched(process, peaks))
            began, cpu = time.monotonic(), sum(process.cpu_times()[:2])
            came: list[list[Came]] = []
            after: list[int] = []
            for _ in range(rounds):
                came.append(
                    list(
                        await asyncio.gather(*(_attacked(capture, attack, seconds, aside=timed) for attack in attacks))
                    )
                )
                left = max(left, await _stay_open(process, before, honest))
                after.append(process.memory_info().rss)
            took = time.monotonic() - began
            cpu = (sum(process.cpu_times()[:2]) - cpu) / took
            for task in (sending, watching):
                task.cancel()
            await asyncio.gather(sending, watching, return_exceptions=True)
            shared = _shared(honest, after, left, timed=timed)
            for index, attack in enumerate(attacks):
                its = [one[index] for one in came]
                broken = [*dict.fromkeys(one for each in its for one in _broken(attack, each)), *shared]
                attack_cpu = sum(one.cpu for one in its) / took
                told.append(Told(attack, its, honest.took, max(peaks), after, cpu, attack_cpu, broken))
        assert capture.process.returncode is None
    return told


def _shared(honest: Honest, after: list[int], left: int, *, timed: bool) -> list[str]:
    found = [f"{left} connections stay open"] if left else []
    if honest.refused or not honest.took:
        found.append(f"the honest sender was refused: {sorted(set(honest.refused))}")
    if timed and share(honest.took, 0.99) > P99_SECONDS:
        found.append(f"the honest sender's p99 is above {P99_SECONDS * 1000:.0f} ms")
    if len(after) > 1 and (grown := after[-1] - after[-2]) > MOST_GROWTH:
        found.append(f"the last round left {grown / 2**20:.1f} MB")
    return found


async def _watched(process: psutil.Process, peaks: list[int]) -> None:
    while True:
        peaks.append(process.memory_info().rss)
        await asyncio.sleep(0.2)


async def _stay_open(process: psutil.Process, before: int, honest: Honest) -> int:
    """How many connections are left after the time in which all had to go; 0 as soon as there are none but the honest sender's."""
    by = time.monotonic() + _REQUEST_SECONDS + _SLACK_SECONDS
    while (left := process.num_fds() - before - len(honest.connections)) > _FEW:
        if time.monotonic() > by:
            return left
        await asyncio.sleep(0.2)
    return 0


def _broken(attack: str, came: Came) -> list[str]:
    promise, found = PROMISES[attack], []
    if unexpected := came.answers.keys() - promise.answers - promise.also:
        found.append(f"answers that are none of its own: {sorted(unexpected)}")
    if missing := promise.answers - came.answers.keys():
        found.append(f"never answered {sorted(missing)}")
    if promise.open_for is not None and came.longest > promise.open_for + _SLACK_SECONDS:
        found.append(f"a connection was open for {came.longest:.0f} s")
    for status, rate in promise.most:
        if came.answers.get(status, 0) > rate * (came.longest + _BURST_SECONDS + _SLACK_SECONDS):
            found.append(f"{came.answers[status]} answers {status} are more than its share")
    return found


async def _attacked(capture: Running, attack: str, seconds: float, *, aside: bool) -> Came:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.abuse.floods", attack, str(capture.port), capture.key, str(seconds),
        *(["aside"] if aside else []),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, f"the attack {attack} itself failed"
    return msgspec.json.decode(said, type=Came)
