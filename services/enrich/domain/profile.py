"""A lead's profile and touches out of what its events claim. Pure, and free of the order of arrival: each field is a maximum."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from services.enrich.domain.world import Claim, ConsentClaim, Happened, State, TouchClaim
from shared.contracts import Company, Consent, Email, Job, Name, Phone, Profile

DIRECT = "direct"


def add(state: State, happened: Happened, users: Mapping[str, str]) -> State:
    """The state with one more event. A field is kept by trust, then recency, then event id; consent by recency, where a
    withdrawal beats a consent of the same instant. `users` are the person's user ids by property."""
    facts, at, event_id = happened.facts, happened.at, happened.event_id
    claims = state.claims
    if facts.claims:
        if claims:
            claims = dict(claims)
            for field, said in facts.claims.items():
                known = claims.get(field)
                if known is None or known.rank < (said.trust, at, event_id):
                    claims[field] = Claim(said.trust, at, event_id, said.source, said.value)
        else:
            claims = {
                field: Claim(said.trust, at, event_id, said.source, said.value) for field, said in facts.claims.items()
            }
    consents = state.consents
    if facts.consent is not None:
        consents = dict(consents)
        given = facts.consent
        for purpose, yes in given.purposes.items():
            claim = ConsentClaim(
                event_id, Consent(given=yes, at=at, text=given.text, version=given.version, basis=given.basis)
            )
            if purpose not in consents or _strictness(consents[purpose]) < _strictness(claim):
                consents[purpose] = claim
    first, last = state.first, state.last
    if facts.touch is not None:
        touch = TouchClaim(event_id, facts.touch)
        if first is None or (at, event_id) < (first.touch.at, first.event_id):
            first = touch
        if last is None or _lastness(last) < _lastness(touch):
            last = touch
    return State(claims, consents, first, last, {**state.users, **users} if users else state.users)


def fold(events: Iterable[Happened], users: Mapping[str, str]) -> State:
    """The state that these events make, in any order."""
    state = State()
    for happened in events:
        state = add(state, happened, {})
    return State(state.claims, state.consents, state.first, state.last, dict(users))


def _strictness(claim: ConsentClaim) -> tuple[Any, ...]:
    return claim.consent.at, not claim.consent.given, claim.event_id


def _lastness(claim: TouchClaim) -> tuple[Any, ...]:
    # As in GA4's last non-direct click: a direct visit never hides the channel that brought the person.
    return claim.touch.channel != DIRECT, claim.touch.at, claim.event_id


def of(state: State) -> Profile:
    """The profile as it goes out."""
    claims = state.claims
    get = claims.get
    email, phone, test = get("email"), get("phone"), get("test")
    custom = None
    if any(map(_is_custom, claims)):
        custom = {field[len(CUSTOM) :]: claim.value for field, claim in claims.items() if field.startswith(CUSTOM)}
        # One source for each would double what a form with many own fields says.
        sources = {field: claim.source for field, claim in claims.items() if not field.startswith(CUSTOM)}
    else:
        sources = {field: claim.source for field, claim in claims.items()}
    return Profile(
        email=Email(**email.value) if email is not None else None,
        phone=Phone(**phone.value) if phone is not None else None,
        name=_name(claims) if not _NAME.isdisjoint(claims) else None,
        company=_company(claims) if not _COMPANY.isdisjoint(claims) else None,
        job=Job(title=claims["job.title"].value) if "job.title" in claims else None,
        country=_value(get("country")),
        region=_value(get("region")),
        city=_value(get("city")),
        postal_code=_value(get("postal_code")),
        language=_value(get("language")),
        timezone=_value(get("timezone")),
        consent={purpose: claim.consent for purpose, claim in state.consents.items()} if state.consents else None,
        user_ids=state.users or None,
        custom=custom,
        test=True if test is not None else None,
        sources=sources or None,
    )


CUSTOM = "custom."
_is_custom = re.compile(r"custom\.").match
_NAME = frozenset(("name.full", "name.given", "name.family", "name.title"))
_COMPANY = frozenset(("company.name", "company.domain", "company.size", "company.industry"))


def _name(claims: Mapping[str, Claim]) -> Name:
    full, given, family = (_value(claims.get(field)) for field in ("name.full", "name.given", "name.family"))
    if full is None and (given is not None or family is not None):
        full = " ".join([part for part in (given, family) if part is not None])
    return Name(full=full, given=given, family=family, title=_value(claims.get("name.title")))


def _company(claims: Mapping[str, Claim]) -> Company:
    get = claims.get
    return Company(
        name=_value(get("company.name")),
        domain=_value(get("company.domain")),
        size=_value(get("company.size")),
        industry=_value(get("company.industry")),
    )


def _value(claim: Claim | None) -> Any:
    return claim.value if claim is not None else None
