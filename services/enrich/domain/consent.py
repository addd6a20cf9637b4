"""Consent of a lead out of what its events say: who said it is kept, so that one's yes never undoes another's no. Pure, and free of the order of arrival.

A word counts for each identifier that its event names; where it names nobody (a visitor's), for everybody whose it turns out to be. Of each of
them the latest word on a purpose counts, and over all of one lead the strictest of these.

So that nobody can fill a lead with words, of each purpose and identifier the `WORDS` latest count, and a profile shows the `PURPOSES` of these on which
was said something last; of one event as many are read. What is forgotten was not given. The whole of a long text stays with its event.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from services.enrich.domain.world import ConsentClaim, Consents, Happened, Rank
from shared.contracts import Consent, ConsentGiven

WORDS, PURPOSES = 200, 30
_LONGEST_TEXT, _LONGEST_NAME = 1_000, 100  # characters of the text that was agreed to; of a purpose, a version, a basis
_ANYBODY = ""  # said by a visitor; or kept while what was said was kept by purpose alone


def heard(consents: Consents, happened: Happened, given: ConsentGiven) -> Consents:
    """With what one more event says. Of words of one instant a withdrawal counts, then the greater event id."""
    consents = dict(consents)
    text, version, basis = given.text, given.version, given.basis
    if text is not None and len(text) > _LONGEST_TEXT:
        text = text[:_LONGEST_TEXT]
    if version is not None and len(version) > _LONGEST_NAME:
        version = version[:_LONGEST_NAME]
    if basis is not None and len(basis) > _LONGEST_NAME:
        basis = basis[:_LONGEST_NAME]
    for purpose, yes in islice(given.purposes.items(), PURPOSES):
        if len(purpose) > _LONGEST_NAME:
            continue
        said = consents.get(purpose, {})
        said = {_ANYBODY: said} if isinstance(said, ConsentClaim) else dict(said)
        claim = ConsentClaim(
            happened.event_id,
            Consent(given=yes, at=happened.at, text=text, version=version, basis=basis),
        )
        for who in happened.persons or (_ANYBODY,):
            if who not in said or _lateness(said[who]) < _lateness(claim):
                said[who] = claim
        consents[purpose] = said
    return _fewer(consents) if sum(map(_words, consents.values())) > WORDS else consents


def _words(said: dict[str, ConsentClaim] | ConsentClaim) -> int:
    return len(said) if isinstance(said, dict) else 1


def _fewer(consents: Consents) -> Consents:
    """The latest words."""
    words = [
        (_lateness(claim), purpose, who, claim)
        for purpose, said in consents.items()
        for who, claim in (said if isinstance(said, dict) else {_ANYBODY: said}).items()
    ]
    words.sort(key=lambda word: word[:3], reverse=True)
    fewer: dict[str, dict[str, ConsentClaim]] = {}
    for _, purpose, who, claim in words[:WORDS]:
        fewer.setdefault(purpose, {})[who] = claim
    return {**fewer}


def strictest(consents: Consents) -> dict[str, ConsentClaim]:
    """By purpose the word that counts: a no before a yes, of the same answers the later, then the greater event id."""
    counts = {
        purpose: said if isinstance(said, ConsentClaim) else max(_latest(said), key=_strictness)
        for purpose, said in consents.items()
    }
    if len(counts) <= PURPOSES:
        return counts
    return {
        purpose: counts[purpose]
        for purpose in sorted(counts, key=lambda one: (_lateness(counts[one]), one))[-PURPOSES:]
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
