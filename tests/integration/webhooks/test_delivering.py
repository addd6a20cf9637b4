"""Webhooks on a real Postgres towards a real receiver: once a key, in order per lead, whatever the receiver and the workers do."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from shared.database import Pool
from tests.integration.webhooks.receiver import OK, Receiver, receiving, status
from tests.integration.webhooks.subscribing import delivering, happened, offered, settled, subscribed, tried


async def test_a_subscriber_is_told_signed_and_once_and_of_what_it_asked_for_alone(
    pool: Pool, ask: httpx.AsyncClient, receiver: Receiver
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    hook = await subscribed(ask, receiver, "lead.handover")
    await happened(pool, *offered("old"), at=before)
    for _ in range(2):  # a repeat of the topic's, or a store filled again
        await happened(pool, *offered("a", "b"), ("lead.handover.withdrawn", "a", 1))
    async with delivering(pool):
        await settled(pool, "delivered", 2)
    assert receiver.order == ["ho_a_1_1", "ho_b_1_1"]
    assert receiver.forged == 0
    assert receiver.acted["ho_a_1_1"]["data"]["lead_id"] == "a"
    page = (await ask.get(f"/v1/hooks/{hook}/deliveries")).json()
    assert [(one["key"], one["state"], one["log"][0]["status"]) for one in page["deliveries"]] == [
        ("ho_b_1_1", "delivered", 204),
        ("ho_a_1_1", "delivered", 204),
    ]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (status(500), "refused"),
        (status(429, "Retry-After: 1"), "refused"),
        (b"", "no answer within 0.5 s"),
        (status(302, "Location: http://127.0.0.1:1/"), "a redirect, which is not followed"),
        (b"garbage\r\n\r\n", "no answer: RemoteProtocolError"),
        (status(404), "refused"),
    ],
)
async def test_what_fails_after_it_was_acted_on_is_tried_again_under_its_key_and_acted_on_once(
    pool: Pool, ask: httpx.AsyncClient, receiver: Receiver, answer: bytes, why: str
) -> None:
    hook = await subscribed(ask, receiver)
    receiver.behaves = lambda self, key: answer if self.asked[key] < 3 else OK
    await happened(pool, *offered("a"))
    async with delivering(pool) as clock:
        for tries in (1, 2):
            await tried(pool, tries)
            clock.later += timedelta(hours=1)
        await settled(pool, "delivered", 1)
    assert (receiver.asked["ho_a_1_1"], list(receiver.acted)) == (3, ["ho_a_1_1"])
    log = (await ask.get(f"/v1/hooks/{hook}/deliveries")).json()["deliveries"][0]["log"]
    assert [one["why"] for one in log] == [why, why, ""]


async def test_a_long_answer_is_cut_off_and_its_status_counts(
    pool: Pool, ask: httpx.AsyncClient, receiver: Receiver
) -> None:
    await subscribed(ask, receiver)
    receiver.behaves = lambda *_: b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 200_000
    await happened(pool, *offered("a"))
    async with delivering(pool):
        await settled(pool, "delivered", 1)


async def test_what_follows_of_a_lead_waits_for_what_came_before_and_other_leads_do_not(
    pool: Pool, ask: httpx.AsyncClient, receiver: Receiver
) -> None:
    await subscribed(ask, receiver)
    receiver.behaves = lambda self, key: status(500) if key == "ho_a_1_1" and self.asked[key] < 3 else OK
    await happened(pool, *offered("a"), ("lead.handover.withdrawn", "a", 1), ("lead.handover", "a", 2), *offered("b"))
    async with delivering(pool) as clock:
        await settled(pool, "delivered", 1)
        assert receiver.asked["ho_a_1_1:withdrawn"] == 0
        for _ in range(3):
            clock.later += timedelta(hours=1)
            await asyncio.sleep(1.2)
        await settled(pool, "delivered", 4)
    said = [key for key in receiver.order if key.startswith("ho_a")]
    assert said == ["ho_a_1_1", "ho_a_1_1:withdrawn", "ho_a_1_2"]


async def test_several_workers_that_die_under_way_tell_each_message_and_none_twice_at_once(
    pool: Pool, ask: httpx.AsyncClient, receiver: Receiver
) -> None:
    await subscribed(ask, receiver)
    leads = [f"l{number}" for number in range(60)]
    await happened(pool, *offered(*leads))
    for _ in range(3):
        async with delivering(pool), delivering(pool):
            await asyncio.sleep(0.6)  # and both are gone, in the middle of whatever they did
    async with delivering(pool) as clock:
        clock.later += timedelta(minutes=2)  # leases of the dead end
        await settled(pool, "delivered", len(leads))
    assert sorted(receiver.acted) == sorted(f"ho_{lead}_1_1" for lead in leads)


async def test_a_slow_subscriber_does_not_hold_another_up(pool: Pool, ask: httpx.AsyncClient) -> None:
    async with receiving() as slow, receiving() as quick:
        await subscribed(ask, slow)
        await subscribed(ask, quick)
        slow.behaves = lambda *_: b""
        leads = [f"l{number}" for number in range(40)]
        await happened(pool, *offered(*leads))
        async with delivering(pool, answer_seconds=5.0):
            await settled(pool, "delivered", len(leads))
        assert len(quick.acted) == len(leads)


async def test_who_is_gone_is_told_nothing_more_until_enabled_and_then_all_that_waited(
    pool: Pool, ask: httpx.AsyncClient, receiver: Receiver
) -> None:
    hook = await subscribed(ask, receiver)
    receiver.behaves = lambda *_: status(410)
    await happened(pool, *offered("a", "b"))
    async with delivering(pool):
        await tried(pool, 1)
        await asyncio.sleep(1)
        listed = (await ask.get("/v1/hooks")).json()["hooks"][0]
        assert (listed["disabled_because"], listed["waiting"]) == ("it answered 410 Gone", 2)
        asked = sum(receiver.asked.values())
        await happened(pool, *offered("c"))
        await asyncio.sleep(1)
        assert sum(receiver.asked.values()) == asked
        receiver.behaves = lambda *_: OK
        assert (await ask.post(f"/v1/hooks/{hook}/enable")).status_code == 204
        await settled(pool, "delivered", 3)


async def test_a_day_of_failures_disables_a_hook(pool: Pool, ask: httpx.AsyncClient, receiver: Receiver) -> None:
    await subscribed(ask, receiver)
    receiver.behaves = lambda *_: status(500)
    await happened(pool, *offered("a"))
    async with delivering(pool) as clock:
        await tried(pool, 1)
        clock.later += timedelta(days=1, minutes=1)
        await tried(pool, 2)
    listed = (await ask.get("/v1/hooks")).json()["hooks"][0]
    assert listed["disabled_because"] == "nothing succeeded for a day"


async def test_an_address_inside_is_not_spoken_to_unless_allowed(
    pool: Pool, ask: httpx.AsyncClient, receiver: Receiver
) -> None:
    hook = await subscribed(ask, receiver)
    await happened(pool, *offered("a"))
    async with delivering(pool, allowed=()):
        await tried(pool, 1)
    assert sum(receiver.asked.values()) == 0
    log = (await ask.get(f"/v1/hooks/{hook}/deliveries")).json()["deliveries"][0]["log"]
    assert "LEADFLOW_HOOKS_ALLOW" in log[0]["why"]
