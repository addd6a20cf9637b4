"""The operator's tokens: one may do all, one may only look, and guessing is slow."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI

from shared import ops, problem

MOST = 30
ALL, READ = "a" * 32, "r" * 32


@dataclass
class Clock:
    """What time it is here."""

    at: float = 0.0

    def __call__(self) -> float:
        return self.at


def client(*, reading: str = READ, now: Clock | None = None) -> httpx.AsyncClient:
    """Somebody who asks an app behind the tokens."""
    app = FastAPI(dependencies=[ops.operator(ALL, reading, most_wrong=MOST, now=now or Clock())])
    problem.install(app)

    @app.get("/")
    async def look() -> dict[str, str]:
        return {}

    @app.post("/")
    async def change() -> dict[str, str]:
        return {}

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://leads")


async def status(asking: httpx.AsyncClient, method: str, token: str) -> int:
    """What is answered to this token."""
    answer = await asking.request(method, "/", headers={"Authorization": f"Bearer {token}"} if token else {})
    return answer.status_code


@pytest.mark.parametrize(
    ("token", "looks", "changes"),
    [(ALL, 200, 200), (READ, 200, 403), ("wrong", 401, 401), ("", 401, 401), (ALL[:-1], 401, 401)],
)
async def test_each_token_may_do_its_own(token: str, looks: int, changes: int) -> None:
    asking = client()
    assert (await status(asking, "GET", token), await status(asking, "POST", token)) == (looks, changes)


async def test_without_a_reading_token_an_empty_one_opens_nothing() -> None:
    asking = client(reading="")
    assert await status(asking, "GET", "") == 401
    assert (await asking.get("/", headers={"Authorization": "Bearer "})).status_code == 401


async def test_who_guesses_is_told_to_wait_and_the_operator_is_not() -> None:
    now = Clock()
    asking = client(now=now)
    said = [await status(asking, "GET", f"guess {number}") for number in range(MOST + 2)]
    assert said == [401] * MOST + [429, 429]
    assert await status(asking, "GET", ALL) == 200
    now.at = 61
    assert await status(asking, "GET", "another guess") == 401
