"""Asked again at the moment of sending, since a step may have been told hours ago: may this still be sent, and now?"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from services.route.domain.mail.heard import Kind, Mail
from services.route.domain.nurture import about, limits
from services.route.domain.nurture.about import Seen
from services.route.domain.nurture.document import Nurturing
from services.route.domain.nurture.sending import UNSUBSCRIBED
from services.route.domain.nurture.state import Nurtured, Suppression
from shared import mail_link


class Known(Struct, frozen=True):
    """What is known of the one who would get it: nurture's state of the lead (of the one that it is now), and what is suppressed for it and its
    address."""

    nurtured: Nurtured | None
    suppressed: Sequence[Suppression]


class No(Struct, frozen=True):
    """It is not sent any more, and why."""

    why: str


class Later(Struct, frozen=True):
    """It is not sent before that moment (milliseconds since 1970)."""

    at: int


class _Profile(Struct, frozen=True):
    profile: dict[str, object] = {}


_profile = msgspec.json.Decoder(_Profile).decode


def ask(doc: Nurturing, mail: Mail, known: Known, *, now: int) -> No | Later | None:
    """None where it may be sent now. An owner's notice is stopped by nothing but an address that takes no mail."""
    asked_for = mail.kind in (Kind.MAGNET, Kind.TEST)
    for one in known.suppressed:
        if one.channel not in ("", mail_link.EMAIL, f"{mail_link.TRACK}{mail.track}"):
            continue
        if one.why == UNSUBSCRIBED and mail.kind is not Kind.NURTURE:
            continue
        return No(f"suppressed: {one.why}")
    if asked_for or mail.kind is Kind.NOTICE:
        return None
    nurtured = known.nurtured
    is_known = nurtured is not None and nurtured.facts.version >= 0
    profile = Seen(nurtured).profile if nurtured is not None and is_known else _profile(mail.data).profile
    channel = doc.channels.get(mail_link.EMAIL)
    if channel is not None and channel.consent is not None and not about.consents(profile, channel.consent):
        return No(f"no consent: {channel.consent}")
    if nurtured is not None and is_known and doc.exit is not None and doc.exit.holds(Seen(nurtured)):
        return No(f"exited: {nurtured.facts.stage}")
    open_at = limits.open_at(doc.quiet, about.zone_of(profile, doc.zone), now)
    return Later(open_at) if open_at > now else None
