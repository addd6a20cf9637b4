"""Delivery reports and complaints, as servers write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.route.domain.mail.returned import Returned, read

ID = "11111111-2222-5333-8444-555555555555"


def report(
    action: str, status: str, *, original: str = "text/rfc822-headers", recipient: str = "rfc822; jo@acme.example"
) -> bytes:
    """As Postfix reports."""
    return f"""From: MAILER-DAEMON@mail.example
To: bounces@us.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <of-the-report@mail.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain; charset=us-ascii

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example

Final-Recipient: {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 whatever

--b
Content-Type: {original}

From: news@us.example
To: jo@acme.example
Message-ID: <{ID}@us.example>
Subject: For Jo

--b--
""".replace("\n", "\r\n").encode()


@pytest.mark.parametrize("original", ["text/rfc822-headers", "message/rfc822"])
@pytest.mark.parametrize(
    ("action", "status", "what"),
    [("failed", "5.1.1", "bounced"), ("Failed", "5.0.0", "bounced"), ("failed", "5.2.2", "refused"), ("failed", "5.7.1", "refused"), ("failed", "4.4.7", "refused"), ("delayed", "4.4.1", "delayed")],
)  # fmt: skip
def test_a_report_says_what_became_of_which_mail(original: str, action: str, status: str, what: str) -> None:
    assert read(report(action, status, original=original)) == [Returned(ID, what, "jo@acme.example")]  # type: ignore[arg-type]


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", ""])
def test_good_news_are_none(action: str) -> None:
    assert read(report(action, "2.0.0")) == []


def test_a_complaint_is_one_about_the_mail_that_it_holds() -> None:
    raw = (
        report("failed", "5.1.1", original="message/rfc822")
        .replace(b"report-type=delivery-status", b"report-type=feedback-report")
        .replace(b"message/delivery-status", b"message/feedback-report")
    )
    assert read(raw) == [Returned(ID, "complained")]


def test_what_names_no_mail_of_ours_says_nothing() -> None:
    assert read(report("failed", "5.1.1").replace(ID.encode(), b"somebody-elses")) == []
    assert read(b"Subject: out of office\r\n\r\nI am away.") == []


@given(st.binary(max_size=400), st.integers(0, 700), st.integers(0, 700))
def test_garbage_never_raises(garbage: bytes, begin: int, end: int) -> None:
    read(garbage)
    whole = report("failed", "5.1.1")
    read(whole[:begin] + garbage + whole[end:])
