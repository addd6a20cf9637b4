"""Mail under way: takes what is due, asks once more whether it may be sent, hands it to the operator's server, writes down what came of it. Several
instances share the work by leases; what was handed over by somebody who died is never sent again by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import random

from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.route.domain.mail import asking, fields, letter
from services.route.domain.mail.answer import LATE_AFTER, State, Verdict, judge
from services.route.domain.mail.asking import Later, No
from services.route.domain.mail.heard import Kind, Mail
from services.route.domain.mail.letter import Sender, Unsendable
from services.route.domain.nurture.document import Nurturing
from services.route.mail import templates
from services.route.mail.links import Links
from services.route.mail.server import Server
from services.route.mail.smtp import Connection
from services.route.store.mail import kept, sending
from services.route.store.mail.sending import Taken
from shared import clock, logs, waiting
from shared.database import FAILURES, Pool
from shared.metrics.handover import MAIL_TRIES

_LOOK_SECONDS = 0.5
_FORGET_SECONDS = 3600.0
_KEPT = timedelta(days=90)
_DRAIN_SECONDS = 8.0  # of the ten that a service has to end


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Sends for one store. `nurture` gives the document in force. `lease` is longer than any conversation takes."""

    pool: Pool
    server: Server
    sender: Sender
    links: Links
    env: ImmutableSandboxedEnvironment
    nurture: Callable[[], Nurturing]
    connections: int = 2
    lease: timedelta = timedelta(minutes=10)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def run(self) -> None:
        """Sends for ever. What fails is tried again. Ended, it finishes the letters that it is in the middle of."""
        await self._begin()
        ending = asyncio.Event()
        workers = [asyncio.create_task(self._work(ending)) for _ in range(self.connections)]
        try:
            while True:
                try:
                    if lost := await sending.lost(self.pool, self.now()):
                        MAIL_TRIES.labels(State.UNKNOWN).inc(lost)
                        logs.get().error("mails were handed over by somebody who ended: unknown", mails=lost)
                    await sending.forget(self.pool, self.now() - _KEPT)
                    await waiting.for_event(ending, min(_FORGET_SECONDS, self.lease.total_seconds() / 2))
                except FAILURES as error:
                    logs.get().warning("can't look after mails", error=type(error).__name__)
                    await asyncio.sleep(_LOOK_SECONDS)
        finally:
            ending.set()
            _, late = await asyncio.wait(workers, timeout=_DRAIN_SECONDS)
            for worker in late:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _begin(self) -> None:
        while True:
            try:
                return await kept.begin(self.pool, self.now())
            except FAILURES as error:
                logs.get().warning("can't begin to send mail", error=type(error).__name__)
                await asyncio.sleep(_LOOK_SECONDS)

    async def _work(self, ending: asyncio.Event) -> None:
        connection = Connection(self.server, self.sender)
        try:
            while not ending.is_set():
                try:
                    taken = await sending.take(self.pool, now=self.now(), lease=self.lease)
                    if taken is not None:
                        await self._try(taken, connection)
                        continue
                    await connection.close()
                except FAILURES as error:  # the lease ends, and somebody goes on
                    await connection.close()  # it may be in the middle of a letter
                    logs.get().warning("a mail has to wait", error=type(error).__name__)
                await waiting.for_event(ending, _LOOK_SECONDS)
        finally:
            await connection.close()

    async def _try(self, taken: Taken, connection: Connection) -> None:
        mail, now = taken.mail, self.now()
        verdict = await self._refusal(mail, now)
        reply = None
        if verdict is None:
            try:
                to, content = self.letter(mail, now)
            except Unsendable as error:
                verdict = Verdict(State.FAILED, str(error))
        if verdict is None:

            async def hand_over() -> bool:
                return await sending.hand_over(self.pool, taken, now=self.now(), lease=self.lease)

            reply = await connection.send(to, content, hand_over)
            if reply is None:
                return  # somebody else has it by now
            verdict = judge(reply, taken.tries, chance=random())
        await sending.settle(self.pool, taken, reply, verdict, now=self.now())
        MAIL_TRIES.labels(verdict.state).inc()
        if verdict.state in (State.FAILED, State.UNKNOWN):
            logs.get().warning("a mail was not sent", mail=mail.mail_id, state=verdict.state, why=verdict.why)

    async def _refusal(self, mail: Mail, now: datetime) -> Verdict | None:
        """Asked again, at the moment of sending."""
        said = asking.ask(self.nurture(), mail, await sending.known(self.pool, mail), now=clock.to_ms(now))
        if isinstance(said, No):
            return Verdict(State.SKIPPED, said.why)
        if isinstance(said, Later):
            wait = (clock.from_ms(said.at) - now).total_seconds()
            return Verdict(State.WAITING, "quiet hours", max(wait, 0.0))
        if now - mail.told_at > LATE_AFTER:
            return Verdict(State.SKIPPED, "late: told more than three days ago")
        return None

    def letter(self, mail: Mail, now: datetime) -> tuple[str, bytes]:
        """To whom, and the letter. Raises Unsendable."""
        leave = self.links.leave(mail)
        is_notice = mail.kind is Kind.NOTICE
        shown = {**fields.shown(mail.data, notice=is_notice), "unsubscribe_url": leave, "preferences_url": leave}
        try:
            to = letter.address(mail.address)
        except ValueError as error:
            raise Unsendable(f"the address {error}") from None
        text = templates.render(
            self.env,
            mail.template,
            subject=mail.subject,
            shown=shown,
            link=self.links.click(mail),
            pixel=self.links.pixel(mail),
        )
        return to.addr_spec, letter.compose(text, mail_id=mail.mail_id, sender=self.sender, to=to, at=now, leave=leave)
