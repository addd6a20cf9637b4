"""Who is in which audience, and how a person is named there: hashed as ad platforms take it. What is exported is store/audiences.py's.

Google Customer Match (https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/get-started,
read 2026-11-27) and Meta custom audiences (https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences,
read 2026-11-27): SHA-256 in small hexadecimal of the trimmed, lower-case address. Of a phone number Google takes E.164 with its +,
Meta the digits alone with the calling code: both are kept. Dots and tags of an address stay: the two differ there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import astuple, replace

from services.route.domain.nurture import about
from services.route.domain.nurture.about import Seen
from services.route.domain.nurture.document import Nurturing
from services.route.domain.nurture.sending import Turn
from services.route.domain.nurture.state import Change, Hashes, Member, Nurtured, Suppression

ADS = "ads"  # the channel, and the purpose where the document has no such channel


def settled(turn: Turn, nurtured: Nurtured, *, exited: bool, now: int) -> Nurtured:
    """The lead with its audiences as they are now: its segments and what tracks put it into, while it consents, is known and not suppressed.

    `exited`: the document's `exit` holds, so tracks put it nowhere any more.
    """
    if exited and nurtured.added:
        nurtured = replace(nurtured, added=())
    wanted = (*nurtured.facts.segments, *nurtured.added)
    if not wanted and not nurtured.member_of:
        return nurtured
    hashes = _who(turn.doc, Seen(nurtured).profile, turn.suppressed, now) if wanted else None
    is_in = dict.fromkeys(wanted, hashes) if hashes is not None else {}
    if is_in == nurtured.member_of:
        return nurtured
    part = turn.changes.part
    for name, as_whom in nurtured.member_of.items():
        if is_in.get(name) != as_whom:
            turn.changes.changes[Member("audience", name, turn.lead_id, astuple(as_whom))] = Change(False, now, part)
    for name, as_whom in is_in.items():
        if nurtured.member_of.get(name) != as_whom:
            turn.changes.changes[Member("audience", name, turn.lead_id, astuple(as_whom))] = Change(True, now, part)
    return replace(nurtured, member_of=is_in)


def hashed(profile: Mapping[str, Any]) -> Hashes:
    """A person as ad platforms take them."""
    email, phone = about.at(profile, ("email", "address")), about.at(profile, ("phone", "e164"))
    if not isinstance(email, str) or about.at(profile, ("email", "kind")) == "invalid":
        email = ""
    if not isinstance(phone, str):
        phone = ""
    return Hashes(_sha256(email.strip().lower()), _sha256(phone), _sha256(phone.lstrip("+")))


def _who(doc: Nurturing, profile: Mapping[str, Any], suppressed: Any, now: int) -> Hashes | None:
    channel = doc.channels.get(ADS)
    purpose = channel.consent if channel is not None and channel.consent is not None else ADS
    if not about.consents(profile, purpose) or profile.get("test") is True:
        return None
    hashes = hashed(profile)
    if hashes == Hashes() or _is_suppressed(suppressed(), now):
        return None
    return hashes


def _is_suppressed(suppressed: Sequence[Suppression], now: int) -> bool:
    return any(one.at <= now and one.channel in ("", ADS) for one in suppressed)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if text else ""
