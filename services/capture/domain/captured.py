"""A submission to the record on leads.captured.v1: its time corrected, its id, its key and partition. What no service could attach to anybody is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from services.capture.domain import aliases, clean
from services.capture.domain.verdict import BROWSER, Arrival, Refused, Submission
from shared import cloudevent, contracts, ids, topology
from shared.disposable import is_disposable
from shared.message import Message
from shared.outcome import Reason

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_FEWEST_DIGITS = 5  # fewer are no phone number anywhere
_FASTEST_SECONDS = 2.0  # two fields and a click take a person longer
_MOST_DIGITS, _SECONDS_DIGITS = 13, 11  # of milliseconds, and of seconds, since 1970
_LONGEST_NAME = 200  # characters, as the services behind take them
_LONGEST_ID = 300  # characters


class Scribe:
    """Writes down submissions of one installation: knows its secret and how many partitions its topics have."""

    __slots__ = ("_new_id", "_partitions", "_place", "_remembered_place")

    def __init__(self, *, secret: bytes, partitions: int, new_id: Callable[[], str]) -> None:
        self._partitions = partitions
        self._new_id = new_id

        # The key of a person and its partition (an HMAC and a hash in Python), and whether the address is one to throw away: the
        # same people come again and again.
        def place(identifier: str) -> tuple[bytes, int, bool]:
            key = ids.person_key(secret, identifier).encode()
            disposable = identifier.startswith("email:") and is_disposable(identifier.rpartition("@")[2])
            return key, ids.partition(key, partitions), disposable

        self._place = place
        self._remembered_place = lru_cache(maxsize=20_000)(place)

    def captured(self, found: Submission, arrival: Arrival) -> Message | Refused:
        """The record of `found`, or why there can't be one. A submission without a name of its own gets a new id."""
        identifier = strongest(found, arrival.property)
        if identifier is None:
            detail = "The event names nobody. Send an e-mail address, a phone number, a user id or an anonymous id."
            return Refused(Reason.NO_IDENTIFIER, detail)
        if len(found.name) > _LONGEST_NAME:
            where = "/event" if found.kind == "track" else "/name"
            return Refused(Reason.INVALID, f"The name has more than {_LONGEST_NAME} characters.", where)
        for id_, where in ((found.user_id, "/userId"), (found.anonymous_id, "/anonymousId")):
            if id_ is not None and len(id_) > _LONGEST_ID:
                return Refused(Reason.INVALID, f"The id has more than {_LONGEST_ID} characters.", where)
        occurred_at = arrival.received_at
        # A page's clock may say anything: it counts where the page says what it shows now, too.
        if found.timestamp is not None and (found.sent_at is not None or arrival.via != BROWSER):
            moment = corrected(found.timestamp, found.sent_at, arrival.received_at)
            if isinstance(moment, Refused):
                return moment
            occurred_at = moment
        short = len(identifier) <= clean.LONGEST_REMEMBERED
        key, part, disposable = self._remembered_place(identifier) if short else self._place(identifier)
        event_id = ids.submission_id(arrival.property, found.client_id) if found.client_id else self._new_id()
        event = contracts.Captured(
            event_id=event_id,
            property=arrival.property,
            kind=found.kind,
            name=found.name,
            occurred_at=occurred_at,
            received_at=arrival.received_at,
            anonymous_id=found.anonymous_id,
            user_id=found.user_id,
            traits=found.traits,
            properties=found.properties,
            context=contracts.Context(
                page=found.page,
                campaign=found.campaign,
                click_ids=found.click_ids,
                ip=found.ip,
                user_agent=found.user_agent,
                locale=found.locale,
                timezone=found.timezone,
                country=found.country,
                marks=_marks(found, arrival.received_at, disposable=disposable),
            ),
            consent=found.consent,
            history=found.history or None,
            property_country=arrival.country,
        )
        value = contracts.encode(event)
        # Traits and properties were looked through already. What surrounds them can only hold a text too long where the whole is long.
        if len(value) > clean.LONGEST_TEXT and (flaw := _flaw_around(event)) is not None:
            return flaw
        headers = cloudevent.headers(
            event_id=event_id, type_="lead.captured", source="capture", time=_time(arrival.received_at)
        )
        return Message(topology.CAPTURED.name, part, key, value, headers, event_id)

    def erasure(self, subject: str, message_id: str, arrival: Arrival) -> Message:
        """The record on leads.privacy.v1 by which the person with this key is to be erased."""
        event_id = ids.submission_id(arrival.property, message_id)
        event = contracts.Privacy(event_id=event_id, subject=subject, kind="erase", requested_at=arrival.received_at)
        headers = cloudevent.headers(
            event_id=event_id, type_="lead.privacy", source="capture", time=_time(arrival.received_at)
        )
        key = subject.encode()
        part = ids.partition(key, self._partitions)
        return Message(topology.PRIVACY.name, part, key, contracts.encode(event), headers, event_id)

    def person(self, user_id: str, property_: str) -> str:
        """The key of the person whom a property knows by this id."""
        return self._place(f"user:{property_}:{user_id}")[0].decode()

    def dead(self, why: Refused, original: bytes, arrival: Arrival) -> Message:
        """The dead letter of an event that was refused at the door: what came, why, when. Its place is the door itself."""
        event_id = self._new_id()
        key = event_id.encode()
        event = contracts.Dead(
            event_id=event_id,
            service="capture",
            reason=why.reason.value,
            detail=why.detail,
            place=contracts.Place(topic="http", partition=0, offset=0),
            at=arrival.received_at,
            value=original,
            headers=[("property", arrival.property.encode())],
        )
        headers = cloudevent.headers(
            event_id=event_id, type_="lead.dead", source="capture", time=_time(arrival.received_at)
        )
        part = ids.partition(key, self._partitions)
        return Message(topology.DEAD.name, part, key, contracts.encode(event), headers, event_id)


def _flaw_around(event: contracts.Captured) -> Refused | None:
    around = {"context": event.context, "consent": event.consent}
    return clean.flaw(msgspec.to_builtins(around), "", depth=1)


def strongest(found: Submission, property_: str) -> str | None:
    """The strongest identifier, normalised as far as a key needs: e-mail, phone, user id of the property, anonymous id. What is
    written as an e-mail but is none still names somebody, when nothing else does: enrich says what it is."""
    identifier = _strongest(found, found.traits, property_)
    if identifier is None and found.traits:
        # No trait under its own name: perhaps under one of its aliases.
        named = {aliases.trait(name) or name: value for name, value in reversed(found.traits.items())}
        identifier = _strongest(found, named, property_)
    return identifier


def _strongest(found: Submission, traits: dict[str, Any], property_: str) -> str | None:
    email = traits.get("email")
    if isinstance(email, str):
        email = email.strip().lower()
        if "@" in email:
            return "email:" + email
    phone = traits.get("phone")
    if type(phone) is int:
        phone = str(phone)
    if isinstance(phone, str):
        digits = "".join(filter(str.isdecimal, phone))
        if len(digits) >= _FEWEST_DIGITS:
            return "phone:" + digits
    if found.user_id and (user_id := found.user_id.strip()):
        return f"user:{property_}:{user_id}"
    if found.anonymous_id and (anonymous_id := found.anonymous_id.strip()):
        return "anonymous:" + anonymous_id
    return "email:" + email if isinstance(email, str) and email else None


def corrected(timestamp: str, sent_at: str | None, received_at: datetime) -> datetime | Refused:
    """When it happened by our clock. As Segment does: received_at - (sentAt - timestamp), since a client's clock may be wrong but
    runs at the right speed. Nothing happens after it was received; a time without a zone is UTC."""
    happened = _moment(timestamp)
    if happened is None:
        detail = "The time is not RFC 3339. Example: 2026-03-01T09:30:00.000Z."
        return Refused(Reason.INVALID, detail, "/timestamp")
    if sent_at is not None:
        sent = _moment(sent_at)
        if sent is None:
            return Refused(Reason.INVALID, "`sentAt` is not RFC 3339. Example: 2026-03-01T09:30:00.000Z.", "/sentAt")
        try:
            happened = received_at - (sent - happened)
        except OverflowError:
            return _out_of_range()
    if happened < _EARLIEST:
        return _out_of_range()
    return min(happened, received_at)


def _marks(found: Submission, received_at: datetime, *, disposable: bool) -> list[str] | None:
    """What was noticed: of the sender, of the time that the form took, of the address. Never a reason to drop anything."""
    marks = found.marks
    if found.rendered_at is not None and _too_fast(found.rendered_at, found.sent_at or found.timestamp, received_at):
        marks += ("too-fast",)
    if disposable:
        marks += ("disposable",)
    return list(marks) if marks else None


def _too_fast(rendered_at: str, sent_at: str | None, received_at: datetime) -> bool:
    """Whether a form was sent sooner after it was shown than a person can fill it in. By the client's clock where it tells both; by ours
    a clock that is wrong gives a time that says nothing, before zero or long."""
    shown = _instant(rendered_at)
    sent = _instant(sent_at) if sent_at else None
    if sent is None:
        sent = received_at.timestamp()
    return shown is not None and 0 <= sent - shown < _FASTEST_SECONDS


def _instant(text: str) -> float | None:
    """A moment as scripts write it, milliseconds or seconds since 1970 or RFC 3339, in seconds."""
    if text.isascii() and text.isdecimal():
        return int(text) / (1000 if len(text) > _SECONDS_DIGITS else 1) if len(text) <= _MOST_DIGITS else None
    moment = _moment(text)
    return moment.timestamp() if moment is not None else None


def _out_of_range() -> Refused:
    return Refused(Reason.INVALID, "The time is before 1970.", "/timestamp")


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=8)
def _time(at: datetime) -> str:
    """shared.clock.text, at a third of its price."""
    return at.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
