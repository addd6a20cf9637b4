"""The routes of SDKs: single calls and batches as Segment's HTTP tracking API has them."""

from __future__ import annotations

from services.capture import answers
from services.capture.domain import segment
from services.capture.domain.reading import Broken
from services.capture.domain.segment import SdkEvent
from services.capture.domain.verdict import Arrival, Refused
from services.capture.door.desk import Desk, Judged
from services.capture.request import JSON_TYPES, Request, idempotency_key, inflated, media_type
from services.capture.store import Property
from shared.message import Message

KINDS = ("track", "page", "identify", "screen", "group", "alias")
# Path -> the kind of call. Browser SDKs use the short paths.
CALLS: dict[str, str] = {f"/v1/{kind}": kind for kind in KINDS} | {f"/v1/{kind[0]}": kind for kind in KINDS}
# Segment's short path and its path for history, and that of RudderStack's beacons.
BATCHES = ("/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch")


def call(desk: Desk, request: Request) -> Judged:
    """One event. Raises Stop."""
    body, owner = _opened(desk, request)
    found: SdkEvent | Refused
    try:
        found = segment.event(body)
    except Broken as broken:
        return desk.broken(str(broken), body, owner, request)
    if owner is None:
        owner = desk.owner_of(found.write_key if isinstance(found, SdkEvent) else segment.write_key(body))
    arrival = desk.arrival(owner, request)
    message: Message | Refused
    if not isinstance(found, SdkEvent):
        message = found
    elif len(body) > segment.MAX_EVENT_BYTES:
        message = segment.too_large()
    else:
        message = _written(desk, found, CALLS[request.path], arrival, idempotency_key(request.headers))
    if isinstance(message, Refused):
        return desk.refused(message, body, arrival, owner, request)
    return desk.kept([message], answers.accepted(message.event_id), owner, request)


def batch(desk: Desk, request: Request) -> Judged:
    """Many events, each judged on its own. Raises Stop."""
    body, owner = _opened(desk, request)
    try:
        found = segment.batch(body)
    except Broken as broken:
        return desk.broken(str(broken), body, owner, request)
    if owner is None:
        owner = desk.owner_of(found.write_key if isinstance(found, segment.SdkBatch) else segment.write_key(body))
    events = len(found.batch) if isinstance(found, segment.SdkBatch) else 1
    arrival = desk.arrival(owner, request, events=events)
    if isinstance(found, Refused):
        return desk.refused(found, body, arrival, owner, request)
    key = idempotency_key(request.headers)
    accepted: list[tuple[int, str]] = []
    rejected: list[tuple[int, Refused]] = []
    messages: list[Message] = []
    for index in range(len(found.batch)):
        one = segment.of_batch(found, index)
        message: Message | Refused
        if isinstance(one, Refused):
            message = one
        else:
            event, kind = one
            message = _written(desk, event, kind, arrival, f"{key}/{index}" if key else None)
            if isinstance(message, Refused):
                message = Refused(message.reason, message.detail, f"/batch/{index}{message.pointer}")
        if isinstance(message, Refused):
            rejected.append((index, message))
            message = desk.scribe.dead(message, bytes(found.batch[index]), arrival)
        else:
            accepted.append((index, message.event_id))
        messages.append(message)
    if rejected:
        desk.unaccepted(arrival, len(rejected))
    return desk.kept(messages, answers.judged(accepted, rejected), owner, request)


def _opened(desk: Desk, request: Request) -> tuple[bytes, Property | None]:
    """What an SDK sent, and whose it is where a header or the address says so. A body that looks like JSON is taken for it whatever
    its label: RudderStack's Node SDK sends JSON as a urlencoded form."""
    body = inflated(request.headers, request.body)
    if media_type(request.headers) not in JSON_TYPES and not body.startswith(b"{"):
        raise answers.Stop(answers.CONTENT_TYPE_SDK)
    owner = desk.owner_in(request.headers)
    if owner is None and b"writeKey=" in request.query:  # a beacon has no headers
        owner = desk.owner_in_address(request)
    return body, owner


def _written(desk: Desk, event: SdkEvent, kind: str, arrival: Arrival, key: str | None) -> Message | Refused:
    if event.message_id is None:
        event.message_id = key
    submission = segment.submission(event, kind, arrival)
    return submission if isinstance(submission, Refused) else desk.scribe.captured(submission, arrival)
