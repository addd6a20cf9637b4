"""Letters: what stands in them, and what nobody can put there."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.route.domain.mail import letter
from services.route.domain.mail.letter import Sender, Text, Unsendable, compose

AT = datetime(2026, 6, 17, 12, tzinfo=UTC)
ID = "11111111-2222-5333-8444-555555555555"
SENDER = Sender(letter.address("Acme <news@us.example>"), "bounces@us.example")
HEADERS = {
    "Date",
    "From",
    "To",
    "Subject",
    "Message-ID",
    "Auto-Submitted",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
}


def made(text: Text, *, to: str = "jo@acme.example", leave: str | None = "https://capture.example/m/x") -> EmailMessage:
    raw = compose(text, mail_id=ID, sender=SENDER, to=letter.address(to), at=AT, leave=leave)
    assert raw.isascii()
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


@given(st.text(min_size=1, max_size=60), st.text(max_size=60))
def test_no_subject_and_no_text_becomes_a_header(subject: str, body: str) -> None:
    try:
        found = made(Text(subject, body))
    except Unsendable:
        return
    assert set(found.keys()) <= HEADERS
    assert len(found.keys()) == len(set(found.keys()))
    assert found["To"] == "jo@acme.example"


def test_a_line_break_in_a_subject_is_a_space() -> None:
    found = made(Text("For Jo\r\nBcc: x@evil.example", "Hello"))
    assert (found["Subject"], found["Bcc"]) == ("For Jo Bcc: x@evil.example", None)


def test_texts_of_all_scripts_come_as_they_were() -> None:
    found = made(Text("Für Jö 漢字", "Grüße\n.\n漢字\n", "<p>Grüße 漢字</p>\n"))
    text, html = found.get_body(("plain",)), found.get_body(("html",))
    assert text is not None
    assert html is not None
    assert found["Subject"] == "Für Jö 漢字"
    assert (text.get_content(), html.get_content()) == ("Grüße\r\n.\r\n漢字\r\n", "<p>Grüße 漢字</p>\r\n")


def test_a_long_link_stands_whole_in_its_header() -> None:
    leave = "https://capture.example/m/" + "Ab1-_" * 60
    raw = compose(Text("s", "t"), mail_id=ID, sender=SENDER, to=letter.address("jo@acme.example"), at=AT, leave=leave)
    assert f"List-Unsubscribe: <{leave}>\r\n".encode() in raw
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert f"Message-ID: <{ID}@us.example>\r\n".encode() in raw


def test_a_notice_has_no_link_to_leave() -> None:
    assert made(Text("s", "t"), leave=None)["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    "text",
    ["jo@acme.example\r\nBcc: x@evil.example", "jo", "jo@", "@acme.example", "jo@a b", "a,b@acme.example, c@evil.example", "jo@acme.example>", "<jo@acme.example", "jö@acme.example", ""],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no e-mail address"):
        letter.address(text)


@given(st.text(max_size=40))
def test_an_address_holds_nothing_that_could_end_a_line_or_an_envelope(text: str) -> None:
    try:
        found = letter.address(text)
    except ValueError:
        return
    assert found.addr_spec.isascii()
    assert found.addr_spec.isprintable()
    assert not set(found.addr_spec) & set("\r\n<>")


def test_a_name_in_another_script_and_a_domain_too() -> None:
    assert letter.address("Jö <jo@bücher.example>").addr_spec == "jo@xn--bcher-kva.example"
