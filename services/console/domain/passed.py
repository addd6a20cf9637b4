"""What is late and what is lost: up to where everybody has read what they must have read, so that what has no end there is missing. No IO.

Enrich had read up to some offsets of leads.captured.v1 at some moment; later score has read all that stood on leads.enriched.v1 at that
moment, and later still the books have read all that stood on every topic then. What stood below those offsets and has no end in the books by
now has none: no time-out says so, and a stage that is behind makes nothing missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.stage import Place
from shared.topology import CAPTURED, DEAD, ENRICHED, SCORED

TOPICS = (CAPTURED.name, ENRICHED.name, SCORED.name, DEAD.name)
GRACE_SECONDS = (
    5.0  # a group commits its offsets while the broker may still owe it the acknowledgement of what it made of them
)
_MOST = 60  # looks that are remembered: of someone who is further behind, the oldest are enough


@dataclass(frozen=True, slots=True)
class Look:
    """Where things stood at one moment (seconds, of any one clock): the ends of TOPICS, and how far each reader had come."""

    at: float
    ends: Mapping[Place, int]
    enrich: Mapping[Place, int]
    score: Mapping[Place, int]
    books: Mapping[Place, int]


@dataclass(slots=True)
class Passed:
    """`offsets`: of each number of leads.captured.v1, up to where everything has been through all stages and the books."""

    offsets: dict[int, int] = field(default_factory=dict)
    _looks: list[Look] = field(default_factory=list)
    _enriched: list[tuple[float, Look]] = field(
        default_factory=list
    )  # at that moment enrich had read to that look's ends
    _scored: list[tuple[float, Look]] = field(default_factory=list)

    def look(self, now: Look) -> None:
        """Takes in how things stand now."""
        self._looks.append(now)
        if (read := self._covered(now.enrich, CAPTURED.name)) is not None:
            self._enriched.append((now.at, read))
        if (read := self._covered(now.score, ENRICHED.name)) is not None:
            self._scored += [(now.at, one) for one in _until(self._enriched, read.at)]
        if (read := self._covered(now.books, *TOPICS)) is not None:
            for one in _until(self._scored, read.at):
                for (topic, part), end in one.ends.items():
                    if topic == CAPTURED.name:
                        self.offsets[part] = max(end, self.offsets.get(part, 0))
        for remembered in (self._looks, self._enriched, self._scored):
            del remembered[:-_MOST]

    def _covered(self, read: Mapping[Place, int], *topics: str) -> Look | None:
        """The latest look of whose ends everything on these topics is read."""
        for look in reversed(self._looks):
            if all(read.get(place, 0) >= end for place, end in look.ends.items() if place[0] in topics):
                return look
        return None


def _until(waiting: list[tuple[float, Look]], at: float) -> list[Look]:
    """Takes out of `waiting` what was so some grace before `at`; the latest of it says all."""
    done = [look for since, look in waiting if since + GRACE_SECONDS <= at]
    waiting[:] = [(since, look) for since, look in waiting if since + GRACE_SECONDS > at]
    return done[-1:]
