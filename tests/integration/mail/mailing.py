"""Mails to be sent, a worker that sends them, and where they are: for tests."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from services.route.domain.mail import heard, letter
from services.route.domain.mail.letter import Sender
from services.route.domain.nurture import read
from services.route.mail import templates
from services.route.mail.links import Links
from services.route.mail.sending import Sending
from services.route.mail.server import Server
from services.route.store.mail import kept
from shared.database import Pool
from shared.stage import Input, Record
from shared.topology import NURTURE, Topic
from tests.integration.mail.server import Mailserver

SECRET = b"the installation's secret"
DOCUMENT = """
format: 1
limits: {quiet_hours: "20:00-08:00"}
channels: {email: {needs: {consent: marketing_email, field: profile.email.address}}}
content: {guide: {channel: email, subject: 'For {{ profile.name.given or "you" }}', template: guide}}
tracks: [{id: welcome, when: 'lead.stage == "IQL"', steps: [{wait: 1d}, {id: guide, send: guide}]}]
exit: 'lead.stage == "SQL"'
"""
SENDER = Sender(letter.address("Acme <news@us.example>"), "bounces@us.example")
NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)


class Clock:
    """Noon, and as much later as a test says and as has passed."""

    def __init__(self, at: datetime = NOON) -> None:
        self._began = datetime.now(UTC)
        self.at = at
        self.later = timedelta()

    def __call__(self) -> datetime:
        return self.at + self.later + (datetime.now(UTC) - self._began)


def mail_id(name: str) -> str:
    """The id of a step's event."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def step(name: str, **more: Any) -> dict[str, Any]:
    """A lead.nurture of lead `name`."""
    return {
        "event_id": mail_id(name), "enrolment_id": mail_id(name), "lead_id": f"ld_{name}", "track": "welcome", "step": "guide", "content": "guide",
        "channel": "email", "address": f"{name}@acme.example", "subject": 'For {{ profile.name.given or "you" }}', "template": "guide", "stage": "IQL",
        "profile": {"email": {"address": f"{name}@acme.example"}, "name": {"given": name.title()}, "consent": {"marketing_email": {"given": True, "at": "2026-01-01T00:00:00Z"}}},
        **more,
    }  # fmt: skip


async def told(
    pool: Pool, *events: dict[str, Any], topic: Topic = NURTURE, type_: str = "lead.nurture", at: datetime = NOON
) -> None:
    """A batch of a topic, as the stage keeps it."""
    async with pool.acquire() as tx, tx.transaction():
        await kept.begin(tx, NOON - timedelta(days=9))
        world = await kept.load(tx, [])
        changes: dict[Any, Any] = {}
        for one in events:
            ms = round(at.timestamp() * 1000)
            found = heard.decode(
                Record(topic.name, 0, 0, ms, None, msgspec.json.encode(one), {"ce_type": type_.encode()})
            )
            assert isinstance(found, Input), found
            decided = heard.decide(world, found)
            changes |= dict(decided.changes)  # type: ignore[union-attr]
        await kept.save(tx, changes)


@contextlib.asynccontextmanager
async def sending(
    pool: Pool,
    server: Mailserver | int,
    *,
    clock: Clock | None = None,
    lease: float = 60.0,
    seconds: float = 5.0,
    **more: Any,
) -> AsyncIterator[Clock]:
    """A worker; `lease` and `seconds` (for an answer) in seconds."""
    clock = clock or Clock()
    doc = read.read(DOCUMENT)
    worker = Sending(
        pool=pool,
        server=Server("127.0.0.1", server if isinstance(server, int) else server.port, "none", answer_seconds=seconds),
        sender=SENDER,
        links=Links(SECRET, "https://capture.example", {"www.acme.example"}),
        env=templates.folder(Path(__file__).parent / "templates"),
        nurture=lambda: doc,
        lease=timedelta(seconds=lease),
        now=clock,
        **more,
    )
    task = asyncio.create_task(worker.run())
    try:
        yield clock
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def states(pool: Pool) -> dict[str, str]:
    """Where each mail is, by its id."""
    return {row["mail_id"]: row["state"] for row in await pool.fetch("SELECT mail_id::text, state FROM mail.mail")}


async def settled(pool: Pool, wanted: dict[str, str], *, seconds: float = 60.0) -> None:
    """Returns when mails are where they are wanted, by name."""
    expected = {mail_id(name): state for name, state in wanted.items()}
    try:
        async with asyncio.timeout(seconds):
            while await states(pool) != expected:
                await asyncio.sleep(0.05)
    except TimeoutError:
        rows = await pool.fetch("SELECT mail_id, state, why, tries, due_at FROM mail.mail")
        raise AssertionError(f"{[dict(row) for row in rows]}, not {wanted}") from None


async def tried(pool: Pool, times: int) -> None:
    """Returns when so many tries were written down."""
    async with asyncio.timeout(60):
        while await pool.fetchval("SELECT count(*) FROM mail.try") < times:
            await asyncio.sleep(0.05)
