"""What is notable about a lead just now: windows over the stream of activities, and what is said of them. No Kafka, no clock.

A window that hops is a sum of panes: panes of a minute make ten minutes that move on each minute. A tumbling window is one pane. What is
on an enriched record is all that is known: leads, not anonymous visitors, and no network address; so bursts are told by property, by the
campaign's source and by the domain of a business mail. What is kept is bounded: past the bound the windows used least recently are forgotten.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

K = TypeVar("K")
V = TypeVar("V")

SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS

SIGNALS: Mapping[str, str] = {
    "velocity": "activities of the lead within ten minutes, which hop on by a minute",
    "inhuman_speed": "activities of the lead within ten seconds, which tumble",
    "property_burst": "people on the lead's property within this minute, as a multiple of the ten minutes before it",
    "source_burst": "people from the same campaign source within this minute, as a multiple of the ten minutes before it",
    "domain_burst": "people with the same business mail domain within this minute, as a multiple of the ten minutes before it",
}
VELOCITY_MS, PANE_MS = 10 * MINUTE_MS, MINUTE_MS
SPEED_MS = 10 * SECOND_MS
LATEST_MS = 10 * MINUTE_MS  # an activity that happened longer before its record says nothing of now
LEAST_VELOCITY, LEAST_SPEED, LEAST_BURST = 3, 8, 5.0
LEAST_PEOPLE = {"property_burst": 50, "source_burst": 30, "domain_burst": 5}
LIFE_MS = {"inhuman_speed": HOUR_MS}
USUAL_LIFE_MS = 10 * MINUTE_MS
MOST_LEADS, MOST_GROUPS = 20_000, 2_000
MOST_PER_PANE = 1_000  # people or activities; then it is full


class Seen(NamedTuple):
    """One activity as its record tells it. Times are milliseconds: when it happened, and the record's own, by Kafka's clock."""

    lead_id: str
    activity_id: str
    kind: str
    property: str
    source: str
    domain: str  # of a business mail, else empty
    at: int
    now: int


@dataclass(frozen=True, slots=True)
class Noted:
    """A signal: what is notable about a lead from `at` to `expires_at` (milliseconds)."""

    lead_id: str
    name: str
    value: float
    at: int
    expires_at: int


def pane(at: int, size: int) -> int:
    """The number of the pane (or tumbling window) of this size that a moment is in. It begins at its number times the size."""
    return at // size


def hopping(at: int, size: int, step: int) -> range:
    """The panes of the hopping window that ends with the pane of `at`: the last size/step."""
    last = pane(at, step)
    return range(last - size // step + 1, last + 1)


Panes = dict[int, set[str]]


def put(panes: Panes, number: int, member: str) -> None:
    """Counts a member in a pane, once, as long as there is room."""
    members = panes.setdefault(number, set())
    if len(members) < MOST_PER_PANE:
        members.add(member)


def count(panes: Panes, numbers: range) -> int:
    """How many are in these panes; who is in two of them counts twice."""
    return sum(len(panes[number]) for number in numbers if number in panes)


def forget(panes: Panes, before: int) -> None:
    """Drops the panes before this one."""
    for number in [number for number in panes if number < before]:
        del panes[number]


def burst(panes: Panes, at: int, *, known_since: int) -> float:
    """How many times as many people are in this minute as in a minute of the ten before it (at least one); 0 while fewer than five
    minutes before it are known, since then nobody can tell what is usual."""
    here = pane(at, MINUTE_MS)
    known = min(10, here - pane(known_since, MINUTE_MS) - 1)
    if known < 5:
        return 0.0
    usual = count(panes, range(here - known, here)) / known
    return round(len(panes.get(here, ())) / max(1.0, usual), 2)


class _Lead:
    """The windows of one lead, what was said of it last, and in which hours it was counted as what."""

    __slots__ = ("counted", "minutes", "said", "tens")

    def __init__(self) -> None:
        self.minutes: Panes = {}
        self.tens: Panes = {}
        self.said: dict[str, Noted] = {}
        self.counted: set[tuple[int, str, str]] = set()


class Windows:
    """All windows of one worker. `take` changes them; what it answers depends on what it was given alone."""

    __slots__ = ("_groups", "_known_since", "_leads", "funnel")

    def __init__(self) -> None:
        self._leads: OrderedDict[str, _Lead] = OrderedDict()
        self._groups: OrderedDict[tuple[str, str], Panes] = OrderedDict()
        self._known_since: int | None = None
        # People by hour, property and kind of activity, each once an hour.
        self.funnel: dict[tuple[int, str, str], int] = {}

    def take(self, seen: Seen) -> list[Noted]:
        """What is new to say of the lead whose activity this is."""
        at = min(seen.at, seen.now)
        if self._known_since is None or seen.now < self._known_since:
            self._known_since = seen.now
        if at < seen.now - LATEST_MS:
            return []
        lead = _latest_of(self._leads, seen.lead_id, MOST_LEADS, _Lead)
        put(lead.minutes, pane(at, PANE_MS), seen.activity_id)
        put(lead.tens, pane(at, SPEED_MS), seen.activity_id)
        forget(lead.minutes, pane(seen.now - VELOCITY_MS, PANE_MS))
        forget(lead.tens, pane(seen.now - MINUTE_MS, SPEED_MS))
        self._count(lead, seen)
        values: dict[str, float] = {
            "velocity": count(lead.minutes, hopping(seen.now, VELOCITY_MS, PANE_MS)),
            "inhuman_speed": max(map(len, lead.tens.values()), default=0),
        }
        notable = {
            name
            for name, least in (("velocity", LEAST_VELOCITY), ("inhuman_speed", LEAST_SPEED))
            if values[name] >= least
        }
        for name, key in (
            ("property_burst", seen.property),
            ("source_burst", seen.source),
            ("domain_burst", seen.domain),
        ):
            if key:
                panes = _latest_of(self._groups, (name, key), MOST_GROUPS, dict)
                put(panes, pane(at, MINUTE_MS), seen.lead_id)
                forget(panes, pane(seen.now, MINUTE_MS) - 11)
                values[name] = burst(panes, seen.now, known_since=self._known_since)
                if values[name] >= LEAST_BURST and len(panes.get(pane(seen.now, MINUTE_MS), ())) >= LEAST_PEOPLE[name]:
                    notable.add(name)
        return list(_news(lead, seen, values, notable))

    def _count(self, lead: _Lead, seen: Seen) -> None:
        hour = pane(seen.now, HOUR_MS)
        step = (hour, seen.property, seen.kind)
        if step not in lead.counted:
            lead.counted = {one for one in lead.counted if one[0] == hour} | {step}
            for old in [one for one in self.funnel if one[0] < hour]:
                del self.funnel[old]
            if step in self.funnel or len(self.funnel) < MOST_GROUPS:
                self.funnel[step] = self.funnel.get(step, 0) + 1


def _latest_of(kept: OrderedDict[K, V], key: K, most: int, make: Callable[[], V]) -> V:
    """What is kept under a key, or something new; the one used least recently goes where there is no room."""
    found = kept.get(key)
    if found is None:
        if len(kept) >= most:
            kept.popitem(last=False)
        found = kept[key] = make()
    else:
        kept.move_to_end(key)
    return found


def _news(lead: _Lead, seen: Seen, values: Mapping[str, float], notable: set[str]) -> Iterator[Noted]:
    """What is said: what is new, has grown (from 20 on by half), or would be stale in half of its life."""
    for name in sorted(notable):
        value, life = values[name], LIFE_MS.get(name, USUAL_LIFE_MS)
        before = lead.said.get(name)
        if before is not None and seen.now < before.expires_at - life // 2:
            grown = before.value if before.value < 20 else before.value * 1.5
            if value <= grown:
                continue
        lead.said[name] = Noted(seen.lead_id, name, value, seen.now, seen.now + life)
        yield lead.said[name]
