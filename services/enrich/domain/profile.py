"""A lead's profile and touches out of what its events claim. Pure, and free of the order of arrival: each field is a maximum."""

from __future__ import annotations

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
        claims = dict(claims)
        for field, said in facts.claims.items():
            known = claims.get(field)
            if known is None or known.rank < (said.trust, at, event_id):
                claims[field] = Claim(said.trust, at, event_id, said.source, said.value)
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
    sources: dict[str, str] = {}
    flat: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    custom: dict[str, Any] = {}
    for field, claim in sorted(claims.items()):
        group, dot, rest = field.partition(".")
        if not dot:
            flat[field] = claim.value
        elif group == "custom":
            custom[rest] = claim.value
            continue  # one source for each would double what a form with many own fields says
        else:
            groups.setdefault(group, {})[rest] = claim.value
        sources[field] = claim.source
    email, phone = flat.pop("email", None), flat.pop("phone", None)
    name = groups.get("name")
    if name and "full" not in name and ("given" in name or "family" in name):
        name["full"] = " ".join(name[part] for part in ("given", "family") if part in name)
    company, job = groups.get("company"), groups.get("job")
    return Profile(
        email=Email(**email) if email else None,
        phone=Phone(**phone) if phone else None,
        name=Name(**name) if name else None,
        company=Company(**company) if company else None,
        job=Job(**job) if job else None,
        consent={purpose: claim.consent for purpose, claim in sorted(state.consents.items())} or None,
        user_ids=dict(sorted(state.users.items())) or None,
        custom=custom or None,
        sources=sources or None,
        **flat,
    )
