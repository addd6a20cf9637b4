"""The route of forms: what a script or a browser posts, and what each of them is answered."""

from __future__ import annotations

from urllib.parse import parse_qs

from msgspec import structs

from services.capture import answers, pages
from services.capture.domain import calls, form, segment
from services.capture.domain.reading import Broken
from services.capture.domain.verdict import Refused
from services.capture.door.desk import Desk, Judged
from services.capture.request import JSON_TYPES, Headers, Request, idempotency_key, inflated, media_type, referer
from shared.message import Message
from shared.outcome import Reason

FORMS = "/v1/forms/"  # and the form's name


def submit(desk: Desk, request: Request) -> Judged:
    """One form. A browser that posts by itself is sent on to the property's page, or shown one. Raises Stop to scripts."""
    if not pages.wanted(request.headers):
        return _submitted(desk, request, for_a_person=False)
    try:
        judged = _submitted(desk, request, for_a_person=True)
    except answers.Stop as stop:
        judged = desk.turned_away(stop.answer, request)
    return structs.replace(judged, answer=pages.of(judged.answer), unavailable=lambda: pages.of(judged.unavailable()))


def _submitted(desk: Desk, request: Request, *, for_a_person: bool) -> Judged:
    headers = request.headers
    name = request.path.removeprefix(FORMS)
    if not calls.is_form_name(name):
        raise answers.Stop(answers.FORM_NAME)
    owner = desk.owner_in(headers)
    if owner is None and (in_query := parse_qs(request.query.decode("latin-1")).get("key")):
        owner = desk.owner_of(in_query[0])
    body = inflated(headers, request.body)
    try:
        fields = _fields(headers, body)
    except form.Files:
        raise answers.Stop(answers.FILES) from None
    except Broken as broken:
        return desk.broken(str(broken), form.unread_without_secrets(body), owner, request)
    if owner is None:
        if isinstance(fields, Refused):  # whose it is would have stood in what can't be read
            raise answers.Stop(answers.refused(fields))
        owner = desk.owner_of(form.write_key(fields))
    arrival = desk.arrival(owner, request)
    if isinstance(fields, Refused):
        return desk.refused(fields, form.unread_without_secrets(body), arrival, owner, request)
    message: Message | Refused
    if len(body) > segment.MAX_EVENT_BYTES:
        message = segment.too_large()
    else:
        found = form.submission(
            name,
            fields,
            arrival,
            idempotency_key=idempotency_key(headers),
            referer=referer(headers),
        )
        message = found if isinstance(found, Refused) else desk.scribe.captured(found, arrival)
    if isinstance(message, Refused):
        return desk.refused(message, form.without_secrets(fields), arrival, owner, request)
    if not for_a_person:
        answer = answers.accepted(message.event_id, status=202)
    else:
        answer = answers.see_other(owner.thank_you_url) if owner.thank_you_url else pages.thanks()
    return desk.kept([message], answer, owner, request)


def _fields(headers: Headers, body: bytes) -> form.Fields | Refused:
    """The fields of the body, by its content type. Raises Stop, Files, Broken."""
    kind = media_type(headers)
    try:
        if kind == b"application/x-www-form-urlencoded":
            return form.of_urlencoded(body, headers[b"content-type"])
        if kind == b"multipart/form-data":
            return form.of_multipart(body, headers[b"content-type"])
    except form.TooMany as many:
        return Refused(Reason.INVALID, str(many))
    if kind in JSON_TYPES:
        return form.of_json(body)
    raise answers.Stop(answers.CONTENT_TYPE_FORM)
