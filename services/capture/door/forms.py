"""The route of forms: what a script or a browser posts, and a browser's way on."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from services.capture import answers
from services.capture.domain import form, segment
from services.capture.domain.reading import Broken
from services.capture.domain.verdict import Refused
from services.capture.door.desk import Desk, Judged
from services.capture.request import JSON_TYPES, Request, idempotency_key, inflated, media_type
from shared.message import Message

FORMS = "/v1/forms/"  # and the form's name
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")


def submit(desk: Desk, request: Request) -> Judged:
    """One form. Raises Stop."""
    headers = request.headers
    name = request.path.removeprefix(FORMS)
    if not _NAME.match(name):
        raise answers.Stop(answers.FORM_NAME)
    owner = desk.owner_in(headers)
    if owner is None and (in_query := parse_qs(request.query.decode("latin-1")).get("key")):
        owner = desk.owner_of(in_query[0])
    body, kind = inflated(headers, request.body), media_type(headers)
    fields: form.Fields | Refused
    try:
        if kind == b"application/x-www-form-urlencoded":
            fields = form.of_urlencoded(body)
        elif kind == b"multipart/form-data":
            fields = form.of_multipart(body, headers[b"content-type"])
        elif kind in JSON_TYPES:
            fields = form.of_json(body)
        else:
            raise answers.Stop(answers.CONTENT_TYPE_FORM)
    except form.Files:
        raise answers.Stop(answers.FILES) from None
    except Broken as broken:
        return desk.broken(str(broken), body, owner, request)
    if owner is None:
        owner = desk.owner_of(form.write_key(fields) if isinstance(fields, dict) else None)
    arrival = desk.arrival(owner, request)
    message: Message | Refused
    if isinstance(fields, Refused):
        message = fields
    elif len(body) > segment.MAX_EVENT_BYTES:
        message = segment.too_large()
    else:
        referer = headers.get(b"referer")
        submission = form.submission(
            name,
            fields,
            arrival,
            idempotency_key=idempotency_key(headers),
            referer=referer.decode("utf-8", "replace") if referer else None,
        )
        message = submission if isinstance(submission, Refused) else desk.scribe.captured(submission, arrival)
    if isinstance(message, Refused):
        return desk.refused(message, body, arrival, owner, request)
    if kind not in JSON_TYPES and b"text/html" in headers.get(b"accept", b""):
        return desk.kept([message], answers.thanks(owner.thank_you_url), owner, request)
    return desk.kept([message], answers.accepted(message.event_id, status=202), owner, request)
