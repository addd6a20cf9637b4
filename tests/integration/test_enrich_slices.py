"""A merge of people who did much, on a real Postgres: the first of it is told at once, the rest in slices, whatever dies and comes between."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from unittest.mock import patch

import msgspec
import pytest

from services.enrich import main, store
from services.enrich.domain import command, telling
from services.enrich.domain.decide import decide
from shared import clock
from shared.database import CORE_MIGRATIONS, Pool
from shared.outcome import Decision, Outgoing
from shared.stage import Input, Record
from shared.topology import COMMANDS
from tests.integration.enrich import batch, decided
from tests.integration.stores import migrated
from tests.unit.enrich.memory import SECRET, event, heard

JO, MO = "jo@acme.example", "mo@acme.example"
MANY, AT_ONCE, SLICE = 120, 50, 30


@pytest.fixture
async def pool(request: pytest.FixtureRequest) -> AsyncIterator[Pool]:
    async with migrated(request.getfixturevalue("store"), CORE_MIGRATIONS, main.MIGRATIONS) as made:
        yield made


@pytest.fixture(autouse=True)
def few() -> Iterator[None]:
    with patch.object(telling, "MOST_AT_ONCE", AT_ONCE):
        yield


def asked(kind: str, number: int, **payload: object) -> Input:
    at_ms = 1_795_000_100_000 + number
    said = {"event_id": str(uuid.UUID(int=number)), "kind": kind, "issued_at": clock.from_ms(at_ms), "payload": payload}
    read = command.decode(Record(COMMANDS.name, 0, 0, at_ms, None, msgspec.json.encode(said), {}))
    assert isinstance(read, Input)
    return read


async def due(pool: Pool) -> list[Input]:
    async with pool.acquire() as connection, connection.transaction():
        return await store.due(connection, {0: clock.from_ms(1_795_000_200_000)}, SLICE)


async def dying(pool: Pool, inputs: list[Input]) -> None:
    """Decides on these and saves it, and dies."""
    async with pool.acquire() as connection, connection.transaction():
        world = await store.load(connection, inputs, secret=SECRET)
        for one in inputs:
            decision = decide(world, one, secret=SECRET)
            assert isinstance(decision, Decision)
            await store.save(connection, decision.changes)
        raise ConnectionError


async def both(pool: Pool) -> tuple[list[Outgoing], list[str]]:
    """Jo and Mo, who did much; what was told of them, and their leads."""
    sent: list[Outgoing] = []
    for who, at_ms in ((JO, 1_795_000_000_000), (MO, 1_795_000_001_000)):
        acts = [event(f"{who}{one}", email=who, kind="track", name="used", at=one) for one in range(MANY)]
        sent += await batch(pool, acts, at_ms=at_ms)
    found = [
        await pool.fetchval("SELECT lead_id FROM identifier WHERE name = $1", f"email\x1f{who}") for who in (JO, MO)
    ]
    return sent, found


async def test_a_merge_of_many_activities_is_told_in_slices_between_fresh_records(pool: Pool) -> None:
    sent, (jo, mo) = await both(pool)
    told = await decided(pool, [asked("merge", 1, lead_ids=[jo, mo])])
    assert [one.type for one in told].count("lead.enriched") == AT_ONCE
    assert any(getattr(one.data, "joined", None) for one in told)
    sent += told
    slices = 0
    while left := await due(pool):
        assert len(left) <= SLICE
        with pytest.raises(ConnectionError):  # it dies before it commits
            await dying(pool, left)
        sent += await decided(pool, left)
        sent += await batch(pool, [event(f"fresh {slices}", email=MO, at=1_000 + slices)])
        slices += 1
    assert slices == -(-(MANY - AT_ONCE) // SLICE)
    assert len({one.event_id for one in sent}) == len(sent)
    (group,) = heard(sent)[0]
    assert len(group) == 2 * MANY + slices


async def test_a_split_overtakes_the_rest_of_its_merge_and_readers_know_two_people(pool: Pool) -> None:
    sent, (jo, mo) = await both(pool)
    sent += await decided(pool, [asked("merge", 1, lead_ids=[jo, mo])])
    sent += await decided(pool, (await due(pool))[:10])
    leaves = [{"kind": "email", "value": MO}]
    sent += await decided(pool, [asked("split", 2, lead_id=jo, identifiers=leaves)])
    while left := await due(pool):
        sent += await decided(pool, left)
    assert sorted(map(len, heard(sent)[0])) == [MANY, MANY]
    assert await pool.fetchval("SELECT count(*) FROM untold") == 0
