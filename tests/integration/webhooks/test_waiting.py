"""Messages that wait for an earlier one of their lead: nobody reads them who looks for what is due, and none waits for ever."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx

from services.route.domain.webhooks.answer import Answer, Verdict
from services.route.store import hooks, webhooks
from shared.database import Pool
from tests.integration.webhooks.receiver import Receiver
from tests.integration.webhooks.subscribing import happened, offered, subscribed

LEASE = timedelta(seconds=60)
GIVEN = Answer(204, "", 1, None)
DELIVERED = Verdict("delivered")


async def test_however_many_wait_for_one_message_the_others_are_found_without_reading_them(
    pool: Pool, ask: httpx.AsyncClient, receiver: Receiver
) -> None:
    hook = await subscribed(ask, receiver)
    await happened(pool, *(("lead.handover", "a", attempt) for attempt in range(1, 3_001)))
    await happened(pool, *offered("b", "c"))
    now = datetime.now(UTC) + timedelta(seconds=1)
    taken = await webhooks.take(pool, hook, now=now, most=4, lease=LEASE)
    assert sorted(one.key for one in taken) == ["ho_a_1_1", "ho_b_1_1", "ho_c_1_1"]
    assert await pool.fetchval("SELECT count(*) FROM webhook.delivery WHERE due_at < 'infinity'") == 3
    for attempt in range(2, 5):  # each as the one before it has ended
        (first,) = (one for one in taken if one.key.startswith("ho_a"))
        await webhooks.settle(pool, first, GIVEN, DELIVERED, now=now)
        taken = await webhooks.take(pool, hook, now=now, most=4, lease=LEASE)
        assert [one.key for one in taken] == [f"ho_a_1_{attempt}"]


async def test_a_message_that_came_as_the_one_before_it_ended_does_not_wait_for_it(
    pool: Pool, ask: httpx.AsyncClient, receiver: Receiver
) -> None:
    hook = await subscribed(ask, receiver)
    await happened(pool, *offered("a"), ("lead.handover", "a", 2))
    await pool.execute("DELETE FROM webhook.delivery WHERE key = 'ho_a_1_1'")
    now = datetime.now(UTC) + timedelta(seconds=1)
    assert await webhooks.take(pool, hook, now=now, most=4, lease=LEASE) == []
    await webhooks.wake(pool, now)
    assert [one.key for one in await webhooks.take(pool, hook, now=now, most=4, lease=LEASE)] == ["ho_a_1_2"]


async def test_what_comes_again_makes_nothing_wait(pool: Pool, ask: httpx.AsyncClient, receiver: Receiver) -> None:
    hook = await subscribed(ask, receiver)
    await happened(pool, *offered("a"))
    now = datetime.now(UTC) + timedelta(seconds=1)
    (first,) = await webhooks.take(pool, hook, now=now, most=4, lease=LEASE)
    await webhooks.settle(pool, first, GIVEN, DELIVERED, now=now)
    await happened(pool, *offered("a"), ("lead.handover", "a", 2))
    assert [one.key for one in await webhooks.take(pool, hook, now=now, most=4, lease=LEASE)] == ["ho_a_1_2"]


async def test_a_hook_that_is_deleted_while_its_messages_end_locks_nobody_up(
    pool: Pool, ask: httpx.AsyncClient, receiver: Receiver
) -> None:
    for _ in range(10):
        hook = await subscribed(ask, receiver)
        await happened(pool, *offered(*(f"l{number}" for number in range(6))))
        now = datetime.now(UTC) + timedelta(seconds=1)
        taken = await webhooks.take(pool, hook, now=now, most=6, lease=LEASE)
        assert len(taken) == 6
        failed = Verdict("failed")
        settling = [
            webhooks.settle(pool, one, GIVEN, DELIVERED if at % 2 else failed, now=now) for at, one in enumerate(taken)
        ]
        await asyncio.gather(*settling[:3], hooks.enable(pool, hook, now=now), hooks.remove(pool, hook), *settling[3:])
    assert await pool.fetchval("SELECT count(*) FROM webhook.delivery") == 0
