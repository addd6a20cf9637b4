"""What people see in their browser after a plain form post: thanks, or what to mend. No script, nothing of what was sent, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

import msgspec

from services.capture.answers import Answer
from shared import problem

# What may be stopped, as the page's form says it.
THIS_TRACK, EVERY_MAIL, EVERYTHING = "track", "email", "all"

_FORM_TYPES = (b"application/x-www-form-urlencoded", b"multipart/form-data")

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1rem;color:#222}}small{{color:#555}}</style>
<h1>{title}</h1>
<p>{text}</p>
{more}</html>
"""

# What whoever filled in the form can do, by the problem's slug. At any other problem they can do nothing.
_ADVICE = {
    "no-identifier": "Please go back and fill in your e-mail address or your phone number.",
    "too-large": "It is too long. Please go back, shorten it, and send it again.",
    "files": "Files can't be sent with this form. Please go back, leave them out, and send it again.",
    "too-slow": "The connection was too slow. Please go back and send it again.",
    "unavailable": "We can't take it at this moment. Please go back in a few minutes and send it again.",
    "too-many": "Too much was sent in a short time. Please go back in a minute and send it again.",
    "too-many-invalid": "Too much was sent in a short time. Please go back in a minute and send it again.",
}
_NOT_YOURS = "This is not your mistake: the form is not set up right. Please tell whoever runs the website."


def wanted(headers: dict[bytes, bytes]) -> bool:
    """Whether a browser posted a form by itself, so that a person sees the answer."""
    return b"text/html" in headers.get(b"accept", b"") and headers.get(b"content-type", b"").lower().startswith(
        _FORM_TYPES
    )


def of(answer: Answer) -> Answer:
    """The answer as a page where it is a problem; others stay as they are."""
    if (b"content-type", problem.MEDIA_TYPE.encode()) not in answer.headers:
        return answer
    kept = tuple((name, value) for name, value in answer.headers if name not in (b"content-type", b"content-length"))
    told: dict[str, Any] = msgspec.json.decode(answer.body)
    advice = _ADVICE.get(told["type"].rpartition(":")[2], _NOT_YOURS)
    details = dict.fromkeys([told["detail"], *(one["detail"] for one in told.get("errors", []))])
    more = (
        f"<p>Your browser's Back button brings the form back as you filled it in.</p>\n<p><small>For whoever runs the website: "
        f"{escape(' '.join([told['title'] + '.', *details]))} (Status {answer.status}, request {escape(told['request_id'])}.)"
        "</small></p>\n"
    )
    return _page(answer.status, "The form was not sent", advice, more=more, headers=kept)


def thanks() -> Answer:
    """To a browser whose form is durable, where the property has no page for it."""
    return _page(202, "Thank you", "We have received your form.")


_CHOICE = '<p><label><input type="radio" name="what" value="{value}"{checked}> {text}</label></p>'


def leaving(track: str) -> Answer:
    """To somebody who follows a mail's link to its preferences: what they may stop. Nothing has changed yet: scanners come here too."""
    choices = [
        (EVERY_MAIL, "All e-mails but those that you ask for"),
        (EVERYTHING, "Everything that you do not ask for, advertisements too"),
    ]
    if track:
        choices.insert(0, (THIS_TRACK, f"Only this series ({track})"))
    radios = "\n".join(
        _CHOICE.format(value=value, text=escape(text), checked=" checked" * (value == EVERY_MAIL))
        for value, text in choices
    )
    form = f'<form method="post">\n{radios}\n<button>Stop it</button>\n</form>\n'
    return _page(200, "What should stop?", "Choose, then press the button. Before that, nothing changes.", more=form)


def left() -> Answer:
    """To somebody who stopped something, once that is durable."""
    return _page(
        200, "It is stopped", "You are taken off within seconds. Something that was on its way already may still come."
    )


def no_link() -> Answer:
    """To somebody whose link is none of ours: cut off by a mail program, or made up."""
    return _page(
        404,
        "This link does not work",
        "It is not whole, or it led to a page that is not there any more. Please copy the whole link.",
    )


def _page(
    status: int, title: str, text: str, *, more: str = "", headers: tuple[tuple[bytes, bytes], ...] = ()
) -> Answer:
    body = _PAGE.format(title=title, text=text, more=more).encode()
    return Answer(
        status,
        body,
        (
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
            (b"referrer-policy", b"no-referrer"),
            *headers,
        ),
    )
