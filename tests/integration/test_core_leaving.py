"""A member that leaves for good, at a real broker: the others have its numbers at once, in every group, long before a session ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from shared import leaving, topics
from shared.reader import Reader
from tests.core.process import topics as topics_of

PARTITIONS = 4
SESSION_MS = 60_000  # so long that only the goodbye can have moved a number


async def _nothing(_: Collection[int]) -> None:
    return


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.05)


async def test_the_numbers_of_a_member_that_left_are_the_others_at_once_in_every_group(kafka: str, prefix: str) -> None:
    topic, *_ = topics_of(prefix)
    await topics.apply(kafka, PARTITIONS, topics=[topic])
    stages = [f"{prefix}-{name}" for name in ("one", "two")]

    def reader(stage: str, member: str) -> Reader:
        return Reader(
            kafka,
            group=f"{leaving.GROUP_PREFIX}{stage}",
            member=f"{stage}-{member}",
            topics=[topic.name],
            session_timeout_ms=SESSION_MS,
            gather_ms=15,
            on_revoked=_nothing,
        )

    stay, go = ([reader(stage, member) for stage in stages] for member in ("x-0", "x-1"))
    try:
        for one in (*stay, *go):
            await one.start()
        await _until(lambda: all(len(one.assigned) == PARTITIONS // 2 for one in (*stay, *go)))
        for one in go:
            await one.close()
        left = await leaving.leave(kafka, "x-1", "x-2")  # x-2 was never there
        assert set(left) == {f"{leaving.GROUP_PREFIX}{stage}" for stage in stages}
        await _until(lambda: all(len(one.assigned) == PARTITIONS for one in stay))
    finally:
        for one in (*stay, *go):
            await one.close()
        await leaving.leave(kafka, "x-0")
