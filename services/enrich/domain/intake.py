"""From a record's bytes to what happened: decoding, cleaning, naming the identifiers. Pure; whose it is, decide.py says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from services.enrich.domain import agreement, channel, claims, external, human, identity, phone, where
from services.enrich.domain.world import Facts, Happened, Said, name
from shared import clock, submission
from shared.contracts import ConsentGiven, Context, Page, Touch
from shared.outcome import Reason, Reject
from shared.stage import Input, Record

KINDS = frozenset(("form", "track", "page", "identify", "hook", "pixel"))


class _Captured(Struct):
    """lead.captured, as much as is needed of it; properties pass through unread."""

    event_id: str
    property: str
    kind: str
    name: str
    occurred_at: datetime
    anonymous_id: str | None = None
    user_id: str | None = None
    traits: dict[str, Any] | None = None
    properties: msgspec.Raw = msgspec.Raw(b"null")
    context: Context | None = None
    consent: ConsentGiven | None = None
    history: bool | None = None
    property_country: str | None = None
    received_at: datetime | None = None


_decode = msgspec.json.Decoder(_Captured).decode
_encode = msgspec.json.Encoder().encode
_decode_properties = msgspec.json.Decoder(dict[str, Any] | None).decode
_DEEPEST = 40  # levels; who reads an event after us may have less stack left
_CONTAINERS: frozenset[type] = frozenset((dict, list))
_LONGEST_NAME = 200
_EMAIL, _PHONE, _ANONYMOUS = name("email", ""), name("phone", ""), name("anonymous", "")  # names begin so


def decode(record: Record, *, locate: where.Locate = where.nowhere) -> Input | Reject:
    """The event of one record, judged by its payload alone: headers may be missing, and any key will do. `locate` knows addresses."""
    try:
        happened = read(_decode(submission.clean(record.value)), locate)
    except msgspec.ValidationError as error:
        return Reject(Reason.INVALID, str(error))  # names types and places, never values
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Reject(Reason.UNDECODABLE, "not JSON")
    if isinstance(happened, Reject):
        return happened
    return Input(happened.event_id, happened, clock.from_ms(record.timestamp_ms), record.part, record)


def read(captured: _Captured, locate: where.Locate = where.nowhere) -> Happened | Reject:
    """What happened, normalised; or why it can't be used: INVALID, or NO_IDENTIFIER when it names nobody at all."""
    kind, property_ = captured.kind, captured.property
    if kind not in KINDS:
        return Reject(Reason.INVALID, "kind is none of form, track, page, identify, hook, pixel")
    if not property_ or len(property_) > _LONGEST_NAME or not property_.isprintable():
        return Reject(Reason.INVALID, "property is empty, too long, or holds control characters")
    if not captured.event_id or len(captured.name) > _LONGEST_NAME:
        return Reject(Reason.INVALID, "event_id is empty or name is too long")
    at = _utc(captured.occurred_at)
    if at is None:
        return Reject(Reason.INVALID, "occurred_at is outside of the calendar")
    context = captured.context
    marks = context.marks if context is not None and context.marks else ()
    traits = captured.traits or {}
    reading = claims.read(
        kind=kind,
        name=captured.name,
        traits=traits,
        context=context,
        test="test" in marks,
        home=captured.property_country,
        locate=locate,
    )
    user = identity.legal(captured.user_id) if captured.user_id else None
    externals: Mapping[str, str] = reading.externals
    if user is not None and kind == "hook" and (known := external.of_user_id(user)) is not None:
        user, externals = None, {**externals, **external.told(*known)}
    externals = external.first(externals)
    anonymous = identity.legal(captured.anonymous_id) if captured.anonymous_id else None
    number = phone.identifier(reading.number) if reading.number is not None else None
    if reading.address is None and user is None and number is None and anonymous is None and not externals:
        return Reject(Reason.NO_IDENTIFIER)
    properties = _decode_properties(captured.properties)
    if _too_deep(properties) or _too_deep(traits):
        return Reject(Reason.INVALID, f"nested deeper than {_DEEPEST} levels")
    asset = properties.get("asset") if properties else None
    return Happened(
        event_id=submission.event_id(captured.property, captured.event_id),
        at=at,
        facts=Facts(
            name=captured.name,
            kind=kind,
            property=property_,
            human=human.human(marks=marks, user_agent=context.user_agent if context is not None else None),
            page=_page(context),
            asset=asset if isinstance(asset, str) else None,
            # In their own bytes, those of the record, which were looked at once here for all that read them later.
            properties=captured.properties if properties else None,
            claims=reading.claims,
            custom=reading.custom,
            consent=captured.consent,
            touch=_touch(at, context),
            history=captured.history is True,
            received_at=_utc(captured.received_at) if captured.received_at is not None else None,
            content=_content(captured, traits) if kind == "form" and captured.history is not True else 0,
        ),
        email=_EMAIL + reading.address.match if reading.address is not None else None,
        user=name("user", property_, user) if user is not None else None,
        phone=_PHONE + number if number is not None else None,
        cookie=_ANONYMOUS + anonymous if anonymous is not None else None,
        externals=tuple(sorted([external.identifier(system, id_, property_) for system, id_ in externals.items()]))
        if externals
        else (),
        called=_called(reading.claims),
    )


def _called(said: dict[str, Said]) -> str | None:
    given, family = said.get("name.given"), said.get("name.family")
    return agreement.called(given.value, family.value) if given is not None and family is not None else None


def _content(captured: _Captured, traits: dict[str, Any]) -> int:
    """A form's content as a number: which form, on which page, what was filled in and agreed to, and who sent it. Never 0."""
    context = captured.context
    page = context.page if context is not None else None
    said = (captured.property, captured.name, captured.anonymous_id, captured.user_id, page, traits, captured.consent)
    digest = blake2b(captured.properties, digest_size=6)
    digest.update(_encode(said))
    return int.from_bytes(digest.digest()) or 1


def _utc(at: datetime) -> datetime | None:
    """The moment in UTC; without a zone it is one of UTC already."""
    if at.tzinfo is UTC:
        return at
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return None


def _page(context: Context | None) -> Page | None:
    page = context.page if context is not None else None
    if page is None or (page.url is None and page.path is None and page.title is None and page.referrer is None):
        return None
    if page.path is None and page.url is not None:
        return Page(url=page.url, path=_path(page.url), referrer=page.referrer, title=page.title)
    return page


@lru_cache(maxsize=1_000)
def _path(url: str) -> str:
    """What stands between the host and the query of a URL; / for nothing."""
    scheme = url.find("://")
    begin = scheme + 3 if scheme >= 0 else 0
    for mark in "?#":
        end = url.find(mark, begin)
        if end >= 0:
            url = url[:end]
    slash = url.find("/", begin)
    return url[slash:] if slash >= 0 else "/"


def _too_deep(value: Any, levels: int = _DEEPEST) -> bool:
    """Whether a decoded value is nested deeper than so many levels."""
    inner = value.values() if type(value) is dict else value if type(value) is list else ()
    if _CONTAINERS.isdisjoint(map(type, inner)):
        return False  # nearly always
    return levels == 1 or any(_too_deep(one, levels - 1) for one in inner if type(one) in _CONTAINERS)


def _touch(at: datetime, context: Context | None) -> Touch | None:
    if context is None:
        return None
    page = context.page
    url, referrer = (page.url, page.referrer) if page is not None else (None, None)
    found = channel.channel(campaign=context.campaign, click_ids=context.click_ids, referrer=referrer, page=url)
    if found is None:
        return None
    return Touch(
        at=at,
        channel=found,
        direction=channel.direction(found),
        campaign=context.campaign,
        click_ids=context.click_ids or None,
        referrer=referrer or None,
        landing_page=url,
    )
