"""Mail on a real Postgres towards a real SMTP server: at most one mail a step, whatever the server and the workers do, and nothing without a state."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from services.route.domain.mail import answer
from services.route.store.mail import shown
from shared import mail_link
from shared.database import Pool
from shared.topology import HANDOVER
from tests.integration.mail.mailing import NOON, SECRET, Clock, mail_id, sending, settled, states, step, told, tried
from tests.integration.mail.server import DIES, HANGS, OK, Mailserver, serving


async def test_a_step_is_mailed_once_with_text_html_and_one_click(pool: Pool, server: Mailserver) -> None:
    for _ in range(2):  # a repeat of the topic's, or a store filled again
        await told(pool, step("jo"))
    async with sending(pool, server):
        await settled(pool, {"jo": "sent"})
        await told(pool, step("jo"))
        await asyncio.sleep(0.7)
    [letter] = server.took
    assert (letter["Subject"], letter["To"], letter["From"]) == ("For Jo", "jo@acme.example", "Acme <news@us.example>")
    assert letter["Message-ID"] == f"<{mail_id('jo')}@us.example>"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    leave = letter["List-Unsubscribe"].strip("<>")
    link = mail_link.read(SECRET, leave.removeprefix("https://capture.example/m/"))
    assert link is not None
    assert (link.kind, link.mail_id, link.lead_id, link.track) == ("leave", mail_id("jo"), "ld_jo", "welcome")
    assert link.address == mail_link.hashed("jo@acme.example")
    text, html = (letter.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    assert "Hello Jo: https://capture.example/m/" in text.get_content()
    assert leave in text.get_content()
    assert "<b>Jo</b>" in html.get_content()
    assert '<img src="https://capture.example/m/' in html.get_content()
    # Nothing of the person is kept that is not needed any more.
    assert await pool.fetchval("SELECT data FROM mail.mail") is None


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (DIES, "unknown"),
        (HANGS, "unknown"),
        ("421 4.3.2 Bye", "waiting"),
        ("450 4.2.1 Later", "waiting"),
        ("550 5.7.1 No", "failed"),
    ],
)
async def test_what_the_server_says_of_the_content_decides(
    pool: Pool, server: Mailserver, said: str, state: str
) -> None:
    server.content = lambda message_id, times: said if times == 1 else OK
    await told(pool, step("jo"), step("al"))
    async with sending(pool, server, seconds=0.5, connections=1) as clock:
        await tried(pool, 2)
        assert await states(pool) == {mail_id("jo"): state, mail_id("al"): state}
        clock.later += timedelta(hours=2)  # still by day
        await settled(pool, {"jo": "sent", "al": "sent"} if state == "waiting" else {"jo": state, "al": state})
        await asyncio.sleep(0.7)
    assert max(server.mail_ids().values(), default=0) <= 1


@pytest.mark.parametrize(
    ("said", "state", "suppresses"),
    [
        ("450 4.2.0 Greylisted", "waiting", False),
        ("550 5.1.1 No such user", "failed", True),
        ("550 No such user", "failed", True),
        ("552 5.2.2 Full", "failed", False),
        ("554 5.7.1 You are on a list", "failed", False),
    ],
)
async def test_an_address_that_takes_no_mail_is_a_bounce(
    pool: Pool, server: Mailserver, said: str, state: str, suppresses: bool
) -> None:
    server.recipient = lambda _: said
    await told(pool, step("jo"))
    async with sending(pool, server):
        await tried(pool, 1)
        await settled(pool, {"jo": state})
    rows = await pool.fetch("SELECT what, suppress FROM mail.happened")
    assert [tuple(row) for row in rows] == ([("bounced", True)] if suppresses else [])
    assert server.took == []


async def test_a_server_that_is_away_is_tried_again_for_a_day(pool: Pool) -> None:
    async with serving() as server:
        port = server.port
    await told(pool, step("jo", transactional=True))  # by night too
    async with sending(pool, port) as clock:
        for tries, wait in enumerate((*answer.WAITS, 0), 1):
            await tried(pool, tries)
            clock.later += timedelta(seconds=wait * 1.2)
        await settled(pool, {"jo": "failed"})
        assert timedelta(hours=20) < clock.later < timedelta(hours=30)


async def test_a_worker_that_dies_before_it_hands_over_leaves_the_mail_to_others_and_after_it_to_nobody(
    pool: Pool, server: Mailserver
) -> None:
    await told(pool, step("before"), step("after"))
    # As a kill leaves them: one is taken, the other handed over, and their leases have ended.
    await pool.execute("UPDATE mail.mail SET tries = 1, turn = 1, due_at = $1", NOON - timedelta(seconds=1))
    await pool.execute("UPDATE mail.mail SET state = 'sending' WHERE mail_id = $1", mail_id("after"))
    async with sending(pool, server, lease=2):
        await settled(pool, {"before": "sent", "after": "unknown"})
        await asyncio.sleep(0.7)
    assert server.mail_ids() == {mail_id("before"): 1}


async def test_what_is_unknown_is_sent_again_by_an_operator_alone_under_the_same_name(
    pool: Pool, server: Mailserver
) -> None:
    server.content = lambda message_id, times: DIES if times == 1 else OK
    await told(pool, step("jo"))
    async with sending(pool, server) as clock:
        await settled(pool, {"jo": "unknown"})
        clock.later += timedelta(hours=1)
        await asyncio.sleep(0.7)
        assert len(server.took) == 1
        assert await shown.resend(pool, mail_id("jo"), clock()) == "unknown"
        await settled(pool, {"jo": "sent"})
        assert await shown.resend(pool, mail_id("jo"), clock()) == "sent"
        await asyncio.sleep(0.7)
    assert [letter["Message-ID"] for letter in server.took] == [f"<{mail_id('jo')}@us.example>"] * 2


async def test_four_workers_that_are_ended_again_and_again_send_each_mail_once(pool: Pool, server: Mailserver) -> None:
    names = [f"n{number}" for number in range(60)]
    await told(pool, *(step(name) for name in names))
    server.seconds = 0.02
    for _ in range(3):
        async with sending(pool, server), sending(pool, server):
            await asyncio.sleep(0.2)
    async with sending(pool, server), sending(pool, server):
        await settled(pool, dict.fromkeys(names, "sent"))  # an orderly end finishes what it is in the middle of
    assert server.mail_ids() == Counter(map(mail_id, names))


async def test_a_day_later_it_is_asked_again_whether_it_may_be_sent(pool: Pool, server: Mailserver) -> None:
    no_consent = {**step("none")["profile"], "consent": {}}
    await told(
        pool,
        step("left"),
        step("none", profile=no_consent),
        step("magnet", transactional=True, profile=no_consent),
        step("track"),
    )
    rows = [
        ("lead:ld_left", "email"),
        (f"address:{mail_link.hashed('magnet@acme.example').hex()}", "email"),
        ("lead:ld_track", "track:welcome"),
    ]
    for subject, channel in rows:
        await pool.execute(
            "INSERT INTO suppression (subject, channel, why, at, by) VALUES ($1, $2, 'unsubscribed', $3, '')",
            subject,
            channel,
            NOON,
        )
    async with sending(pool, server):
        await settled(pool, {"left": "skipped", "none": "skipped", "magnet": "sent", "track": "skipped"})
    whys = {row["why"] for row in await pool.fetch("SELECT why FROM mail.mail")}
    assert whys == {"suppressed: unsubscribed", "no consent: marketing_email", ""}


async def test_at_night_a_step_waits_for_the_morning_and_what_was_asked_for_does_not(
    pool: Pool, server: Mailserver
) -> None:
    await told(pool, step("jo"), step("magnet", transactional=True))
    async with sending(pool, server, clock=Clock(NOON + timedelta(hours=10))) as clock:
        await settled(pool, {"jo": "waiting", "magnet": "sent"})
        due_at = await pool.fetchval("SELECT due_at FROM mail.mail WHERE state = 'waiting'")
        assert NOON + timedelta(hours=20) <= due_at < NOON + timedelta(hours=20, seconds=5)
        clock.later += timedelta(hours=11)
        await settled(pool, {"jo": "sent", "magnet": "sent"})


async def test_what_is_too_late_or_can_not_be_made_has_a_state_and_no_server_is_asked(
    pool: Pool, server: Mailserver
) -> None:
    await told(pool, step("late"), at=NOON - timedelta(days=4))
    await told(pool, step("gone", template="nothing"), step("odd", address="a b@acme.example\r\nBcc: x@evil.example"))
    async with sending(pool, server):
        await settled(pool, {"late": "skipped", "gone": "failed", "odd": "failed"})
    assert server.took == []


async def test_owners_are_told_of_handovers(pool: Pool, server: Mailserver) -> None:
    owner = {"id": "ann", "name": "Ann", "email": "ann@us.example"}
    common = {
        "lead_id": "ld_1",
        "handover_id": "ho_ld_1_1_1",
        "owner": owner,
        "at": "2026-06-17T12:00:00Z",
        "because": "late",
    }
    await told(pool, {"event_id": mail_id("a"), **common}, topic=HANDOVER, type_="lead.handover")
    await told(pool, {"event_id": mail_id("b"), **common}, topic=HANDOVER, type_="lead.handover.withdrawn")
    desk = {"id": "desk", "email": "desk@us.example"}
    await told(
        pool,
        {"event_id": mail_id("c"), **common, "escalated_to": desk},
        topic=HANDOVER,
        type_="lead.handover.escalated",
    )
    async with sending(
        pool, server, clock=Clock(NOON + timedelta(hours=10))
    ):  # an owner's nights are routing's to know
        await settled(pool, dict.fromkeys("abc", "sent"))
    assert {(letter["To"], letter["Subject"]) for letter in server.took} == {
        ("ann@us.example", "ho_ld_1_1_1 offered"),
        ("ann@us.example", "ho_ld_1_1_1 withdrawn"),
        ("desk@us.example", "ho_ld_1_1_1 escalated"),
    }
    assert all(letter["List-Unsubscribe"] is None for letter in server.took)
