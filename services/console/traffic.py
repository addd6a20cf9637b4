"""Sends the demo's stories through the public door over a given time, and keeps the books while their events travel. Prints nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from services.console import reading
from services.console.domain.books import TOPICS, Books
from services.console.domain.stories import Sending, Story
from services.console.where import Trouble

_KEY_SECONDS = 10.0  # a new write key works within seconds
_SETTLE_SECONDS = 30.0


@dataclass(slots=True)
class Answers:
    """What capture said."""

    accepted: int = 0
    refused: int = 0


async def run(
    stories: Sequence[Story],
    *,
    seconds: float,
    capture: str,
    key: str,
    books: Books,
    kafka: str,
    told: Callable[[], None],
) -> Answers:
    """Sends all stories, evenly over `seconds`; returns when everything accepted has ended, or half a minute later.

    `told` is called after each story. Raises Trouble when capture does not answer or does not take what it should.
    """
    since = await reading.ends(kafka, TOPICS)
    reader = asyncio.create_task(_read(kafka, since, books))
    answers = Answers()
    try:
        limits = httpx.Limits(max_connections=40)
        async with httpx.AsyncClient(
            base_url=capture, auth=(key, ""), trust_env=False, timeout=15, limits=limits
        ) as client:
            await _until_known(client)
            began = time.monotonic()

            async def tell(number: int, story: Story) -> None:
                await asyncio.sleep(max(0.0, began + seconds * number / len(stories) - time.monotonic()))
                begun = time.monotonic()
                for sending in story.sendings:
                    await asyncio.sleep(max(0.0, begun + sending.after_seconds - time.monotonic()))
                    await _send(client, sending, books, answers)
                told()

            async with asyncio.TaskGroup() as all_:
                for number, story in enumerate(stories):
                    all_.create_task(tell(number, story))
        deadline = time.monotonic() + _SETTLE_SECONDS
        while not books.is_settled() and time.monotonic() < deadline and not reader.done():
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)  # what is repeated or refused may still be on its way
    except* Trouble as troubles:
        raise troubles.exceptions[0] from None
    finally:
        reader.cancel()
    return answers


async def _read(kafka: str, since: dict[tuple[str, int], int], books: Books) -> None:
    async for record in reading.follow(kafka, TOPICS, since=since):
        books.add(record)


async def _until_known(client: httpx.AsyncClient) -> None:
    """Returns when capture knows the new write key. An empty batch sends nothing."""
    deadline = time.monotonic() + _KEY_SECONDS
    while (await _post(client, "/v1/batch", b'{"batch":[]}', {"Content-Type": "application/json"})).status_code == 401:
        if time.monotonic() > deadline:
            raise Trouble(f"Capture at {client.base_url} does not know the new write key after {_KEY_SECONDS:.0f} s.")
        await asyncio.sleep(0.1)


async def _send(client: httpx.AsyncClient, sending: Sending, books: Books, answers: Answers) -> None:
    headers = {"Content-Type": sending.content_type, "User-Agent": sending.user_agent, "Accept": "application/json"}
    response = await _post(client, sending.path, sending.body, headers)
    if response.status_code not in (200, 202):
        raise Trouble(f"Capture answered {response.status_code} to {sending.path}: {response.text[:300]}")
    answer = response.json()
    books.accepted |= {one["event_id"] for one in answer["accepted"]}
    answers.accepted += len(answer["accepted"])
    answers.refused += len(answer["rejected"])


async def _post(client: httpx.AsyncClient, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    try:
        return await client.post(path, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise Trouble(
            f"Capture does not answer at {client.base_url} ({type(error).__name__}). Look at `leads status`."
        ) from None
