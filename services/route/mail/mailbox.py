"""Reads the mailbox that bounces come to: a Maildir, as Postfix, Dovecot, fetchmail or mbsync fill it. What was read is moved to `cur`; nothing is deleted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.route.domain.mail import returned
from services.route.store.mail import happening
from shared import logs
from shared.database import FAILURES, Pool

_LOOK_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A Maildir of one store. Several instances may read it: what two read at once counts once."""

    pool: Pool
    folder: Path
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    look_seconds: float = _LOOK_SECONDS

    async def run(self) -> None:
        """Reads for ever. What fails is tried again."""
        while True:
            try:
                await self.read()
            except FAILURES as error:
                logs.get().warning("the mailbox of bounces can't be read", error=type(error).__name__)
            await asyncio.sleep(self.look_seconds)

    async def read(self) -> int:
        """Reads what is new; how many of these mails told of ours. A mail is moved once what it tells is kept."""
        found = 0
        for file in await asyncio.to_thread(self._new):
            try:
                raw = await asyncio.to_thread(_content, file)
            except FileNotFoundError:  # another instance was faster
                continue
            for said in await asyncio.to_thread(returned.read, raw):
                found += await happening.returned(self.pool, said, self.now())
            await asyncio.to_thread(self._seen, file)
        return found

    def _new(self) -> list[Path]:
        return sorted(one for one in (self.folder / "new").iterdir() if one.is_file() and not one.name.startswith("."))

    def _seen(self, file: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            file.rename(self.folder / "cur" / f"{file.name.partition(':')[0]}:2,S")


def _content(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(returned.LARGEST + 1)
