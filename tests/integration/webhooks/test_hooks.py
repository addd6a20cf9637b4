"""What an operator does to hooks, over HTTP on a real Postgres: secrets, sending again, mistakes."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import httpx

from services.route.store import hooks, webhooks
from shared.database import Pool
from tests.integration.webhooks.receiver import Receiver
from tests.integration.webhooks.subscribing import delivering, happened, offered, settled, subscribed, tried


async def test_while_a_secret_is_replaced_both_sign(pool: Pool, ask: httpx.AsyncClient, receiver: Receiver) -> None:
    hook = await subscribed(ask, receiver)
    for _ in range(2):  # never more than two
        receiver.secrets = [receiver.secrets[-1], (await ask.post(f"/v1/hooks/{hook}/rotate")).json()["secret"]]
    await happened(pool, *offered("a"))
    async with delivering(pool):
        await settled(pool, "delivered", 1)
        assert (receiver.signatures, receiver.forged) == ([2], 0)
    async with delivering(pool) as clock:
        clock.later += timedelta(hours=25)
        await ask.post(f"/v1/hooks/{hook}/test")
        await settled(pool, "delivered", 2)
    assert receiver.signatures == [2, 1]


async def test_a_message_is_sent_again_by_hand_under_its_key(
    pool: Pool, ask: httpx.AsyncClient, receiver: Receiver
) -> None:
    hook = await subscribed(ask, receiver)
    await happened(pool, *offered("a"))
    async with delivering(pool):
        await settled(pool, "delivered", 1)
        one = (await ask.get(f"/v1/hooks/{hook}/deliveries")).json()["deliveries"][0]
        assert (await ask.post(f"/v1/hooks/{hook}/deliveries/{one['event_id']}/resend")).status_code == 202
        await tried(pool, 2)
    assert (receiver.asked["ho_a_1_1"], len(receiver.acted)) == (2, 1)
    assert (await ask.post(f"/v1/hooks/{hook}/deliveries/{uuid.uuid4()}/resend")).status_code == 404
    assert (await ask.delete(f"/v1/hooks/{hook}")).status_code == 204
    assert await pool.fetchval("SELECT count(*) FROM webhook.try") == 0


async def test_mistakes_in_a_hook_are_told_and_secrets_never_again(ask: httpx.AsyncClient, receiver: Receiver) -> None:
    for wrong in ({"url": "ftp://x"}, {"url": "https://x.example", "events": ["lead.scored"]}, {}):
        assert (await ask.post("/v1/hooks", json=wrong)).status_code == 422
    await subscribed(ask, receiver)
    assert "whsec_" not in (await ask.get("/v1/hooks")).text
    assert (await ask.post("/v1/hooks/hk_0000000000000000/test")).status_code == 404
    assert (await ask.get("/v1/hooks/hk_0000000000000000/deliveries")).json()["deliveries"] == []


async def test_what_ended_long_ago_is_forgotten(pool: Pool, ask: httpx.AsyncClient, receiver: Receiver) -> None:
    await subscribed(ask, receiver)
    await happened(pool, *offered("a"))
    async with delivering(pool):
        await settled(pool, "delivered", 1)
    await webhooks.forget(pool, datetime.now(UTC) - timedelta(days=1))
    await settled(pool, "delivered", 1)
    await webhooks.forget(pool, datetime.now(UTC) + timedelta(days=1))
    await settled(pool, "delivered", 0)
    assert (await hooks.listed(pool))[0]["waiting"] == 0
