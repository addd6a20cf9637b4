"""Of several who look at one store, what is known in the end is what the last one saw."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from shared.database import Pool
from shared.documents import store
from shared.documents.inforce import Documents, version_of

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)


class Store:
    """The publications of number 0, as they are when somebody asks; who asks first gets the texts when `goes_on` is set."""

    def __init__(self) -> None:
        self.published: list[str] = []
        self.asked = 0
        self.goes_on = asyncio.Event()

    async def fetch(self, statement: str, _: str, __: Sequence[Any]) -> list[Any]:
        if "FROM publication" in statement:
            rows = [(0, n, NOON + timedelta(hours=n), version_of(text), b"{}") for n, text in enumerate(self.published)]
            return [_Row(row) for row in rows]
        texts = [{"version": version_of(text), "text": text} for text in self.published]
        self.asked += 1
        if self.asked == 1:
            await self.goes_on.wait()
        return texts


class _Row(tuple[Any, ...]):
    def __getitem__(self, at: Any) -> Any:
        return super().__getitem__(3 if at == "version" else at)


async def test_a_look_that_began_before_a_publication_does_not_take_it_out_of_force() -> None:
    words = Documents("words", read=str.split, name=lambda one: one[0], first="file")
    rows = Store()
    pool = cast(Pool, rows)
    rows.published = ["one"]
    slow = asyncio.create_task(store.refresh(pool, words, parts=[0]))  # as an API does it
    await asyncio.sleep(0)
    # The shell kept the second, and looks then.
    rows.published = ["one", "two"]
    quick = asyncio.create_task(store.refresh(pool, words, parts=[0]))
    for _ in range(5):
        await asyncio.sleep(0)
    rows.goes_on.set()
    await asyncio.gather(quick, slow)
    assert words.latest(0).document == ["two"]
