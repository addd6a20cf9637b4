"""Route with mail on, as a process that is killed again and again: at most one mail a step, nothing without a state, and a replay mails nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import msgspec
import pytest

from shared import mail_link
from shared.topology import CAPTURED, COMMANDS, DEAD, HANDOVER, NURTURE, OUTCOMES, SCORED
from tests.integration.mail.mailing import DOCUMENT, mail_id, step
from tests.integration.mail.server import DIES, OK, Mailserver
from tests.integration.service_process import ServiceProcess, made

OURS = (SCORED, COMMANDS, OUTCOMES, HANDOVER, NURTURE, CAPTURED, DEAD)
MAILS = 40
COUNT = "SELECT count(*) FROM mail.mail WHERE state IN ('sent', 'unknown', 'failed')"


@pytest.fixture
async def route(kafka: str, store: str, server: Mailserver, tmp_path: Path) -> AsyncIterator[ServiceProcess]:
    document = tmp_path / "nurture.yaml"
    document.write_text(DOCUMENT.replace('limits: {quiet_hours: "20:00-08:00"}', "limits: {}"))  # at any hour
    settings = {
        "route_nurture": str(document), "mail_server": f"127.0.0.1:{server.port}", "mail_tls": "none", "mail_from": "Acme <news@us.example>",
        "mail_url": "https://capture.example", "mail_link_hosts": "www.acme.example", "mail_templates": str(Path(__file__).parent / "templates"),
    }  # fmt: skip
    async with made(kafka, store, "route", using=OURS, seconds=240, **settings) as process:
        yield process


async def happened(route: ServiceProcess) -> Counter[tuple[str, str]]:
    """The activities that mails came to, by name and address."""
    return Counter(
        (said["name"], said["traits"]["email"])
        for record in await route.on(CAPTURED)
        for said in [msgspec.json.decode(record.value)]
    )


@pytest.mark.slow  # five starts of a process
@pytest.mark.timeout(900)
async def test_kills_mail_each_step_at_most_once_and_a_replay_mails_nothing(
    route: ServiceProcess, server: Mailserver
) -> None:
    server.recipient = lambda address: "550 5.1.1 Nobody" if address.startswith("dead") else OK
    server.content = lambda message_id, _: DIES if message_id.startswith(f"<{mail_id('dies')}") else OK
    server.seconds = 0.1
    await route.start()
    await route.ready()
    names = ["dead", "dies", *(f"n{number}" for number in range(MAILS))]
    await route.tell(NURTURE, [step(name) for name in names])
    await route.until("SELECT count(*) FROM mail.mail", len(names))
    for _ in range(2):
        await asyncio.sleep(0.4)
        await route.kill()
        # As if the leases had ended, without waiting ten minutes.
        await execute(route, "UPDATE mail.mail SET due_at = now() WHERE state IN ('waiting', 'sending')")
        await route.start()
        await route.ready()
    await route.until(COUNT, len(names))
    rows = await route.rows("SELECT mail_id::text, state, why FROM mail.mail")
    states = {row["mail_id"]: row["state"] for row in rows}
    took = server.mail_ids()
    assert max(took.values()) == 1
    assert (states[mail_id("dead")], states[mail_id("dies")]) == ("failed", "unknown"), rows
    assert {one for one, state in states.items() if state == "sent"} <= set(took)  # what is sent was taken
    assert {one for one in took if states[one] != "sent"} <= {
        one for one, state in states.items() if state == "unknown"
    }
    assert 1 <= sum(state == "unknown" for state in states.values()) <= 1 + 2 * 2  # two connections, two kills

    # The bounce suppresses the address and is an activity, once.
    await route.until("SELECT count(*) FROM suppression WHERE why = 'bounced'", 2)  # of the lead and of the address
    assert await happened(route) == {("email-bounced", "dead@acme.example"): 1}
    # What capture tells of links becomes one too.
    done = mail_link.Done(
        mail_id("n1"), "clicked", "https://www.acme.example/guide", None, "203.0.113.7", "Mozilla/5.0"
    )
    command = {
        "event_id": mail_id("click"),
        "kind": "mail",
        "issued_at": "2026-06-17T12:00:00Z",
        "lead_id": "ld_n1",
        "payload": msgspec.to_builtins(done),
    }
    await route.tell(COMMANDS, [command, command])
    await route.until("SELECT count(*) FROM mail.happened WHERE told_at IS NOT NULL", 2)
    before = await happened(route)
    assert before == {("email-bounced", "dead@acme.example"): 1, ("email-clicked", "n1@acme.example"): 1}

    # A store that is filled again from the topics mails and tells nothing; nor does one that lost its mails too.
    for schemas in ("public", "public, mail"):
        await route.kill()
        await execute(route, f"DROP SCHEMA {schemas} CASCADE; CREATE SCHEMA public")
        await route.start()
        await route.ready()
        await route.until(
            "SELECT sum(next_offset)::int FROM cursor WHERE stage = 'mail' AND topic = 'leads.nurture.v1'", len(names)
        )
        await asyncio.sleep(2)
        assert (server.mail_ids(), await happened(route)) == (took, before)
    assert await route.rows("SELECT state FROM mail.mail") == []
    await route.tell(NURTURE, [step("new")])
    await route.until(COUNT, 1)
    assert await route.on(DEAD) == []


async def execute(route: ServiceProcess, statement: str) -> None:
    connection = await asyncpg.connect(route.dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
