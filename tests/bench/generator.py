"""The load generator, a process of its own: posts leads at a given rate whatever comes back, or as many as the pipeline takes.

It says `ready`, begins when it gets a line, and prints one line of JSON when it is done. Open loop: a post is due at begin + i / rate, and its latency counts from then, sent or
not. Flood: it posts whenever fewer than `backlog` posts are still on their way to the last topic, so that the pipeline is always
full and never buried.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import time
from collections import Counter, deque
from pathlib import Path

import msgspec
import uvloop

from tests.bench.door import Door, Post
from tests.bench.leads import Crowd, Kind, Lead, Mix, Writer, form_path
from tests.bench.marks import ARRIVED, DONE, Marks

TICK_SECONDS = 0.002
_ACCEPTED = (200, 202)
_FOR_NOW = (429, 503)


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What to send where. `rate` is leads a second, None for a flood; `batch` leads in one request, 1 for form posts."""

    host: str
    port: int
    key: str
    marks: str
    first: int
    capacity: int
    people: int
    seed: int
    seconds: float
    rate: float | None = None
    leads: int | None = None  # ends after so many, whatever the time
    batch: int = 1
    backlog: int = 4000
    connections: int = 64
    ready: int = 0  # leads whose bodies are written before the load begins, so that writing them is not part of it
    only_new: bool = False


class Sent(msgspec.Struct, kw_only=True):
    """What was sent. `leads` should end on the last topic; moments are of the monotonic clock in nanoseconds."""

    posts: int
    requests: int
    leads: int
    people: int
    next_number: int
    begun_ns: int
    ended_ns: int
    statuses: dict[str, int]
    retries: int
    unanswered: int
    late_ms: float
    cpu_seconds: float


class Generator:
    """One load while it runs."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._marks = Marks(Path(load.marks), first=load.first, capacity=load.capacity)
        mix = Mix(known=0, joins=0, repeats=0, invalid=0) if load.only_new else None
        self._crowd = Crowd(load.seed, first=load.first, people=load.people, mix=mix)
        self._writer = Writer(load.seed)
        self._door = Door(
            host=load.host, port=load.port, key=load.key, connections=load.connections, on_answer=self._answered
        )
        self._statuses: Counter[str] = Counter()
        self._posts = self._requests = self._leads = 0
        self._people = load.people
        self._visitors: set[int] = set()
        self._late = 0.0
        self._ready = deque(self._written() for _ in range(load.ready // load.batch))

    async def run(self) -> Sent:
        """Sends it all and waits for the answers."""
        load = self._load
        spent = _cpu_seconds()
        begun = time.monotonic_ns()
        if load.rate is None:
            await self._flood(begun)
        else:
            await self._pace(begun, load.rate)
        # Whoever is still a visitor says who they are, so that every post ends somewhere.
        for person in sorted(self._visitors):
            lead = self._crowd.identified(person)
            self._post(self._request([lead]), time.monotonic_ns())
        ended = time.monotonic_ns()
        give_up = time.monotonic() + 30
        while self._door.in_flight and time.monotonic() < give_up:
            await asyncio.sleep(0.005)
        unanswered = self._door.in_flight
        self._door.close()
        self._marks.cells[DONE] = 1
        return Sent(
            posts=self._posts,
            requests=self._requests,
            leads=self._leads,
            people=self._people,
            next_number=self._crowd.number,
            begun_ns=begun,
            ended_ns=ended,
            statuses=dict(self._statuses),
            retries=self._door.retries,
            unanswered=unanswered,
            late_ms=round(self._late * 1000, 1),
            cpu_seconds=_cpu_seconds() - spent,
        )

    async def _pace(self, begun: int, rate: float) -> None:
        load = self._load
        gap = 1e9 * load.batch / rate
        count = int(load.seconds * rate / load.batch)
        loop = asyncio.get_running_loop()
        tick = loop.time()
        sent = 0
        while sent < count:
            due = min(count, int((time.monotonic_ns() - begun) / gap) + 1)
            while sent < due:
                self._post(self._next(), begun + int(sent * gap))
                sent += 1
            tick += TICK_SECONDS
            wait = tick - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            else:
                self._late = max(self._late, -wait)
                tick = loop.time()
                await asyncio.sleep(0)

    async def _flood(self, begun: int) -> None:
        load = self._load
        end = begun + int(load.seconds * 1e9)
        cells = self._marks.cells
        while (now := time.monotonic_ns()) < end and (load.leads is None or self._leads < load.leads):
            room = load.backlog - (self._leads - cells[ARRIVED])
            # No more than two requests wait for each connection: what stands here in line is not on its way.
            while room > 0 and self._door.waiting < load.connections:
                if not self._ready and self._crowd.number + load.batch > load.first + load.capacity:
                    return
                self._post(self._next(), now)
                room -= load.batch
            await asyncio.sleep(TICK_SECONDS)

    def _next(self) -> Post:
        return self._ready.popleft() if self._ready else self._written()

    def _written(self) -> Post:
        return self._request([self._crowd.next() for _ in range(self._load.batch)])

    def _request(self, leads: list[Lead]) -> Post:
        if self._load.batch == 1:
            return Post(form_path(leads[0]), self._writer.form(leads[0]), leads)
        return Post("/v1/batch", self._writer.batch(leads), leads)

    def _post(self, post: Post, due: int) -> None:
        marks = self._marks
        for lead in post.tag:
            if lead.kind < Kind.REPEAT:
                row = marks.row(lead.number)
                if row >= 0:
                    marks.due[row] = due
                    marks.kind[row] = lead.kind
                self._leads += 1
                self._people = max(self._people, lead.person + 1)
                if lead.kind is Kind.VISIT:
                    self._visitors.add(lead.person)
                elif lead.kind is Kind.IDENTIFIED:
                    self._visitors.discard(lead.person)
        self._posts += len(post.tag)
        self._requests += 1
        self._door.post(post)

    def _answered(self, post: Post, status: int) -> None:
        self._statuses[str(status)] += 1
        if status in _ACCEPTED:
            now, marks = time.monotonic_ns(), self._marks
            for lead in post.tag:
                row = marks.row(lead.number) if lead.kind < Kind.REPEAT else -1
                if row >= 0:
                    marks.answered[row] = now
        elif status in _FOR_NOW:
            self._door.in_flight += 1  # it is still on its way
            asyncio.get_running_loop().call_later(1.0, self._again, post)

    def _again(self, post: Post) -> None:
        self._door.in_flight -= 1
        self._door.post(post)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Reads a Load from the argument, runs it, prints a Sent."""
    load = msgspec.json.decode(sys.argv[1].encode(), type=Load)
    generator = Generator(load)
    gc.freeze()
    gc.disable()  # nothing here is circular, and a pause would be measured as the others' latency
    print("ready", flush=True)
    sys.stdin.readline()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sent = runner.run(generator.run())
    print(json.dumps(msgspec.to_builtins(sent)), flush=True)
    os._exit(0)  # connections that the server holds open need no goodbye


if __name__ == "__main__":
    main()
