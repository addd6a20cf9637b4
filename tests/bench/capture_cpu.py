"""CPU of capture per lead, measured from outside: posts the benchmark's leads to a running capture and reads its process's CPU time.

python -m tests.bench.capture_cpu URL WRITE_KEY PID [PID of Kafka ...] [--batch 50] [--rate 1000] [--seconds 10] [--connections 64]
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil
import uvloop

from tests.bench.door import Door, Post
from tests.bench.leads import Crowd, Writer, form_path

_SEED = 7
_TICK_SECONDS = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a run took. CPU in microseconds a lead, of each process in the order given; latencies of answers in milliseconds."""

    leads: int
    rate: float
    cpu: tuple[float, ...]
    p50: float
    p99: float
    statuses: dict[int, int]

    def __str__(self) -> str:
        cpu = " + ".join(f"{one:.1f}" for one in self.cpu)
        return (
            f"{self.leads} leads at {self.rate:,.0f}/s: {cpu} us of CPU a lead, "
            f"answers p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms, {self.statuses}"
        )


async def measure(
    url: str,
    key: str,
    pids: list[int],
    *,
    batch: int = 1,
    rate: float = 0.0,
    seconds: float = 10.0,
    connections: int = 64,
) -> Measured:
    """Posts `rate` leads a second for so long; at 0 each connection posts as soon as it has its answer."""
    where = urlsplit(url)
    writer, crowd = Writer(_SEED), Crowd(time.time_ns(), first=time.time_ns())
    latencies: list[float] = []
    statuses: Counter[int] = Counter()

    def answered(post: Post, status: int) -> None:
        latencies.append(time.perf_counter() - post.tag)
        statuses[status] += 1

    def post() -> None:
        leads = [crowd.next() for _ in range(batch)]
        if batch > 1:
            door.post(Post("/v1/batch", writer.batch(leads), time.perf_counter()))
        else:
            door.post(Post(form_path(leads[0]), writer.form(leads[0]), time.perf_counter()))

    door = Door(host=where.hostname or "", port=where.port or 80, key=key, connections=connections, on_answer=answered)
    processes = [psutil.Process(pid) for pid in pids]
    before, began, sent = [_cpu(one) for one in processes], time.perf_counter(), 0
    while (now := time.perf_counter()) < began + seconds:
        if rate:
            while sent < (now - began) * rate:
                post()
                sent += batch
        else:
            while door.in_flight < connections:
                post()
                sent += batch
        await asyncio.sleep(_TICK_SECONDS if rate else 0)
    while door.in_flight:
        await asyncio.sleep(_TICK_SECONDS)
    took = time.perf_counter() - began
    used = [_cpu(one) - was for one, was in zip(processes, before, strict=True)]
    door.close()
    latencies.sort()
    p50, p99 = (latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.99))
    cpu = tuple(one / sent * 1e6 for one in used)
    return Measured(leads=sent, rate=sent / took, cpu=cpu, p50=p50, p99=p99, statuses=dict(statuses))


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("pids", type=int, nargs="+", metavar="PID")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.0, help="leads a second; 0: as fast as it goes")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=64)
    given = vars(parser.parse_args())
    print(uvloop.run(measure(given.pop("url"), given.pop("key"), given.pop("pids"), **given)))


if __name__ == "__main__":
    main()
