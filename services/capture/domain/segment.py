"""Bodies of Segment's HTTP tracking API, bytes to submissions: track, page, identify, screen, group, alias, and batches of them."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct, structs

from services.capture.domain import calls, clean, connection, reading, touch
from services.capture.domain.reading import Broken
from services.capture.domain.verdict import ANY, SERVER, Arrival, Refused, Submission
from shared.contracts import Campaign, ConsentGiven, Page
from shared.outcome import Reason

MAX_EVENT_BYTES = 32 * 1024
MAX_BATCH_EVENTS = 500
# Segment's, and one of ours: what somebody told a form once, as an import says it.
KINDS: frozenset[str] = frozenset({"track", "page", "identify", "screen", "group", "alias", "form"})


class SdkConsent(Struct, rename="camel"):
    """Segment's own form of consent (`categoryPreferences`) or ours (`purposes`)."""

    category_preferences: dict[str, bool] | None = None
    purposes: dict[str, bool] | None = None
    text: str | None = None
    version: str | None = None
    basis: str | None = None


class SdkCampaign(Struct):
    """A campaign as an SDK tells it: UTM parameters without their prefix. Its `id` is often a number; what comes after it was of no
    meaning here for long, so what is no text there is left out and not held against the event."""

    source: str | None = None
    medium: str | None = None
    name: str | None = None
    term: str | None = None
    content: str | None = None
    id: Any = None
    source_platform: Any = None
    creative_format: Any = None
    marketing_tactic: Any = None


class SdkContext(Struct, rename="camel"):
    """What an SDK tells about the surroundings; what is not here is ignored. `click_ids` is ours, for servers that know no page."""

    page: Page | None = None
    campaign: SdkCampaign | None = None
    click_ids: Any = msgspec.field(default=None, name="click_ids")
    user_agent: str | None = None
    ip: str | None = None
    locale: str | None = None
    timezone: str | None = None
    traits: dict[str, Any] | None = None
    consent: SdkConsent | None = None


class SdkEvent(Struct, rename="camel"):
    """One call of an SDK. Of the two names for the client's time, Segment sends `timestamp` and RudderStack `originalTimestamp`."""

    type: str | None = None
    write_key: str | None = None
    message_id: str | None = None
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    sent_at: str | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    group_id: str | int | None = None
    previous_id: str | int | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: SdkContext | None = None
    consent: ConsentGiven | None = None
    history: bool | None = None  # ours: the event is told of the past, as by an import


class SdkBatch(Struct, rename="camel"):
    """Many calls in one body. Events stay raw here, so that each is judged on its own; the context is for those without one."""

    batch: list[Raw]
    write_key: str | None = None
    sent_at: str | None = None
    context: SdkContext | None = None


class _Keyed(Struct, rename="camel"):
    write_key: str | None = None


_NO_ZONE = ("GMT", "NA")  # RudderStack's SDK for browsers tells how far a clock is from Greenwich (GMT+0200), or NA

_event = msgspec.json.Decoder(SdkEvent).decode
_batch = msgspec.json.Decoder(SdkBatch).decode
_keyed = msgspec.json.Decoder(_Keyed).decode


def event(body: bytes) -> SdkEvent | Refused:
    """One event, decoded. Raises Broken, and nothing else."""
    return reading.decoded(_event, clean.json_text(body))


def batch(body: bytes) -> SdkBatch | Refused:
    """A batch, its events still raw; refused when the envelope is wrong or has too many. Raises Broken, and nothing else."""
    found = reading.decoded(_batch, clean.json_text(body))
    if isinstance(found, SdkBatch) and len(found.batch) > MAX_BATCH_EVENTS:
        return Refused(Reason.TOO_LARGE, f"A batch takes at most {MAX_BATCH_EVENTS} events. Send several.", "/batch")
    return found


def write_key(body: bytes) -> str | None:
    """The write key in a body whose event is wrong elsewhere; None when there is none to be found."""
    try:
        return _keyed(body).write_key
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def of_batch(found: SdkBatch, index: int) -> tuple[SdkEvent, str] | Refused:
    """Event `index` of a batch with its kind, completed by what the batch says for all. Pointers begin at the body."""
    raw = found.batch[index]
    pointer = f"/batch/{index}"
    if memoryview(raw).nbytes > MAX_EVENT_BYTES:
        return too_large(pointer)
    try:
        one = reading.decoded(_event, raw)
    except Broken as broken:  # valid JSON all in all, yet a string in it is not
        return Refused(Reason.UNDECODABLE, str(broken), pointer)
    if isinstance(one, Refused):
        return Refused(one.reason, one.detail, pointer + one.pointer)
    if one.type not in KINDS:
        detail = "The event's `type` is not one of track, page, identify, screen, group, alias, form."
        return Refused(Reason.UNKNOWN_TYPE, detail, pointer + "/type")
    if one.sent_at is None:
        one.sent_at = found.sent_at
    if one.context is None:
        one.context = found.context
    return one, one.type


def too_large(pointer: str = "") -> Refused:
    """The answer to an event beyond the limit."""
    return Refused(Reason.TOO_LARGE, f"An event has at most {MAX_EVENT_BYTES // 1024} KiB. Send less with it.", pointer)


def submission(event: SdkEvent, kind: str, arrival: Arrival) -> Submission | Refused:
    """What the call means, or what is wrong with it."""
    traits, properties, context = event.traits or {}, event.properties or {}, event.context
    anonymous_id = _id(event.anonymous_id)
    if context is None:
        context = _NO_CONTEXT
    elif context.traits and kind != "group":
        traits = {**context.traits, **traits}
    flaw = clean.flaw(traits, "/traits") or clean.flaw(properties, "/properties")
    if flaw is not None:
        return flaw
    if kind == "track":
        if not event.event:
            return Refused(Reason.INVALID, "A track call needs the name of what happened in `event`.", "/event")
        name = event.event
    elif kind == "page":
        name = event.name or "page"
    elif kind == "identify":
        name = "identify"
    elif kind == "screen":
        kind, name, traits, properties = calls.screen(event.name, traits, properties)
    elif kind == "form":
        if event.name is None or not calls.is_form_name(event.name):
            detail = (
                "A form is called in `name` as in /v1/forms/{name}: letters, digits, dots, hyphens and underscores."
            )
            return Refused(Reason.INVALID, detail, "/name")
        name = event.name
    elif kind == "group":
        person = context.traits or {}
        flaw = clean.flaw(person, "/context/traits")
        if flaw is not None:
            return flaw
        kind, name, traits, properties = calls.group(_id(event.group_id), traits, person)
    else:
        previous = _id(event.previous_id)
        anonymous_id = anonymous_id or previous
        kind, name, traits, properties = calls.alias(previous, traits, properties)
    if event.category:
        properties = {"category": event.category, **properties}
    page = context.page
    if page is None and kind == "page":
        page = _page_of(properties)
    elif page is not None and page.referrer == "$direct":  # RudderStack's word for: there was none
        page = structs.replace(page, referrer=None)
    campaign, click_ids = touch.of_page(page.url) if page is not None else (None, None)
    if context.campaign is not None and context.campaign != _NO_CAMPAIGN:
        campaign = _campaign(context.campaign)
    if isinstance(context.click_ids, dict):
        told = {name: value for name, value in context.click_ids.items() if isinstance(value, str)}
        click_ids = {**(click_ids or {}), **told} or None
    zone = context.timezone
    # C12: the connection tells who is there. Only a server key, or a server-side library that says that it is one, speaks for somebody else.
    library = arrival.via == SERVER or (arrival.via == ANY and connection.is_library(arrival.user_agent))
    agent = context.user_agent[:1024] if library and context.user_agent else arrival.user_agent
    return Submission(
        kind=kind,
        name=name,
        client_id=event.message_id or None,
        anonymous_id=anonymous_id,
        user_id=_id(event.user_id),
        timestamp=event.timestamp or event.original_timestamp,
        sent_at=event.sent_at,
        traits=traits,
        properties=properties,
        page=page,
        campaign=campaign,
        click_ids=click_ids,
        user_agent=agent,
        ip=(connection.valid_address(context.ip) if library and context.ip else None) or arrival.ip,
        locale=context.locale,
        timezone=None if zone is not None and zone.startswith(_NO_ZONE) else zone,
        country=None if library else arrival.edge_country,
        consent=event.consent or _consent(context.consent),
        marks=("bot",) if connection.is_robot(agent) else (),
        history=event.history is True,
    )


_NO_CONTEXT = SdkContext()
_NO_CAMPAIGN = SdkCampaign()  # SDKs send an empty one with pages that came by none


def _id(value: str | int | None) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else str(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _page_of(properties: dict[str, Any]) -> Page | None:
    """A page call may describe the page in its properties only."""
    found = {name: properties[name] for name in ("url", "path", "referrer", "title") if name in properties}
    texts = {name: value for name, value in found.items() if isinstance(value, str)}
    return Page(**texts) if texts else None


def _campaign(said: SdkCampaign) -> Campaign:
    return Campaign(
        source=said.source,
        medium=said.medium,
        name=said.name,
        term=said.term,
        content=said.content,
        id=_id(said.id) if isinstance(said.id, str | int) and not isinstance(said.id, bool) else None,
        source_platform=_text(said.source_platform),
        creative_format=_text(said.creative_format),
        marketing_tactic=_text(said.marketing_tactic),
    )


def _consent(given: SdkConsent | None) -> ConsentGiven | None:
    if given is None:
        return None
    purposes = given.purposes or given.category_preferences
    if not purposes:
        return None
    return ConsentGiven(purposes=purposes, text=given.text, version=given.version, basis=given.basis)
