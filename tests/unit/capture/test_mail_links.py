"""Links of mails at the door: what is recorded, where a click may lead, and that looking stops nothing."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.door.pixel import GIF
from services.capture.request import Request
from shared import mail_link, topology
from shared.mail_link import Link
from tests.unit.capture.door import SECRET, Durable, Visitor

MAIL = uuid.UUID("11111111-2222-5333-8444-555555555555")
ADDRESS = mail_link.hashed("jo@acme.example")
OPEN = Link("open", MAIL.bytes, "ld_1")
CLICK = Link("click", MAIL.bytes, "ld_1", target="https://www.acme.example/guide?utm_medium=email")
LEAVE = Link("leave", MAIL.bytes, "ld_1", ADDRESS, "iql-welcome")


def path(link: Link, secret: bytes = SECRET) -> str:
    return mail_link.PATH + mail_link.written(secret, link)


async def test_the_picture_of_a_mail_is_an_opening_by_whoever_loaded_it() -> None:
    visitor = Visitor()
    answered = await visitor.post(path(OPEN), b"", method="GET", key=None, user_agent="GoogleImageProxy")
    assert (answered.status, answered.body) == (200, GIF)
    [command] = visitor.durable.on(topology.COMMANDS)
    assert (command["kind"], command["lead_id"]) == ("mail", "ld_1")
    assert command["payload"] == {
        "mail_id": str(MAIL), "did": "opened", "ip": "203.0.113.7", "user_agent": "GoogleImageProxy",
    }  # fmt: skip


async def test_a_click_goes_on_to_where_route_signed_it_to_and_is_recorded_once_an_hour() -> None:
    visitor = Visitor()
    for _ in range(2):
        answered = await visitor.post(path(CLICK), b"", method="GET", key=None)
        assert (answered.status, answered.headers["location"]) == (302, CLICK.target)
    first, second = visitor.durable.on(topology.COMMANDS)
    assert first["event_id"] == second["event_id"]
    assert (first["payload"]["did"], first["payload"]["url"]) == ("clicked", CLICK.target)


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "https://www.acme.example@evil.example/", "javascript:alert(1)", "//evil.example",
     "https://www.acme.example\\@evil.example/", "https://www.acme.example.evil.example/", "https://x\r\nset-cookie: a=b", ""],
)  # fmt: skip
async def test_a_signed_click_to_another_host_leads_nowhere(target: str) -> None:
    visitor = Visitor()
    answered = await visitor.post(path(Link("click", MAIL.bytes, "ld_1", target=target)), b"", method="GET", key=None)
    assert (answered.status, "location" in answered.headers, visitor.durable.messages) == (404, False, [])


async def test_what_was_signed_by_somebody_else_or_cut_off_is_no_link() -> None:
    visitor = Visitor()
    for link in (OPEN, CLICK, LEAVE):
        for one in (
            path(link, b"another secret"),
            path(link)[:-1],
            path(link)[:10],
            mail_link.PATH,
            f"{mail_link.PATH}%00",
        ):
            for method in ("GET", "POST"):
                assert (await visitor.post(one, b"", method=method, key=None)).status == 404
    assert visitor.durable.messages == []


async def test_looking_at_a_link_stops_nothing() -> None:
    visitor = Visitor()
    answered = await visitor.post(path(LEAVE), b"", method="GET", key=None)
    assert answered.status == 200
    assert b'<form method="post">' in answered.body
    assert b"iql-welcome" in answered.body
    for link, status in ((OPEN, 200), (CLICK, 302), (LEAVE, 200)):
        head = Request("HEAD", path(link), b"", {}, "203.0.113.7", b"")
        assert visitor.door.judge(head).answer.status == status
    assert visitor.durable.messages == []


@pytest.mark.parametrize(
    ("body", "channel"),
    [
        (b"List-Unsubscribe=One-Click", "email"),  # a mail program's own button
        (b"what=email", "email"),
        (b"what=all", ""),
        (b"what=track", "track:iql-welcome"),
        (b"", "email"),
        (b"what=nonsense", "email"),
    ],
)
async def test_one_post_suppresses_lead_and_address_and_tells_route(body: bytes, channel: str) -> None:
    visitor = Visitor()
    answered = await visitor.post(path(LEAVE), body, key=None, content_type="application/x-www-form-urlencoded")
    assert answered.status == 200
    suppress, told = visitor.durable.on(topology.COMMANDS)
    assert (suppress["kind"], suppress["lead_id"]) == ("suppress", "ld_1")
    assert suppress["payload"] == {"channel": channel, "why": "unsubscribed", "address_sha256": ADDRESS.hex()}
    assert (told["kind"], told["payload"]["did"], told["payload"].get("channel")) == ("mail", "unsubscribed", channel)


async def test_a_stop_that_is_not_durable_is_not_confirmed_and_a_click_goes_on_all_the_same() -> None:
    visitor = Visitor(durable=Durable(works=False))
    stopped = await visitor.post(path(LEAVE), b"List-Unsubscribe=One-Click", key=None)
    assert stopped.status == 503
    assert (await visitor.post(path(CLICK), b"", method="GET", key=None)).status == 302


@given(st.text(max_size=300))
def test_no_text_is_a_link_by_chance(text: str) -> None:
    assert mail_link.read(SECRET, text) is None


@given(st.sampled_from([OPEN, CLICK, LEAVE]), st.integers(0, 400), st.integers(1, 127))
def test_a_changed_link_is_none(link: Link, place: int, by: int) -> None:
    text = mail_link.written(SECRET, link)
    place %= len(text)
    changed = text[:place] + chr((ord(text[place]) + by) % 128) + text[place + 1 :]
    found = mail_link.read(SECRET, changed)
    assert found is None or (found == link and place == len(text) - 1)  # base64's last letter may say the same twice
