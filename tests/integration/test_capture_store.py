"""Capture's SQL on a real Postgres: properties and their keys, the spool and its leases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from services.capture import store as capture_store
from services.capture.properties import hashed
from services.capture.quota import Quota
from services.capture.store import NewProperty, Property, TooManyKeys
from shared.database import Pool
from tests.integration.capture import MIGRATIONS
from tests.integration.stores import migrated

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
A, B = ("leads.captured.v1", 0), ("leads.captured.v1", 1)


@pytest.fixture
async def pool(store: str) -> AsyncIterator[Pool]:
    async with migrated(store, MIGRATIONS) as made:
        yield made


async def add(pool: Pool, name: str = "Shop", key: str = "wk_one") -> str:
    new = NewProperty(name, ("https://shop.example",), "https://shop.example/thanks", "DE", 1000)
    return await capture_store.add(pool, new, key_hash=hashed(key), key_prefix=key)


async def test_a_property_is_found_again_with_everything_but_its_key(pool: Pool) -> None:
    assert await add(pool) == "shop"
    [found] = await capture_store.properties(pool)
    assert (found.property, found.name, found.origins) == ("shop", "Shop", ("https://shop.example",))
    assert (found.thank_you_url, found.country, found.quota) == ("https://shop.example/thanks", "DE", 1000)
    assert (found.keys, found.hashes) == (("wk_one",), (hashed("wk_one"),))
    assert await capture_store.show(pool, "shop") == found
    assert await capture_store.show(pool, "blog") is None


async def test_two_properties_of_one_name_have_two_ids(pool: Pool) -> None:
    assert [await add(pool, "Shop", key) for key in ("a", "b", "c")] == ["shop", "shop-2", "shop-3"]


async def test_a_property_has_at_most_two_live_keys_also_when_two_add_at_once(pool: Pool) -> None:
    await add(pool)
    tries = [
        capture_store.add_key(pool, "shop", key_hash=hashed(key), key_prefix=key) for key in ("wk_two", "wk_three")
    ]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(map(str, results)) == ["", "True"]
    assert any(isinstance(result, TooManyKeys) for result in results)
    assert not await capture_store.add_key(pool, "blog", key_hash=b"x", key_prefix="x")
    assert await capture_store.revoke_key(pool, "shop", "wk_one")
    assert not await capture_store.revoke_key(pool, "shop", "wk_one")
    [found] = await capture_store.properties(pool)
    assert len(found.keys) == 1


async def test_a_change_of_properties_is_told(pool: Pool, store: str) -> None:
    told = asyncio.Event()
    listening = await asyncpg.connect(store)
    await listening.add_listener("properties", lambda *_: told.set())
    await add(pool)
    await asyncio.wait_for(told.wait(), 5)
    await listening.close()


async def test_the_spool_gives_each_lane_its_oldest_rows_and_forgets_what_is_drained(pool: Pool) -> None:
    await capture_store.spool(pool, [(A, 600, b"a1"), (B, 5, b"b1")], holder="one")
    await capture_store.spool(pool, [(A, 600, b"a2"), (A, 600, b"a3")], holder="one")
    assert await capture_store.backlog(pool) == {A: 1800, B: 5}
    rows = await capture_store.oldest(pool, [A, B], events=1000)
    assert [(lane, messages) for _, lane, messages in rows] == [(A, b"a1"), (B, b"b1"), (A, b"a2")]
    await capture_store.drained(pool, [id_ for id_, _, _ in rows])
    assert await capture_store.backlog(pool) == {A: 600}


async def test_a_lane_is_leased_to_one_until_the_lease_ends_or_is_given_back(pool: Pool) -> None:
    async def lease(holder: str, seconds: float = 60) -> list[capture_store.Lane]:
        return sorted(await capture_store.lease(pool, [A, B], holder=holder, seconds=seconds))

    assert await lease("one") == [A, B]
    assert await lease("two") == []
    assert await lease("one", 0.01) == [A, B]
    await asyncio.sleep(0.05)
    assert await lease("two") == [A, B]
    await capture_store.release(pool, holder="two")
    assert await lease("one") == [A, B]


async def test_the_counts_of_a_day_are_those_of_all_instances(pool: Pool, store: str) -> None:
    small = replace((await _shop(pool)), quota=10)
    here, there = Quota(store), Quota(store)
    assert here.take(small, NOON, 4)
    assert there.take(small, NOON, 5)
    await here.flush()
    await there.flush()
    assert there.take(small, NOON, 1)
    assert not there.take(small, NOON, 1)
    await there.flush()
    await here.flush()
    assert not here.take(small, NOON, 1)
    assert here.take(small, NOON + timedelta(days=1), 1)
    here.close()
    there.close()


async def test_the_counts_of_days_that_are_over_are_deleted(pool: Pool, store: str) -> None:
    small, quota = await _shop(pool), Quota(store)
    for days in range(4):
        assert quota.take(small, NOON + timedelta(days=days), 1)
        await quota.flush()
    days_kept = [row["day"].day for row in await pool.fetch("SELECT day FROM usage ORDER BY day")]
    assert days_kept == [NOON.day + 2, NOON.day + 3]
    quota.close()


async def test_without_postgres_an_instance_goes_by_its_own_count(pool: Pool) -> None:
    small, quota = replace((await _shop(pool)), quota=2), Quota("postgresql://nobody@127.0.0.1:9/none")
    assert quota.take(small, NOON, 2)
    await quota.flush()
    assert not quota.take(small, NOON, 1)


async def _shop(pool: Pool) -> Property:
    await add(pool)
    [found] = await capture_store.properties(pool)
    return found
