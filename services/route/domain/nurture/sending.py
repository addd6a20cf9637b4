"""Whether something is sent at this moment, and the record that says so. When a step's moment comes is steps.py's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from services.route.domain.nurture import about, limits
from services.route.domain.nurture.about import Seen
from services.route.domain.nurture.document import Content, Nurturing, Send
from services.route.domain.nurture.recalled import Remembered
from services.route.domain.nurture.state import Enrolment, Nurtured, Sent, Suppression
from services.route.domain.nurture.telling import Changes, Skip, Told, moved_id, rendering, step_id
from shared.clock import from_ms
from shared.mail_link import TRACK

UNSUBSCRIBED = "unsubscribed"  # the one suppression that what was asked for passes


class Turn(Struct, frozen=True):
    """One decision about one lead: under which document, what may never be sent to it, and what comes of it."""

    doc: Nurturing
    lead_id: str
    changes: Changes
    suppressed: Callable[[], Sequence[Suppression]]  # asked only when something would be sent
    told: Callable[[str], Remembered | None] | None = None  # in a rebuild: what the topic tells of a step, by event id
    waits: bool = False  # in a rebuild: what is not told of waits until everything is read again


def step(turn: Turn, nurtured: Nurtured, enrolment: Enrolment, what: Send, *, now: int) -> tuple[Nurtured, int | None]:
    """A step whose moment is `now`: sent or skipped, or moved to the time that is returned."""
    content = turn.doc.content[what.content]
    seen = Seen(nurtured)
    open_at = limits.open_at(turn.doc.quiet, about.zone_of(seen.profile, turn.doc.zone), now)
    told = _told(turn, nurtured, enrolment, content, now=now)
    if open_at > now:
        waits = {"event_id": moved_id(enrolment.id, enrolment.step, open_at), "due_at": from_ms(open_at)}
        turn.changes.tell(replace(told, **waits, skipped=Skip.QUIET))
        return nurtured, open_at
    no = (
        _unless(what, seen)
        or refusal(turn, nurtured, seen.profile, content, now=now, track=enrolment.track)
        or _over(turn, nurtured, content, now)
    )
    if no is not None:
        turn.changes.tell(replace(told, skipped=no[0], because=no[1]))
        return nurtured, None
    turn.changes.tell(sent(turn, nurtured, seen.profile, told, content))
    counts = (*limits.still(nurtured.sent, now), Sent(now, content.channel))
    return noted(replace(nurtured, sent=counts), content), None


def open_at(turn: Turn, nurtured: Nurtured, *, now: int) -> int:
    """The first moment from `now` on at which the lead may be sent something."""
    return limits.open_at(turn.doc.quiet, about.zone_of(Seen(nurtured).profile, turn.doc.zone), now)


def refusal(
    turn: Turn,
    nurtured: Nurtured,
    profile: Mapping[str, Any],
    content: Content,
    *,
    now: int,
    asked_for: bool = False,
    track: str = "",
) -> tuple[Skip, str | None] | None:
    """Why a channel may not be used for this person now, whatever the limits: no consent, suppressed, or nothing to send to.

    What somebody asked for needs no consent, and passes an unsubscription, which is about what nobody asked for.
    """
    channel = turn.doc.channels[content.channel]
    if channel.consent is not None and not asked_for and not about.consents(profile, channel.consent):
        return Skip.NO_CONSENT, channel.consent
    if address_of(turn.doc, profile, content) is None and channel.field is not None:
        return Skip.NO_FIELD, ".".join(("profile", *channel.field))
    for one in turn.suppressed():
        if (
            one.at <= now
            and one.channel in ("", channel.id, f"{TRACK}{track}")
            and not (asked_for and one.why == UNSUBSCRIBED)
        ):
            return Skip.SUPPRESSED, one.why
    return None


def address_of(doc: Nurturing, profile: Mapping[str, Any], content: Content) -> str | None:
    """Where it is sent to; an e-mail address that is none is no address."""
    field = doc.channels[content.channel].field
    if field is None or about.at(profile, (*field[:-1], "kind")) == "invalid":
        return None
    found = about.at(profile, field)
    return found if isinstance(found, str) and found else None


def sent(turn: Turn, nurtured: Nurtured, profile: Mapping[str, Any], told: Told, content: Content) -> Told:
    """The record of something that is sent, with all that a sender needs."""
    return replace(
        told,
        address=address_of(turn.doc, profile, content),
        subject=content.subject,
        template=content.template,
        audience=content.audience,
        stage=nurtured.facts.stage,
        profile=rendering(nurtured),
    )


def noted(nurtured: Nurtured, content: Content) -> Nurtured:
    """The lead once it has seen this."""
    if content.id not in nurtured.seen:
        nurtured = replace(nurtured, seen=(*nurtured.seen, content.id))
    if content.audience is not None and content.audience not in nurtured.added:
        nurtured = replace(nurtured, added=(*nurtured.added, content.audience))
    return nurtured


def _told(turn: Turn, nurtured: Nurtured, enrolment: Enrolment, content: Content, *, now: int) -> Told:
    return Told(
        event_id=step_id(enrolment.id, enrolment.step),
        enrolment_id=enrolment.id,
        lead_id=turn.lead_id,
        track=enrolment.track,
        step=enrolment.step,
        at=from_ms(now),
        content=content.id,
        channel=content.channel,
        due_at=from_ms(enrolment.since),
    )


def _unless(what: Send, seen: Seen) -> tuple[Skip, str | None] | None:
    if what.unless is not None and what.unless.holds(seen):
        return Skip.UNLESS, what.unless.condition.source
    return None


def _over(turn: Turn, nurtured: Nurtured, content: Content, now: int) -> tuple[Skip, str | None] | None:
    cap = limits.cap_reached(turn.doc.limits, nurtured.sent, channel=content.channel, now=now)
    return (Skip.CAP, cap) if cap is not None else None
