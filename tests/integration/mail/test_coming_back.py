"""What comes back of mails: reports in a Maildir and by REST, what links told; and what an operator sees and does over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from services.route.api import mail as api
from services.route.domain.nurture.read import read
from services.route.mail import templates
from services.route.mail.links import Links
from services.route.mail.mailbox import Mailbox
from services.route.mail.telling import Telling
from shared import mail_link, problem
from shared.database import Pool
from shared.topology import COMMANDS
from tests.integration.mail.mailing import DOCUMENT, NOON, SECRET, Clock, mail_id, sending, settled, step, told
from tests.integration.mail.server import DIES, OK, Mailserver
from tests.unit.route.mail.test_returned import ID, report

TEMPLATES = Path(__file__).parent / "templates"
RECORDS = list[tuple[str, dict[str, Any]]]


@pytest.fixture
async def ask(pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problem.install(app)
    doc = read(DOCUMENT)
    links = Links(SECRET, "https://capture.example", {"www.acme.example"})
    app.include_router(
        api.routes(
            pool, is_on=True, links=links, env=templates.folder(TEMPLATES), folder=TEMPLATES, nurture=lambda: doc
        )
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://route") as client:
        yield client


async def tells(pool: Pool) -> RECORDS:
    """What is told on the topics now, by topic."""
    found: RECORDS = []

    async def send(topic: str, key: str, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        found.append((topic, msgspec.json.decode(value)))

    telling = Telling(pool=pool, send=send, secret=SECRET, now=Clock(NOON + timedelta(days=36_500)))
    while await telling.some():
        pass
    return found


def maildir(path: Path, *mails: bytes) -> Path:
    for name in ("new", "cur", "tmp"):
        (path / name).mkdir()
    for number, raw in enumerate(mails):
        (path / "new" / f"{number}.x").write_bytes(raw)
    return path


async def test_a_report_in_the_maildir_suppresses_the_address_it_was_sent_to_and_no_other(
    pool: Pool, server: Mailserver, tmp_path: Path
) -> None:
    await told(pool, step("jo"), step("al"))
    async with sending(pool, server):
        await settled(pool, {"jo": "sent", "al": "sent"})
    real = report("failed", "5.1.1").replace(ID.encode(), mail_id("jo").encode())
    forged = report("failed", "5.1.1").replace(ID.encode(), mail_id("al").encode())  # names jo's address
    folder = maildir(tmp_path, real, real, forged, report("failed", "5.1.1"), b"Subject: hello\r\n\r\nhello")
    box = Mailbox(pool=pool, folder=folder, now=Clock())
    await box.read()
    assert list((folder / "new").iterdir()) == []
    assert len(list((folder / "cur").iterdir())) == 5
    (command_topic, command), (event_topic, event) = await tells(pool)
    assert (command_topic, command["kind"], command["lead_id"]) == ("leads.commands.v1", "suppress", "ld_jo")
    assert command["payload"] == {
        "channel": "email",
        "why": "bounced",
        "address_sha256": mail_link.hashed("jo@acme.example").hex(),
    }
    assert (event_topic, event["name"], event["kind"], event["traits"]) == (
        "leads.captured.v1",
        "email-bounced",
        "track",
        {"email": "jo@acme.example"},
    )
    assert event["properties"] == {"mail_id": mail_id("jo"), "track": "welcome", "step": "guide", "content": "guide"}
    assert await tells(pool) == []


@pytest.mark.parametrize(("seconds", "marks"), [(1, ["too-fast"]), (60, None)])
async def test_a_look_becomes_an_activity_and_one_at_once_is_marked(
    pool: Pool, server: Mailserver, seconds: int, marks: list[str] | None
) -> None:
    await told(pool, step("jo"))
    async with sending(pool, server):
        await settled(pool, {"jo": "sent"})
    sent_at = await pool.fetchval("SELECT ended_at FROM mail.mail")
    done = mail_link.Done(mail_id("jo"), "opened", None, None, "203.0.113.7", "GoogleImageProxy")
    said = {"kind": "mail", "issued_at": sent_at + timedelta(seconds=seconds), "payload": msgspec.to_builtins(done)}
    other = {**said, "event_id": mail_id("2"), "payload": {**said["payload"], "mail_id": mail_id("nobody's")}}
    for _ in range(2):
        await told(pool, {"event_id": mail_id("1"), **said}, other, topic=COMMANDS, type_="lead.command")
    [(_, event)] = await tells(pool)
    assert (event["name"], event["kind"], event["context"].get("marks")) == ("email-opened", "pixel", marks)
    assert (event["context"]["user_agent"], event["context"]["ip"]) == ("GoogleImageProxy", "203.0.113.7")
    assert await pool.fetchval("SELECT coalesce(ip, user_agent) FROM mail.happened") is None


async def test_what_a_mail_service_reports_is_taken_in_our_words_or_as_it_is(
    pool: Pool, server: Mailserver, ask: httpx.AsyncClient
) -> None:
    await told(pool, step("jo"), step("al"))
    async with sending(pool, server):
        await settled(pool, {"jo": "sent", "al": "sent"})
    body = {"message_id": f"<{mail_id('jo')}@us.example>", "what": "complained"}
    assert (await ask.post("/v1/mail/returned", json=body)).json() == {"mails": 1}
    raw = report("failed", "5.2.2", recipient="rfc822; al@acme.example").replace(ID.encode(), mail_id("al").encode())
    said = await ask.post("/v1/mail/returned", content=raw, headers={"content-type": "message/rfc822"})
    assert said.json() == {"mails": 1}
    assert (await ask.post("/v1/mail/returned", json={"message_id": "x", "what": "bounced"})).status_code == 422
    assert [(topic, one.get("name") or one["payload"]["why"]) for topic, one in await tells(pool)] == [
        ("leads.commands.v1", "complained"), ("leads.captured.v1", "email-complained"), ("leads.captured.v1", "email-refused"),
    ]  # fmt: skip


async def test_an_operator_sees_what_is_unknown_and_sends_it_again(
    pool: Pool, server: Mailserver, ask: httpx.AsyncClient
) -> None:
    server.content = lambda _, times: DIES if times == 1 else OK
    await told(pool, step("jo"))
    async with sending(pool, server):
        await settled(pool, {"jo": "unknown"})
        [one] = (await ask.get("/v1/mail", params={"state": "unknown"})).json()["list"]
        assert one["mail_id"] == mail_id("jo")
        assert "address" not in one
        shown = (await ask.get(f"/v1/mail/{mail_id('jo')}")).json()
        assert [(each["came_to"], each["why"]) for each in shown["log"]] == [
            ("unknown", "content: no answer: SMTPServerDisconnected")
        ]
        assert (await ask.post(f"/v1/mail/{mail_id('jo')}/resend")).status_code == 202
        # Its moment is the real one, and the worker's is not.
        await pool.execute("UPDATE mail.mail SET due_at = $1, told_at = $1", NOON)
        await settled(pool, {"jo": "sent"})
    assert (await ask.post(f"/v1/mail/{mail_id('jo')}/resend")).status_code == 409
    assert (await ask.post(f"/v1/mail/{mail_id('no')}/resend")).status_code == 404


async def test_templates_are_looked_through_tried_and_sent_to_an_operator(pool: Pool, ask: httpx.AsyncClient) -> None:
    assert (await ask.post("/v1/mail/lint", json={})).json()["mistakes"] == []
    files = {**{one.name: one.read_text() for one in TEMPLATES.iterdir()}, "guide.txt": "\n{{ profile.nmae }}"}
    [mistake] = (await ask.post("/v1/mail/lint", json={"files": files})).json()["mistakes"]
    assert (mistake["file"], mistake["line"]) == ("guide.txt", 2)
    found = (await ask.post("/v1/mail/preview", json={"template": "guide"})).json()
    assert (found["subject"], found["text"].partition(":")[0]) == ("For Jo", "Hello Jo")
    assert (await ask.post("/v1/mail/preview", json={"template": "nothing"})).status_code == 422
    made = await ask.post("/v1/mail/test", json={"template": "guide", "to": "me@us.example"})
    assert made.status_code == 202
    [kept] = await pool.fetch("SELECT kind, address, state FROM mail.mail")
    assert tuple(kept) == (
        "test",
        "me@us.example",
        "waiting",
    )
    assert (
        await ask.post("/v1/mail/test", json={"template": "guide", "to": "me\r\nBcc: x@y.example"})
    ).status_code == 422
