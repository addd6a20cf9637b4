"""Consent of a lead out of what its events say: who said it is kept, so that one's yes never undoes another's no. Pure, and free of the order of arrival.

Who said it is the strongest identifier that the event names, or its cookie where it names nobody. Of each of them the latest word on a purpose
counts, and over all of one lead the strictest of these.
"""

from __future__ import annotations

from services.enrich.domain.world import ConsentClaim, Consents, Happened, Rank
from shared.contracts import Consent, ConsentGiven

_UNKNOWN = ""  # who said what was kept by purpose alone


def heard(consents: Consents, happened: Happened, given: ConsentGiven) -> Consents:
    """With what one more event says. Of words of one instant a withdrawal counts, then the greater event id.

    A word of which it is not known who said it gives way to anybody's later one, as it did when it was kept; else it counts beside them.
    """
    consents = dict(consents)
    who = happened.person or happened.cookie or _UNKNOWN
    for purpose, yes in given.purposes.items():
        said = consents.get(purpose, {})
        said = {_UNKNOWN: said} if isinstance(said, ConsentClaim) else dict(said)
        claim = ConsentClaim(
            happened.event_id,
            Consent(given=yes, at=happened.at, text=given.text, version=given.version, basis=given.basis),
        )
        if who not in said or _lateness(said[who]) < _lateness(claim):
            said[who] = claim
        if _UNKNOWN in said and _lateness(said[_UNKNOWN]) < _lateness(claim):
            del said[_UNKNOWN]
        consents[purpose] = said
    return consents


def strictest(consents: Consents) -> dict[str, ConsentClaim]:
    """By purpose the word that counts: a no before a yes, of the same answers the later, then the greater event id."""
    return {
        purpose: said if isinstance(said, ConsentClaim) else max(said.values(), key=_strictness)
        for purpose, said in consents.items()
    }


def _lateness(claim: ConsentClaim) -> tuple[object, bool, str]:
    return claim.consent.at, not claim.consent.given, claim.event_id


def _strictness(claim: ConsentClaim) -> tuple[bool, Rank]:
    return not claim.consent.given, (claim.consent.at, claim.event_id)
