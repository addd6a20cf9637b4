"""What vendors tell by ids only: kept at once, then fetched from the vendor's API and written like any other event. What an answer means, vendors/asked.py knows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

import asyncpg
import httpx
import msgspec

from services.capture import store
from services.capture.domain.captured import Scribe
from services.capture.domain.verdict import Arrival, Refused
from services.capture.line import Line
from services.capture.properties import KnownHook, Properties
from services.capture.store import Told
from services.capture.vendors import asked
from services.capture.vendors.asked import Again, Got, Never
from services.capture.vendors.vendor import ACCESS_TOKEN, Fetch, Request, Withdrawn
from shared import logs, waiting
from shared.database import FAILURES
from shared.message import Message
from shared.metrics.door import FETCHES, FETCHES_OLDEST
from shared.outcome import Reason

POLL_SECONDS = 2.0
_AT_ONCE = 8
_ASK_SECONDS = 20.0
_MINE_SECONDS = 90.0  # longer than asking and writing take: then the process that took it is dead
_PATIENCE_SECONDS = 10.0
_MOST_BYTES = 512 * 1024
_LOOK_ROUND_SECONDS = 30.0
_NOT_DURABLE_SECONDS = 5.0

T = TypeVar("T")
Notice = Fetch | Withdrawn


def told(property_: str, notice: Notice, vendor: str, heard_at: datetime) -> Told:
    """A notice as it is kept."""
    return Told(
        property=property_,
        vendor=vendor,
        message_id=notice.message_id,
        kind=store.LEAD if isinstance(notice, Fetch) else store.WITHDRAWAL,
        said=msgspec.json.encode(notice),
        heard_at=heard_at,
    )


class Fetching:
    """Keeps notices and deals with them. Several instances share the work: each notice is one's at a time."""

    def __init__(
        self,
        dsn: str,
        *,
        properties: Properties,
        scribe: Scribe,
        durable: Callable[[Sequence[Message]], Awaitable[bool]],
        now: Callable[[], datetime],
        chance: Callable[[], float],
        budget_seconds: float,
    ) -> None:
        self._keep_line = Line(dsn)  # the door's
        self._line = Line(dsn)  # of `run`
        self._properties = properties
        self._scribe = scribe
        self._durable = durable
        self._now = now
        self._chance = chance
        self._budget_seconds = budget_seconds
        self._something = asyncio.Event()

    async def keep(self, notices: Sequence[Told]) -> bool:
        """Commits notices; False when Postgres did not say in time that it has."""
        try:
            await self._keep_line.do(lambda db: store.put_told(db, notices), within_seconds=self._budget_seconds)
        except FAILURES as error:
            logs.get().warning("a vendor's notices were not kept", error=type(error).__name__, notices=len(notices))
            return False
        self._something.set()
        return True

    async def run(self) -> None:
        """Deals with what is due, for ever. Whatever fails is tried again."""
        looked_round = -_LOOK_ROUND_SECONDS
        time = asyncio.get_running_loop().time
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=_ASK_SECONDS, follow_redirects=False) as client:
                while True:
                    found: list[Told] = []
                    self._something.clear()
                    try:
                        if time() - looked_round >= _LOOK_ROUND_SECONDS:
                            looked_round = time()
                            await self._look_round()
                        found = await self._do(lambda db: store.take_due(db, most=_AT_ONCE, seconds=_MINE_SECONDS))
                    except FAILURES as error:
                        logs.get().warning("can't look for leads to fetch", error=type(error).__name__)
                    await asyncio.gather(*(self._deal_with(one, client) for one in found))
                    if not found:
                        await waiting.for_event(self._something, POLL_SECONDS)
        finally:
            self._line.close()
            self._keep_line.close()

    async def _deal_with(self, one: Told, client: httpx.AsyncClient) -> None:
        try:
            await (self._lead(one, client) if one.kind == store.LEAD else self._withdrawal(one))
        except FAILURES as error:  # it is somebody's again when our time with it is over
            logs.get().warning("a vendor's notice has to wait", vendor=one.vendor, error=type(error).__name__)
        except Exception as error:  # a bug of ours: it would come again each time
            logs.get().error("a vendor's notice failed", vendor=one.vendor, error=type(error).__name__, exc_info=error)
            with contextlib.suppress(*FAILURES):
                await self._die(one, Refused(Reason.DECIDE_FAILED, type(error).__name__))

    async def _lead(self, one: Told, client: httpx.AsyncClient) -> None:
        fetch = msgspec.json.decode(one.said, type=Fetch)
        known = self._properties.hook(one.vendor, one.property)
        if known is None:
            await self._die(one, Refused(Reason.UNFETCHABLE, "The hook was removed before the lead was fetched."))
            return
        meaning, body = await self._ask(one, fetch, known, client)
        if isinstance(meaning, Again):
            if self._now() - one.heard_at < asked.GIVE_UP_AFTER:
                wait = asked.wait_seconds(one.tries, meaning.after_seconds, self._chance())
                logs.get().warning("a lead is not fetched yet", vendor=one.vendor, why=meaning.why, tries=one.tries)
                await self._do(lambda db: store.again_in(db, one, wait))
                return
            meaning = Never(f"The vendor gave no lead within two days ({meaning.why}).")
        if isinstance(meaning, Never):
            await self._die(one, Refused(Reason.UNFETCHABLE, meaning.detail))
            return
        request = Request(method="GET", url="", received_at=one.heard_at)
        found = asked.APIS[one.vendor].fetched(fetch, body, request)
        arrival = _arrival(one, known.owner.country)
        message = found if isinstance(found, Refused) else self._scribe.captured(found, arrival)
        if isinstance(message, Refused):
            await self._die(one, message, body)
        elif await self._written(one, message):
            person = message.key.decode() if message.key is not None else None
            await self._do(lambda db: store.dealt_with(db, one, state=store.DONE, person=person))

    async def _ask(
        self, one: Told, fetch: Fetch, known: KnownHook, client: httpx.AsyncClient
    ) -> tuple[Got | Again | Never, bytes]:
        tokens = known.stored.secrets.get(ACCESS_TOKEN)
        if not tokens:
            return Again("the hook has no access token: leads property hook add --token-file"), b""
        url, headers = asked.question(
            one.vendor,
            fetch,
            token=tokens[0].decode("latin-1"),
            base_url=known.stored.base_url,
            version=known.stored.api_version,
        )
        body = bytearray()
        try:
            async with asyncio.timeout(_ASK_SECONDS), client.stream("GET", url, headers=headers) as response:
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > _MOST_BYTES:
                        return Never("The vendor's answer is too large for a lead."), b""
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            return Again(type(error).__name__), b""
        return asked.understood(
            one.vendor, response.status_code, response.headers.get("retry-after"), self._now()
        ), bytes(body)

    async def _withdrawal(self, one: Told) -> None:
        """Tells of a deletion whom it concerns, as soon as that is known."""
        withdrawn = msgspec.json.decode(one.said, type=Withdrawn)
        lead = withdrawn.lead or ""
        known = await self._do(lambda db: store.known(db, one.property, one.vendor, lead))
        state, person = known if known is not None else (None, None)
        if state == store.DUE:  # it may come yet: then there is somebody to erase
            wait = asked.wait_seconds(one.tries, None, self._chance())
            await self._do(lambda db: store.again_in(db, one, wait))
        elif person is None:
            detail = "The vendor says that a lead was deleted which made no event here. Its dead letter, if it has one, may hold it."
            await self._die(one, Refused(Reason.UNKNOWN_LEAD, detail))
        elif await self._written(one, self._scribe.erasure(person, one.message_id, _arrival(one))):
            await self._do(lambda db: store.dealt_with(db, one, state=store.DONE, person=person))

    async def _die(self, one: Told, why: Refused, body: bytes | None = None) -> None:
        """Its end is a dead letter, which holds what the vendor told or answered."""
        dead = self._scribe.dead(why, one.said if body is None else body, _arrival(one))
        if await self._written(one, dead):
            await self._do(lambda db: store.dealt_with(db, one, state=store.DEAD))

    async def _written(self, one: Told, message: Message) -> bool:
        """Whether it is durable; if not, the notice is due again soon."""
        if await self._durable([message]):
            return True
        await self._do(lambda db: store.again_in(db, one, _NOT_DURABLE_SECONDS))
        return False

    async def _look_round(self) -> None:
        due, seconds = await self._do(store.fetches_due)
        FETCHES.set(due)
        FETCHES_OLDEST.set(seconds)
        await self._do(store.forget)

    async def _do(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        return await self._line.do(work, within_seconds=_PATIENCE_SECONDS)


def _arrival(one: Told, country: str | None = None) -> Arrival:
    """A notice came when the vendor told; who asked for the lead since then were we."""
    return Arrival(one.property, one.heard_at, country=country)
