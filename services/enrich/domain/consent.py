"""Consent of a lead out of what its events say: who said it is kept, so that one's yes never undoes another's no. Pure, and free of the order of arrival.

A word counts for each identifier that its event names; where it names nobody (a visitor's), for everybody whose it turns out to be. Of each of
them the latest word on a purpose counts, and over all of one lead the strictest of these.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.enrich.domain.world import ConsentClaim, Consents, Happened, Rank
from shared.contracts import Consent, ConsentGiven

_ANYBODY = ""  # said by a visitor; or kept while what was said was kept by purpose alone


def heard(consents: Consents, happened: Happened, given: ConsentGiven) -> Consents:
    """With what one more event says. Of words of one instant a withdrawal counts, then the greater event id."""
    consents = dict(consents)
    for purpose, yes in given.purposes.items():
        said = consents.get(purpose, {})
        said = {_ANYBODY: said} if isinstance(said, ConsentClaim) else dict(said)
        claim = ConsentClaim(
            happened.event_id,
            Consent(given=yes, at=happened.at, text=given.text, version=given.version, basis=given.basis),
        )
        for who in happened.persons or (_ANYBODY,):
            if who not in said or _lateness(said[who]) < _lateness(claim):
                said[who] = claim
        consents[purpose] = said
    return consents


def strictest(consents: Consents) -> dict[str, ConsentClaim]:
    """By purpose the word that counts: a no before a yes, of the same answers the later, then the greater event id."""
    return {
        purpose: said if isinstance(said, ConsentClaim) else max(_latest(said), key=_strictness)
        for purpose, said in consents.items()
    }


def _latest(said: Mapping[str, ConsentClaim]) -> list[ConsentClaim]:
    """The latest word of each who is named: their own, or anybody's that is later."""
    anybody = said.get(_ANYBODY)
    if anybody is None:
        return list(said.values())
    named = [claim for who, claim in said.items() if who != _ANYBODY]
    return [max(claim, anybody, key=_lateness) for claim in named] or [anybody]


def _lateness(claim: ConsentClaim) -> tuple[object, bool, str]:
    return claim.consent.at, not claim.consent.given, claim.event_id


def _strictness(claim: ConsentClaim) -> tuple[bool, Rank]:
    return not claim.consent.given, (claim.consent.at, claim.event_id)
