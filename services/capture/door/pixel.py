"""The pixel: an image that is loaded is an event, for opened mails and pages without scripts."""

from __future__ import annotations

import uuid_utils
from msgspec import structs

from services.capture import answers
from services.capture.answers import Answer
from services.capture.domain import form
from services.capture.domain.reading import Broken
from services.capture.domain.verdict import Refused
from services.capture.door.desk import Desk, Judged
from services.capture.request import Request, referer

PIXEL = "/v1/pixel.gif"

# One transparent point: the smallest GIF that all browsers show.
GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
SEEN = Answer(
    200,
    GIF,
    (
        (b"content-type", b"image/gif"),
        (b"content-length", b"%d" % len(GIF)),
        (b"cache-control", b"no-store"),
        (b"cross-origin-resource-policy", b"cross-origin"),
    ),
)


def seen(desk: Desk, request: Request) -> Judged:
    """One load of the image. In its address: `key`, the write key; `event`, what happened (`pixel` where it says nothing); everything
    else as in a form (`user_id`, `anonymous_id`, `message_id`, `page`, `utm_source`, click ids ...), unknown names are properties.

    Who is not named is a visitor of this one moment: there is no cookie. The image comes when the event is durable. Raises Stop.
    """
    try:
        fields = form.of_urlencoded(request.query)
    except Broken as broken:
        raise answers.Stop(answers.broken(str(broken))) from None
    owner = desk.owner_of(_text(fields.pop("key", None)))
    event = _text(fields.pop("event", None)) or "pixel"
    arrival = desk.arrival(owner, request)
    found = form.submission(event, fields, arrival, referer=referer(request.headers))
    if not isinstance(found, Refused):
        found = structs.replace(found, kind="pixel", anonymous_id=found.anonymous_id or str(uuid_utils.uuid7()))
        message = desk.scribe.captured(found, arrival)
        if not isinstance(message, Refused):
            return desk.kept([message], SEEN, owner, request)
        found = message
    return desk.refused(found, form.without_secrets(fields), arrival, owner, request)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
