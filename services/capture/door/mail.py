"""Links of mails: its picture, a click that is sent on, stopping more of it. Signed by route, answered without asking anybody; what was done goes
to route as commands. Nothing is stopped by looking: scanners look at every link."""

from __future__ import annotations

from datetime import UTC, datetime

from services.capture import answers, pages
from services.capture.answers import Answer
from services.capture.domain import connection, form
from services.capture.domain.mailed import Links
from services.capture.domain.reading import Broken
from services.capture.door.desk import Desk, Judged
from services.capture.door.pixel import SEEN
from services.capture.request import Request
from services.capture.store import Property
from shared import mail_link
from shared.mail_link import Link
from shared.message import Message

MAIL = mail_link.PATH
METHODS = ("GET", "HEAD", "POST")
# Whom the limits count it for.
_OURS = Property("mail", "mail", (), None, None, None, datetime(1970, 1, 1, tzinfo=UTC), (), ())
_CHANNELS = {pages.EVERY_MAIL: mail_link.EMAIL, pages.EVERYTHING: ""}


def used(desk: Desk, request: Request) -> Judged:
    """A request to a link. Raises Stop."""
    links = desk.links
    link = links.read(request.path.removeprefix(MAIL)) if links is not None else None
    if links is None or link is None:
        return Judged(pages.no_link())
    if link.kind == "leave":
        return _left(desk, links, link, request) if request.method == "POST" else Judged(pages.leaving(link.track))
    answer = SEEN if link.kind == "open" else _on(link.target)
    if request.method != "GET":
        return Judged(answer)
    return _seen(desk, links, link, request, answer)


def _seen(desk: Desk, links: Links, link: Link, request: Request, answer: Answer) -> Judged:
    """The answer in any case: who reads a mail has nothing to do with our troubles, and a look more or less is not worth their waiting."""
    ip = desk.ip(request)
    now, agent = desk.now(), request.headers.get(b"user-agent")
    try:
        desk.limits.admit(_OURS, ip, now)
    except answers.Stop:
        return Judged(answer)
    said = connection.user_agent(agent[: connection.LONGEST_AGENT]) if agent else None
    return _kept(desk, [links.seen(link, at=now, ip=ip, user_agent=said)], answer, otherwise=answer)


def _left(desk: Desk, links: Links, link: Link, request: Request) -> Judged:
    """By the page's button, or by a mail program's own (RFC 8058), which posts `List-Unsubscribe=One-Click`: all mails. Raises Stop."""
    desk.limits.admit(_OURS, desk.ip(request), desk.now())
    what = _what(request)
    channel = (
        mail_link.TRACK + link.track
        if what == pages.THIS_TRACK and link.track
        else _CHANNELS.get(what, mail_link.EMAIL)
    )
    messages = links.left(link, channel, at=desk.now())
    return _kept(desk, messages, pages.left(), otherwise=pages.of(answers.of_problem(answers.UNAVAILABLE)))


def _what(request: Request) -> str:
    try:
        said = form.of_urlencoded(request.body).get("what")
    except Broken:
        return ""
    return said if isinstance(said, str) else ""


def _kept(desk: Desk, messages: list[Message], answer: Answer, *, otherwise: Answer) -> Judged:
    return Judged(answer, desk.durable(messages, ()), unavailable=lambda: otherwise)


def _on(target: str) -> Answer:
    return Answer(
        302,
        b"",
        (
            (b"location", target.encode("ascii")),
            (b"content-length", b"0"),
            (b"cache-control", b"no-store"),
            (b"referrer-policy", b"no-referrer"),
        ),
    )
