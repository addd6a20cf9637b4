"""Claims, fence, inbox and outbox against a real Postgres, each by itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from shared import database, outbox, ownership
from shared.message import Message
from tests.core.driver import event_id

NOW = datetime(2026, 11, 27, tzinfo=UTC)
BEGIN = {"in": 0}


@pytest.fixture
async def pool(store: str) -> AsyncIterator[database.Pool]:
    made = await database.connect(store)
    await database.migrate(made, database.CORE_MIGRATIONS)
    yield made
    await made.close()


async def _batch(pool: database.Pool, epoch: int, next_offset: int, *, counted: list[str]) -> set[str]:
    """One batch's traces under `epoch`; returns what was seen before."""
    async with pool.acquire() as connection, connection.transaction():
        seen = await ownership.fence(
            connection, stage="s", epochs={0: epoch}, next_offsets={("in", 0): next_offset}, seen=counted
        )
        fresh = {id_: NOW for id_ in counted if id_ not in seen}
        message = Message("out", 0, b"k", b"{}", [("ce_id", b"x")], "x")
        await outbox.put(connection, stage="s", counted=fresh, messages={0: [message]}, acknowledged=())
        return seen


async def test_an_earlier_owner_can_write_nothing_once_another_has_claimed(pool: database.Pool) -> None:
    first = await ownership.claim(pool, stage="s", part=0, owner="a", begin=BEGIN)
    await _batch(pool, first.epoch, 5, counted=[event_id("1")])
    second = await ownership.claim(pool, stage="s", part=0, owner="b", begin=BEGIN)
    assert second.next_offsets == {"in": 5}
    with pytest.raises(ownership.Fenced) as lost:
        await _batch(pool, first.epoch, 9, counted=[event_id("2")])
    assert lost.value.parts == {0}
    assert await pool.fetchval("SELECT next_offset FROM cursor") == 5
    assert await pool.fetchval("SELECT count(*) FROM inbox") == 1
    assert len(await outbox.left(pool, stage="s", part=0, epoch=second.epoch)) == 1
    assert await outbox.left(pool, stage="s", part=0, epoch=first.epoch) == []  # it is the successor's to send


async def test_a_claim_waits_for_the_batch_that_is_past_its_fence_and_goes_on_behind_it(pool: database.Pool) -> None:
    first = await ownership.claim(pool, stage="s", part=0, owner="a", begin=BEGIN)
    async with pool.acquire() as connection, connection.transaction():
        await ownership.fence(connection, stage="s", epochs={0: first.epoch}, next_offsets={("in", 0): 7}, seen=())
        claiming = asyncio.create_task(ownership.claim(pool, stage="s", part=0, owner="b", begin=BEGIN))
        await asyncio.sleep(0.3)
        assert not claiming.done()
    assert (await claiming).next_offsets == {"in": 7}


async def test_a_cursor_never_moves_backwards(pool: database.Pool) -> None:
    first = await ownership.claim(pool, stage="s", part=0, owner="a", begin=BEGIN)
    await _batch(pool, first.epoch, 9, counted=[])
    await _batch(pool, first.epoch, 3, counted=[])
    assert await pool.fetchval("SELECT next_offset FROM cursor") == 9


async def test_what_counts_already_is_told_by_the_fence_and_stages_do_not_share_it(pool: database.Pool) -> None:
    first = await ownership.claim(pool, stage="s", part=0, owner="a", begin=BEGIN)
    ids = [event_id("1"), event_id("2")]
    assert await _batch(pool, first.epoch, 1, counted=ids[:1]) == set()
    assert await _batch(pool, first.epoch, 2, counted=ids) == {ids[0]}
    await pool.execute("INSERT INTO inbox VALUES ('other', $1, now())", event_id("3"))
    assert await _batch(pool, first.epoch, 3, counted=[event_id("3")]) == set()


async def test_an_event_that_another_instance_counts_in_the_same_moment_is_done_again(pool: database.Pool) -> None:
    first = await ownership.claim(pool, stage="s", part=0, owner="a", begin=BEGIN)
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        seen = await ownership.fence(
            connection, stage="s", epochs={0: first.epoch}, next_offsets={("in", 0): 1}, seen=[event_id("1")]
        )
        assert seen == set()
        await pool.execute("INSERT INTO inbox VALUES ('s', $1, now())", event_id("1"))
        with pytest.raises(ownership.SeenMeanwhile):
            await outbox.put(connection, stage="s", counted={event_id("1"): NOW}, messages={}, acknowledged=())
        await transaction.rollback()


async def test_acknowledged_rows_are_swept_by_the_next_batch(pool: database.Pool) -> None:
    first = await ownership.claim(pool, stage="s", part=0, owner="a", begin=BEGIN)
    await _batch(pool, first.epoch, 1, counted=[])
    ((row, messages),) = await outbox.left(pool, stage="s", part=0, epoch=first.epoch)
    assert messages == [Message("out", 0, b"k", b"{}", [("ce_id", b"x")], "x")]
    async with pool.acquire() as connection, connection.transaction():
        await outbox.put(connection, stage="s", counted={}, messages={}, acknowledged=[row])
    assert await outbox.left(pool, stage="s", part=0, epoch=first.epoch) == []


async def test_a_transaction_that_stays_idle_is_ended_so_that_a_successor_need_not_wait_for_ever(
    pool: database.Pool,
) -> None:
    first = await ownership.claim(pool, stage="s", part=0, owner="a", begin=BEGIN)
    connection = await pool.acquire()
    try:
        await connection.execute("BEGIN")
        await ownership.fence(connection, stage="s", epochs={0: first.epoch}, next_offsets={("in", 0): 7}, seen=())
        began = asyncio.get_running_loop().time()
        second = await ownership.claim(pool, stage="s", part=0, owner="b", begin=BEGIN)
        assert asyncio.get_running_loop().time() - began < database.IDLE_IN_TRANSACTION_SECONDS + 2
        assert second.next_offsets == {"in": 0}
    finally:
        with contextlib.suppress(
            asyncpg.InternalClientError
        ):  # as the driver finds a connection that Postgres ends just now
            await pool.release(connection)


async def test_the_inbox_forgets_what_is_older_than_the_topics(pool: database.Pool) -> None:
    await pool.execute(
        "INSERT INTO inbox VALUES ('s', $1, $2), ('s', $3, $4)",
        event_id("1"),
        datetime(2020, 1, 1, tzinfo=UTC),
        event_id("2"),
        NOW,
    )
    assert await outbox.trim_inbox(pool, stage="s", before=datetime(2026, 1, 1, tzinfo=UTC)) == 1
    assert await pool.fetchval("SELECT count(*) FROM inbox") == 1


async def test_a_migration_that_was_applied_may_not_change(
    store: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("service") / "migrations"
    folder.mkdir()
    (folder / "0001_a.sql").write_text("CREATE TABLE a (x int)")
    pool = await database.connect(store)
    try:
        await database.migrate(pool, folder)
        await database.migrate(pool, folder)
        (folder / "0001_a.sql").write_text("CREATE TABLE a (x bigint)")
        with pytest.raises(RuntimeError, match="changed after it had been applied"):
            await database.migrate(pool, folder)
    finally:
        await pool.close()
