"""A real SMTP server (aiosmtpd) that keeps what it took, and answers, dies or is silent as a test says. For tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

OK = "250 OK"
DIES = "dies"  # having taken it, before the answer
HANGS = "hangs"


class Mailserver:
    """What it took, by Message-ID in order; and how it answers: at RCPT by address, at DATA by how often it was asked for that message."""

    def __init__(self) -> None:
        self.took: list[EmailMessage] = []
        self.times: Counter[str] = Counter()
        self.recipient: Callable[[str], str] = lambda address: OK
        self.content: Callable[[str, int], str] = lambda message_id, times: OK
        self.seconds = 0.0  # before each answer to a content
        self.port = 0

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        answer = self.recipient(address)
        if answer == OK:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        message_id = str(letter["Message-ID"])
        self.times[message_id] += 1
        answer = self.content(message_id, self.times[message_id])
        await asyncio.sleep(self.seconds)
        if answer in (OK, DIES, HANGS):
            self.took.append(letter)
        if answer == DIES and isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
        if answer == HANGS:
            await asyncio.sleep(3600)
        return answer

    def mail_ids(self) -> Counter[str]:
        """How often it took each mail."""
        return Counter(str(letter["Message-ID"]).strip("<>").partition("@")[0] for letter in self.took)


@contextlib.asynccontextmanager
async def serving(port: int = 0) -> AsyncIterator[Mailserver]:
    """A server on 127.0.0.1."""
    made = Mailserver()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(made, hostname="mail.example", enable_SMTPUTF8=True, loop=loop), "127.0.0.1", port
    )
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        server.close_clients() if hasattr(server, "close_clients") else None
