"""Clients that post one event after another, each at its own pace whatever comes: so order can be checked, and load does not stop when doors are shut."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence

import httpx

from shared import ids
from tests.chaos.ledger import Book

_PATIENCE_SECONDS = 60.0
_CLIENT_SECONDS = 12.0  # a flight may wait for Kafka, then for the spool, and behind another that does


class Steady:
    """People with an event a second each. What no answer came to is sent again under its id; after a 503 the next one follows.

    Each event of a person goes to the door after the one of the last event, and begins after the answer to that.
    """

    def __init__(self, doors: Sequence[str], key: str, property_: str, book: Book) -> None:
        self._doors = tuple(doors)
        self._auth = httpx.BasicAuth(key, "")
        self._property = property_
        self._book = book

    async def live(self, run: str, *, per_second: float, until: asyncio.Event) -> None:
        """Posts until told to stop."""
        people = math.ceil(per_second)
        pace = people / per_second
        async with asyncio.TaskGroup() as all_:
            for number in range(people):
                all_.create_task(self._person(f"{run}-{number}", pace * number / people, pace, until))

    async def _person(self, who: str, first: float, pace: float, until: asyncio.Event) -> None:
        loop, number = asyncio.get_running_loop(), 0
        due = loop.time() + first
        # A client each: httpx looks through all connections of a client at every request, which at 300 of them is all that it does.
        async with httpx.AsyncClient(auth=self._auth, timeout=_CLIENT_SECONDS, trust_env=False, verify=False) as client:
            while not until.is_set():
                await asyncio.sleep(max(0.0, due - loop.time()))
                due = max(due + pace, loop.time())
                await self._post(client, who, number)
                number += 1

    async def _post(self, client: httpx.AsyncClient, who: str, number: int) -> None:
        message_id = f"{who}-{number}"
        event_id = ids.submission_id(self._property, message_id)
        self._book.note("send", event_id=event_id, message_id=message_id, kind="step", who=who)
        body = {"messageId": message_id, "userId": who, "event": "step", "properties": {"number": number}}
        began, turn = time.monotonic(), number
        while time.monotonic() - began < _PATIENCE_SECONDS:
            since = time.time()
            answers = []
            for door in (turn, turn + 1):
                answer = await self._ask(client, self._doors[door % len(self._doors)], body)
                answers.append(answer)
                if isinstance(answer, httpx.Response) and answer.status_code == 200:
                    break
            turn += 1
            status = [one if isinstance(one, str) else str(one.status_code) for one in answers]
            # What a balancer would have passed on: the answer of a door that gave one.
            said = next((one for one in status[::-1] if one.isdecimal()), status[-1])
            says_when = (
                all(one.headers.get("retry-after") for one in answers if not isinstance(one, str)) or said != "503"
            )
            self._book.note(
                "tried", message_id=message_id, since=since, answer=said, good=said == "200", says_when=says_when
            )
            if said == "200":
                self._book.note("accepted", event_id=event_id)
                return
            if said == "503":
                return
            await asyncio.sleep(0.2)

    async def _ask(self, client: httpx.AsyncClient, door: str, body: object) -> httpx.Response | str:
        try:
            return await client.post(f"{door}/v1/track", json=body)
        except httpx.HTTPError as error:
            return type(error).__name__
