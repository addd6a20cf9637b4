"""The route of vendors' webhooks: the vendor's module judges the raw bytes, here its verdict becomes an answer, records and notices. No vendor's format."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import assert_never
from urllib.parse import parse_qsl

from services.capture import answers, fetching
from services.capture.answers import Answer
from services.capture.domain import segment
from services.capture.domain.verdict import Arrival, Refused, Submission
from services.capture.door.desk import Desk, Judged
from services.capture.request import Request
from services.capture.store import Told
from services.capture.vendors import vendor as vendors
from services.capture.vendors.table import VENDORS, Taken, judge
from services.capture.vendors.vendor import Event, Fetch, Refusal, Reply, Withdrawn
from shared.message import Message
from shared.problem import Problem

HOOKS = "/v1/hooks/"  # and vendor/property
METHODS = ("GET", "POST")
_UNSAID = (None, b"", b"identity")


def receive(desk: Desk, request: Request) -> Judged:
    """A vendor's post, or its question whether this address is ours. Raises Stop."""
    vendor, _, property_ = request.path.removeprefix(HOOKS).partition("/")
    module, known = VENDORS.get(vendor), desk.properties.hook(vendor, property_)
    if module is None or known is None:
        raise answers.Stop(answers.NO_HOOK)
    desk.open_for(known.owner, request)
    if request.headers.get(b"content-encoding") not in _UNSAID:
        raise answers.Stop(answers.HOOK_ENCODING)
    now = desk.now()
    post = vendors.Request(
        method=request.method,
        url=desk.address(request),
        query=_query(request.query),
        headers=request.headers,
        body=request.body,
        received_at=now,
    )
    found = judge(module, post, known.hook, seen=lambda key: desk.replays.seen(key, now))
    match found:
        case Reply():
            return Judged(_said(found))
        case Refusal():
            raise answers.Stop(_refusal(found))
        case Taken():
            # Only now: a stranger must not use up the property's limits.
            try:
                arrival = desk.arrival(known.owner, request, events=max(1, len(found.events)))
            except answers.Stop as stop:
                wait = dict(stop.answer.headers).get(b"retry-after", b"60")
                raise answers.Stop(answers.later(wait)) from None
            return _taken(desk, found, vendor, arrival, request.limits_said)


def _taken(desk: Desk, taken: Taken, vendor: str, arrival: Arrival, limits_said: bytes) -> Judged:
    """The vendor's answer as soon as all that the post says is durable: events, dead letters, notices."""
    messages: list[Message] = []
    notices: list[Told] = []
    why: dict[Refused, None] = {}  # each mistake once, since its dead letter holds the whole post
    for event in taken.events:
        said = _event(desk, event, vendor, arrival)
        match said:
            case Message():
                messages.append(said)
            case Told():
                notices.append(said)
            case Refused():
                why[Refused(said.reason, said.detail)] = None
    messages += [desk.scribe.dead(one, taken.storable, arrival) for one in why]
    durable = desk.durable(messages, notices)
    if durable is not None and taken.replay is not None:
        durable.add_done_callback(partial(_remember, desk, taken.replay))
    return Judged(_said(taken.reply), durable, limits_said)


def _event(desk: Desk, event: Event, vendor: str, arrival: Arrival) -> Message | Told | Refused:
    match event:
        case Submission():
            message = desk.scribe.captured(event, arrival)
            if isinstance(message, Message) and len(message.value) > segment.MAX_EVENT_BYTES:
                return segment.too_large()
            return message
        case Withdrawn(user_id=str(user_id)):
            return desk.scribe.erasure(desk.scribe.person(user_id, arrival.property), event.message_id, arrival)
        case Fetch() | Withdrawn():
            return fetching.told(arrival.property, event, vendor, arrival.received_at)
        case Refused():
            return event
        case _:
            assert_never(event)


def _remember(desk: Desk, replay: vendors.Replay, durable: asyncio.Future[bool]) -> None:
    if not durable.cancelled() and durable.exception() is None and durable.result():
        desk.replays.remember(replay)


def _said(reply: Reply) -> Answer:
    return answers.plain(reply.status, reply.body, reply.media_type)


def _refusal(refusal: Refusal) -> Answer:
    if refusal.reply is not None:
        return _said(refusal.reply)
    if refusal.status == 405:
        return answers.of_problem(answers.not_this_method(METHODS))
    return answers.of_problem(Problem(refusal.status, "not-genuine", "The post is not taken", refusal.detail))


def _query(query: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=100))
    except ValueError:  # more fields than any vendor sends
        return {}
