"""One connection to the operator's mail server, and the conversation about one letter. The only place that knows aiosmtplib. Decides nothing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from services.route.domain.mail import answer
from services.route.domain.mail.answer import At, Reply
from services.route.domain.mail.letter import Sender
from services.route.mail.server import Server

_CONNECT_SECONDS = 30.0
_MOST = 50  # letters by one connection: some servers take no more


class Connection:
    """A connection that is made when it is needed. Of one worker: one conversation at a time."""

    def __init__(self, server: Server, sender: Sender) -> None:
        self._server = server
        self._sender = sender
        self._client: aiosmtplib.SMTP | None = None
        self._letters = 0

    async def send(self, to: str, content: bytes, hand_over: Callable[[], Awaitable[bool]]) -> Reply | None:
        """Hands one letter over; how it ended. `hand_over` is asked before the content is sent, and must have written down that it is: from there on
        nobody can tell by a silence whether it was taken. None where it says no."""
        began, at = time.monotonic(), At.CONNECTING
        code, why, text = 0, "", ""
        try:
            client = await self._connected()
            at = At.SENDER
            await client.mail(self._sender.bounces)
            at = At.RECIPIENT
            await client.rcpt(to)
            if not await hand_over():
                await self.close()
                return None
            at = At.CONTENT
            code, text = await client.data(content)
        except SMTPResponseException as error:
            code, text = error.code, error.message
        except TimeoutError:
            why = "no answer in time"
        except (SMTPException, OSError, ValueError) as error:
            why = f"no answer: {type(error).__name__}"
        if not 200 <= code < 300:
            await self.close()
        return Reply(at, code if code > 0 else 0, why, answer.status_in(text), round((time.monotonic() - began) * 1000))

    async def close(self) -> None:
        """Says goodbye, if anybody is there."""
        client, self._client = self._client, None
        if client is None:
            return
        with contextlib.suppress(SMTPException, OSError):
            if client.is_connected:
                await client.quit(timeout=1.0)
        client.close()

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None and (self._letters >= _MOST or not self._client.is_connected):
            await self.close()
        if self._client is None:
            server = self._server
            client = aiosmtplib.SMTP(
                hostname=server.host,
                port=server.port,
                use_tls=server.tls == "tls",
                start_tls=server.tls == "starttls",
                username=server.user or None,
                password=server.password or None,
                local_hostname=self._sender.sender.domain,
                timeout=min(server.answer_seconds, _CONNECT_SECONDS),
            )
            await client.connect()
            client.timeout = server.answer_seconds
            self._client, self._letters = client, 0
        self._letters += 1
        return self._client
