"""Whose the events of a cookie are that name nobody: the rule. Pure, and free of the order of arrival.

Such an event is of the last person identified on the cookie at or before it. What came before the first identification is
the history of that first person: of 90 days, and the 500 latest events of it. The rest stays a visitor's.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from services.enrich.domain.world import Changes, Happened, Rank, Visits, World

_NO_VISITS = Visits(datetime.min.replace(tzinfo=UTC))
HISTORY_DAYS = 90
HISTORY_EVENTS = 500


def visited(world: World, changes: Changes, happened: Happened) -> None:
    """One more event on its cookie, for who looks at these later in the batch: all of them are known, or none is."""
    on = "visits", happened.cookie
    visits: Visits | None = world.get(on) if ("identifier", happened.cookie) in world else _NO_VISITS
    if visits is not None:
        changes[on] = Visits(visits.since, (*visits.events, happened.event_id))


def history(first: Rank, visits: Sequence[Rank]) -> list[Rank]:
    """Those of `visits` (sorted) that are the history of the person who was first identified on their cookie at `first`."""
    oldest = oldest_of_history(first[0])
    before = [visit for visit in visits if visit < first and visit[0] >= oldest]
    return before[-HISTORY_EVENTS:]


def oldest_of_history(first_at: datetime) -> datetime:
    """How far back a history reaches; times before the calendar begins are its beginning."""
    try:
        return first_at - timedelta(days=HISTORY_DAYS)
    except OverflowError:
        return datetime.min.replace(tzinfo=first_at.tzinfo)


def govern(identified: Sequence[tuple[Rank, str]], visits: Sequence[Rank]) -> dict[Rank, str | None]:
    """For each of `visits` (sorted) the identifier whose person it is of, by the identifications (sorted) on their cookie; or None."""
    if not identified:
        return dict.fromkeys(visits)
    ranks = [rank for rank, _ in identified]
    joined = set(history(ranks[0], visits))
    governed: dict[Rank, str | None] = {}
    for visit in visits:
        place = bisect_right(ranks, visit)
        if place:
            governed[visit] = identified[place - 1][1]
        else:
            governed[visit] = identified[0][1] if visit in joined else None
    return governed
