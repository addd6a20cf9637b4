"""The clients: people's visits posted at capture's doors, open loop, each request in the ledger before it is made and after its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import httpx

from shared import ids
from tests.chaos.ledger import Book
from tests.chaos.people import Crowd, Post

POSTS_A_VISIT = 3.6
_PATIENCE_SECONDS = 90.0  # an SDK keeps its queue for longer; a client of ours gives up in the end


class Population:
    """Visits at a rate. `doors` are capture's instances: a request that one does not answer goes to the next, as behind a balancer."""

    def __init__(self, doors: Sequence[str], key: str, property_: str, book: Book) -> None:
        self._doors = tuple(doors)
        self._auth = httpx.BasicAuth(key, "")
        self._property = property_
        self._book = book
        self._next = 0
        self._ready = set(self._doors)

    async def live(self, crowd: Crowd, *, per_second: float, until: asyncio.Event) -> None:
        """Begins visits until told to stop, then lets those that have begun finish."""
        loop = asyncio.get_running_loop()
        every = POSTS_A_VISIT / per_second
        due = loop.time()
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=40)
        async with (
            httpx.AsyncClient(auth=self._auth, timeout=8, limits=limits, trust_env=False, verify=False) as client,
            asyncio.TaskGroup() as visits,
        ):
            balancing = asyncio.create_task(self._balance())
            while not until.is_set():
                visits.create_task(self._visit(client, crowd.visit()))
                due = max(due + every, loop.time() - 1.0)  # never a flood after a stall of our own
                await asyncio.sleep(max(0.0, due - loop.time()))
        balancing.cancel()

    async def _balance(self) -> None:
        """As a balancer does: twice a second every door is asked whether it is ready, and the first try goes to one that is."""
        async with httpx.AsyncClient(timeout=1, trust_env=False, verify=False) as client:
            while True:
                for door in self._doors:
                    try:
                        ready = (await client.get(f"{door}/readyz")).status_code == 200
                    except httpx.HTTPError:
                        ready = False
                    (self._ready.add if ready else self._ready.discard)(door)
                await asyncio.sleep(0.5)

    async def _visit(self, client: httpx.AsyncClient, posts: Sequence[Post]) -> None:
        async with asyncio.TaskGroup() as together:
            for post in posts:
                await asyncio.sleep(post.pause)
                together.create_task(self._one(client, post))

    async def _one(self, client: httpx.AsyncClient, post: Post) -> None:
        event_id = ids.submission_id(self._property, post.message_id)
        if post.valid:
            self._book.note("send", event_id=event_id, message_id=post.message_id, kind=post.kind)
        else:
            self._book.note("invalid", message_id=post.message_id)
        began, wait = time.monotonic(), 0.2
        while time.monotonic() - began < _PATIENCE_SECONDS:
            since = time.time()
            answer = await self._ask(client, post)
            status = answer if isinstance(answer, str) else str(answer.status_code)
            good = status in ("200", "202") if post.valid else status == "422"
            self._book.note("tried", message_id=post.message_id, since=since, answer=status, good=good)
            if good:
                self._settle(post, event_id, answer)
                return
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, 3.0)

    def _settle(self, post: Post, event_id: str, answer: httpx.Response | str) -> None:
        if not post.valid:
            self._book.note("invalid", message_id=post.message_id, answer="422")
            return
        assert isinstance(answer, httpx.Response)
        said = answer.json()["accepted"][0]["event_id"]
        if said != event_id:
            self._book.note("failed", name="event id", why=f"{post.message_id} became {said}, not {event_id}")
        self._book.note("accepted", event_id=event_id)

    async def _ask(self, client: httpx.AsyncClient, post: Post) -> httpx.Response | str:
        """The answer of the first door that gives one, else what went wrong at the last."""
        headers = {"Idempotency-Key": post.message_id} if post.path.startswith("/v1/forms") else {}
        self._next += 1
        turn, wrong = self._next % len(self._doors), "no door"
        doors = self._doors[turn:] + self._doors[:turn]
        for door in sorted(doors, key=lambda one: one not in self._ready):
            try:
                answer = await client.post(f"{door}{post.path}", json=post.body, headers=headers)
            except httpx.HTTPError as error:
                wrong = type(error).__name__
                continue
            if answer.status_code != 503:
                return answer
            wrong = "503"  # not ready: a balancer has another
        return wrong
