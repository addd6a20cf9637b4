"""Webhooks under way: takes what is due, speaks to subscribers, writes down what came of it. Several instances share the work by leases."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import random
from urllib.parse import urlsplit

import httpx
from standardwebhooks import Webhook

from services.route.domain.webhooks import address
from services.route.domain.webhooks.address import Network
from services.route.domain.webhooks.answer import Answer, judge
from services.route.store import webhooks
from services.route.store.webhooks import Hook, Message
from shared import logs, retry_after
from shared.database import FAILURES, Pool
from shared.metrics.handover import HOOK_SECONDS, HOOK_TRIES, HOOKS_DISABLED

ANSWER_SECONDS = 10.0  # for a whole try: name, connection, request, answer
MOST_BYTES = 64 * 1024  # of an answer; what is longer is cut off and counts by its status all the same
_AT_ONCE = 4  # messages of one hook
_LEASE = timedelta(seconds=60)
_LOOK_SECONDS = 0.5
_IDLE_LOOK_SECONDS = 4.0  # while nothing waits, due or not: an idle service costs next to nothing
_WAKE_SECONDS = 300.0
_FORGET_SECONDS = 3600.0
_KEPT = timedelta(days=30)


class Refused(Exception):
    """The address may not be spoken to."""


@dataclass(frozen=True, slots=True)
class Delivering:
    """Delivers for one store. `allowed`: networks that hooks may reach though they are not public, without encryption too."""

    pool: Pool
    allowed: Sequence[Network] = ()
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    answer_seconds: float = ANSWER_SECONDS

    async def run(self) -> None:
        """Delivers for ever, each hook by itself, so that a slow one holds nobody else up. What fails is tried again."""
        serving: dict[str, asyncio.Task[None]] = {}
        forgotten, woken, pause = -_FORGET_SECONDS, -_WAKE_SECONDS, _LOOK_SECONDS
        authorities = httpx.create_ssl_context(trust_env=False)  # takes tens of milliseconds, so once for all
        try:
            while True:
                try:
                    if time.monotonic() - forgotten >= _FORGET_SECONDS:
                        forgotten = time.monotonic()
                        await webhooks.forget(self.pool, self.now() - _KEPT)
                    if time.monotonic() - woken >= _WAKE_SECONDS:
                        woken = time.monotonic()
                        await webhooks.wake(self.pool, self.now())
                    found = await webhooks.due(self.pool, self.now())
                    is_idle = not found and not serving and not await webhooks.waits(self.pool)
                    pause = min(2 * pause, _IDLE_LOOK_SECONDS) if is_idle else _LOOK_SECONDS
                    for hook in found:
                        if hook.hook_id not in serving or serving[hook.hook_id].done():
                            serving[hook.hook_id] = asyncio.create_task(self._serve(hook, authorities))
                except FAILURES as error:
                    logs.get().warning("can't look for webhooks that are due", error=type(error).__name__)
                serving = {hook_id: task for hook_id, task in serving.items() if not task.done()}
                await asyncio.sleep(pause)
        finally:
            for task in serving.values():
                task.cancel()
            await asyncio.gather(*serving.values(), return_exceptions=True)

    async def _serve(self, hook: Hook, authorities: ssl.SSLContext) -> None:
        """Sends what is due of a hook, until nothing is or something went wrong. Connections and cookies are the hook's own: a connection is found
        by its address, behind which others may live too, and its certificate was looked at for one name only."""
        try:
            async with httpx.AsyncClient(verify=authorities, trust_env=False, timeout=self.answer_seconds) as client:
                while found := await webhooks.take(
                    self.pool, hook.hook_id, now=self.now(), most=_AT_ONCE, lease=_LEASE
                ):
                    if not all(await asyncio.gather(*(self._deliver(hook, one, client) for one in found))):
                        return  # look at the hook anew: it may be disabled by now
        except FAILURES as error:  # the lease ends, and somebody tries again
            logs.get().warning("a webhook has to wait", hook=hook.hook_id, error=type(error).__name__)

    async def _deliver(self, hook: Hook, message: Message, client: httpx.AsyncClient) -> bool:
        """One try; whether the subscriber has it."""
        answer = await self._ask(hook, message, client)
        now = self.now()
        verdict = judge(answer, message.tries, hook.failing_since, now=now, chance=random())
        await webhooks.settle(self.pool, message, answer, verdict, now=now)
        HOOK_TRIES.labels(verdict.state).inc()
        HOOK_SECONDS.observe(answer.took_ms / 1000)
        if verdict.disable is not None:
            HOOKS_DISABLED.inc()
            logs.get().error("a hook is disabled", hook=hook.hook_id, why=verdict.disable)
        return verdict.state == "delivered"

    async def _ask(self, hook: Hook, message: Message, client: httpx.AsyncClient) -> Answer:
        began = time.monotonic()
        status, why, after = 0, "", None
        try:
            async with asyncio.timeout(self.answer_seconds):
                status, after = await self._post(hook, message, client)
            why = (
                "" if 200 <= status < 300 else "a redirect, which is not followed" if 300 <= status < 400 else "refused"
            )
        except TimeoutError:
            why = f"no answer within {self.answer_seconds:g} s"
        except Refused:
            why = "the address is not a public one (LEADFLOW_HOOKS_ALLOW names networks that may be reached)"
        except socket.gaierror:
            why = "the host has no address"
        except (httpx.HTTPError, OSError) as error:
            why = f"no answer: {type(error).__name__}"
        except (UnicodeError, httpx.InvalidURL):
            why = "the address can't be used: its host or path is none"
        return Answer(status, why, round((time.monotonic() - began) * 1000), after)

    async def _post(self, hook: Hook, message: Message, client: httpx.AsyncClient) -> tuple[int, float | None]:
        """Posts to the very address that was looked at, so that no second look-up can lead elsewhere; certificate and Host are the name's."""
        parts = urlsplit(hook.url)
        host, encrypted = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if encrypted else 80)
        found = await _resolved(host, port)
        usable = [one for one in found if address.is_allowed(one, encrypted=encrypted, allowed=self.allowed)]
        if len(usable) < len(found) or not usable:
            raise Refused
        literal = f"[{usable[0]}]" if ":" in usable[0] else usable[0]
        at = self.now()
        text = message.body.decode()
        signed = " ".join(Webhook(secret).sign(message.key, at, text) for secret in hook.secrets)
        request = client.build_request(
            "POST",
            httpx.URL(hook.url).copy_with(host=literal.strip("[]")),
            content=message.body,
            headers={
                "host": parts.netloc,
                "content-type": "application/json",
                "user-agent": "leadflow-webhooks/1",
                "webhook-id": message.key,
                "webhook-timestamp": str(int(at.timestamp())),
                "webhook-signature": signed,
            },
            extensions={"sni_hostname": host},
        )
        response = await client.send(request, stream=True)
        try:
            size = 0
            async for chunk in response.aiter_raw():
                size += len(chunk)
                if size > MOST_BYTES:
                    break
        except httpx.HTTPError:
            pass  # the status has come, and that is what counts
        finally:
            await response.aclose()
        return response.status_code, retry_after.seconds(response.headers.get("retry-after"), at)


async def _resolved(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    return [str(one[4][0]) for one in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
