"""Batches through score's store on a real Postgres, as the shell does it. For tests."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from services.score import main
from services.score.domain.inforce import InForce
from services.score.domain.publications import Rulesets
from shared import database
from shared.documents import store as documents
from shared.outcome import Decision
from shared.stage import Input
from tests.integration.stores import migrated
from tests.unit.score.builders import a_record, enriched, only, ruleset


class Store:
    """Batches through load, decide and save, as the shell does it."""

    def __init__(self, pool: database.Pool) -> None:
        self.pool = pool
        self.use(ruleset())

    def use(self, in_force: InForce) -> None:
        self.in_force, self.stage = in_force, main.stage(only(in_force))

    async def follow(self, rulesets: Rulesets) -> None:
        """From here on these are the rulesets, as what was published says."""
        await documents.refresh(self.pool, rulesets, parts=range(8))
        self.stage = main.stage(rulesets)

    async def batch(self, records: Iterable[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
        inputs = [self.stage.decode(a_record(value, type_=type_)) for type_, value in records]
        ready = [input_ for input_ in inputs if isinstance(input_, Input)]
        assert len(ready) == len(inputs)
        return await self.run(ready)

    async def run(self, ready: Sequence[Input]) -> list[dict[str, Any]]:
        emitted: list[dict[str, Any]] = []
        changes: dict[Any, Any] = {}
        async with self.pool.acquire() as connection, connection.transaction():
            world = await self.stage.load(connection, ready)
            for input_ in ready:
                decided = self.stage.decide(world, input_)
                assert isinstance(decided, Decision)
                world.update(decided.changes)
                changes.update(decided.changes)
                emitted += (msgspec.json.decode(msgspec.json.encode(one.data)) for one in decided.emit)
            if changes:
                await self.stage.save(connection, changes)
        return emitted

    async def due(self, until: datetime) -> list[Input]:
        assert self.stage.due is not None
        async with self.pool.acquire() as connection, connection.transaction():
            return list(await self.stage.due(connection, {3: until, 5: until}, 10))

    async def tell(self, *activities: Mapping[str, Any], **fields: Any) -> list[dict[str, Any]]:
        return await self.batch([("lead.enriched", enriched(activity, **fields)) for activity in activities])


@contextlib.asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Store]:
    """Score's store in an empty database."""
    async with migrated(dsn, database.CORE_MIGRATIONS, main.MIGRATIONS) as pool:
        yield Store(pool)
