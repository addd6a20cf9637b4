"""What becomes of a notice where everything around works: its end is kept after what it says is durable, and a bug of ours is no endless loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
import pytest

from services.capture import fetching, store
from services.capture.fetching import Fetching
from services.capture.properties import Properties
from services.capture.store import StoredHook, Told
from services.capture.vendors.vendor import Fetch
from shared.message import Message
from tests.unit.capture.door import NOW, a_property, a_scribe
from tests.unit.capture.vendors import test_meta

FETCH = Fetch(vendor="meta", lead_id="1", path="1", message_id="meta:1")
HOOK = StoredHook(property="shop", vendor="meta", secrets={"access-token": (b"our token",)})


class Worker(Fetching):
    """A worker whose store is a list of what it was told, in order with what became durable."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *hooks: StoredHook, durable: bool = True) -> None:
        self.journal: list[str] = []
        self.dead: list[dict[str, Any]] = []

        async def write(messages: Sequence[Message]) -> bool:
            self.journal += [one.topic for one in messages] if durable else ["not durable"]
            self.dead += [msgspec.json.decode(one.value) for one in messages if one.topic == "leads.dead.v1"]
            return durable

        async def dealt_with(_: Any, told: Told, *, state: str, person: str | None = None) -> None:
            self.journal.append(f"{state}, of somebody" if person else state)

        async def again_in(_: Any, told: Told, seconds: float) -> None:
            self.journal.append(f"again in {seconds:g} s")

        monkeypatch.setattr(store, "dealt_with", dealt_with)
        monkeypatch.setattr(store, "again_in", again_in)
        super().__init__(
            "postgresql://nowhere",
            properties=Properties([a_property()], hooks),
            scribe=a_scribe(),
            durable=write,
            now=lambda: NOW,
            chance=lambda: 0.0,
            budget_seconds=1,
        )

    async def _do(self, work: Any) -> Any:
        return await work(None)

    async def deal(self, answer: httpx.Response) -> list[str]:
        """Deals with one notice while the vendor answers so; what was done, in order."""
        async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer)) as client:
            await self._deal_with(fetching.told("shop", FETCH, "meta", NOW), client)
        return self.journal


async def test_a_lead_is_done_only_after_it_is_durable(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = httpx.Response(200, json=test_meta.GRAPH)
    assert await Worker(monkeypatch, HOOK).deal(answer) == ["leads.captured.v1", "done, of somebody"]


async def test_a_lead_that_did_not_become_durable_is_due_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = httpx.Response(200, json=test_meta.GRAPH)
    assert await Worker(monkeypatch, HOOK, durable=False).deal(answer) == ["not durable", "again in 5 s"]


async def test_a_vendor_that_says_when_is_asked_then(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = httpx.Response(429, headers={"retry-after": "120"})
    assert await Worker(monkeypatch, HOOK).deal(answer) == ["again in 120 s"]


async def test_an_answer_without_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(monkeypatch, HOOK)
    assert await worker.deal(httpx.Response(200, content=b" " * 600_000)) == ["leads.dead.v1", "dead"]
    assert "too large" in worker.dead[0]["detail"]


async def test_without_a_hook_a_lead_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await Worker(monkeypatch).deal(httpx.Response(200)) == ["leads.dead.v1", "dead"]


async def test_a_bug_of_ours_costs_one_lead_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(monkeypatch, HOOK)
    monkeypatch.setattr("services.capture.vendors.asked.understood", lambda *_: 1 / 0)
    assert await worker.deal(httpx.Response(200)) == ["leads.dead.v1", "dead"]
    assert (worker.dead[0]["reason"], worker.dead[0]["detail"]) == ("decide-failed", "ZeroDivisionError")
