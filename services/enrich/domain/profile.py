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
    sources: dict[str, str] = {}
    flat: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    for field, claim in state.claims.items():
        group, part = _PLACES.get(field) or _place(field)
        if part is None:
            flat[group] = claim.value
        elif group in groups:
            groups[group][part] = claim.value
        else:
            groups[group] = {part: claim.value}
        if group != "custom":  # one source for each would double what a form with many own fields says
            sources[field] = claim.source
    name, email, phone = groups.get("name"), flat.pop("email", None), flat.pop("phone", None)
    if name is not None and "full" not in name and ("given" in name or "family" in name):
        name["full"] = " ".join([name[part] for part in ("given", "family") if part in name])
    company, job = groups.get("company"), groups.get("job")
    return Profile(
        email=Email(**email) if email else None,
        phone=Phone(**phone) if phone else None,
        name=Name(**name) if name else None,
        company=Company(**company) if company else None,
        job=Job(**job) if job else None,
        consent={purpose: claim.consent for purpose, claim in state.consents.items()} if state.consents else None,
        user_ids=state.users or None,
        custom=groups.get("custom"),
        sources=sources or None,
        **flat,
    )


def _place(field: str) -> tuple[str, str | None]:
    """Where in a profile a claimed field stands: `name.given` in the group `name`, `country` by itself."""
    group, dot, part = field.partition(".")
    place = (group, part if dot else None)
    if group != "custom":  # there are only so many others
        _PLACES[field] = place
    return place


_PLACES: dict[str, tuple[str, str | None]] = {}
