"""Who did what, by the rules as one would say them: the whole set of events at once, no store, no order. For tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from services.enrich.domain.world import Happened


def people(events: Iterable[Happened]) -> set[frozenset[str]]:
    """The events grouped by person; visitors' are not in it."""
    happened = sorted(events, key=lambda one: one.rank)

    def first(having: str, value: str, other: str, property_: str | None = None) -> str | None:
        """What was first seen together with this identifier."""
        for one in happened:
            fits = property_ is None or one.facts.property == property_
            if getattr(one, having) == value and getattr(one, other) is not None and fits:
                return str(getattr(one, other))
        return None

    def person_of_user(user: str) -> str:
        email = first("user", user, "email")
        property_ = user.split("\x1f")[1]
        return email if email is not None and first("email", email, "user", property_) == user else user

    def person_of_phone(phone: str) -> str:
        for one in happened:
            if one.phone == phone and (one.email or one.user):
                return one.email or person_of_user(str(one.user))
        return phone

    def person(one: Happened) -> str | None:
        if one.email:
            return one.email
        if one.user:
            return person_of_user(one.user)
        return person_of_phone(one.phone) if one.phone else None

    groups: dict[str, set[str]] = {}
    for one in happened:
        who = person(one)
        if who is None:
            identified = [other for other in happened if other.cookie == one.cookie and person(other) is not None]
            before = [other for other in identified if other.rank < one.rank]
            if before:
                who = person(before[-1])
            elif identified:
                start = identified[0]
                history = [
                    other
                    for other in happened
                    if other.cookie == one.cookie
                    and other.rank < start.rank
                    and other.at >= start.at - timedelta(days=90)
                ]
                who = person(start) if one in history[-500:] else None
        if who is not None:
            groups.setdefault(who, set()).add(one.event_id)
    return {frozenset(group) for group in groups.values()}
