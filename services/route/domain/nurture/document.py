"""The nurture document as values: limits, channels, content, magnets, tracks. Reading it from YAML is read.py, using it is decide.py.

Durations are whole milliseconds, minutes of a day count from midnight, weekdays from Monday (0).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.route.domain.nurture.question import Question

ANY = "any"  # the limit over all channels
DONE = "done"  # where a step says that the track ends


@dataclass(frozen=True, slots=True)
class Cap:
    """How much a person gets at most in any 24 hours and in any 7 days."""

    per_day: int | None = None
    per_week: int | None = None


@dataclass(frozen=True, slots=True)
class Quiet:
    """When nothing is sent: from minute `begins` of the day to minute `ends` (over midnight where that is earlier), and whole weekdays."""

    begins: int = 0
    ends: int = 0
    days: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to people, and what it needs: a purpose they consented to, a field of the profile that is known."""

    id: str
    consent: str | None = None
    field: tuple[str, ...] | None = None  # below the profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is sent, by which channel. Subject and template are the mail sender's; an audience is what it adds the lead to."""

    id: str
    channel: str
    subject: str | None = None
    template: str | None = None
    audience: str | None = None


@dataclass(frozen=True, slots=True)
class Magnet:
    """What a form of this name asks for; the same form within `again_after` of the last time gives nothing more."""

    form: str
    content: str
    again_after: int = 0


@dataclass(frozen=True, slots=True)
class Test:
    """A field of an activity and what it must be: one of these values, or what the pattern says."""

    path: tuple[str, ...]
    values: tuple[object, ...]
    pattern: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing happens for so long."""

    id: str
    lasts: int
    next: str = DONE


@dataclass(frozen=True, slots=True)
class Send:
    """Something is sent, unless."""

    id: str
    content: str
    unless: Question | None = None
    next: str = DONE


@dataclass(frozen=True, slots=True)
class WaitFor:
    """An activity that fits leads to `then`; when none came for so long, `otherwise` follows."""

    id: str
    match: tuple[Test, ...]
    when: Question | None
    at_most: int
    then: str = DONE
    otherwise: str = DONE


Step = Wait | Send | WaitFor


@dataclass(frozen=True, slots=True)
class Track:
    """Steps for those of whom `when` holds. Each leads to later ones only, so that none is met twice."""

    id: str
    when: Question
    steps: Mapping[str, Step]  # in the document's order
    again_after: int | None = None

    def ahead(self, step: str) -> tuple[str, ...]:
        """The steps that stand after this one."""
        ids = tuple(self.steps)
        return ids[ids.index(step) + 1 :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nurturing:
    """A whole document that passed every check of read.py: each name that it uses is there."""

    limits: Mapping[str, Cap]
    quiet: Quiet
    channels: Mapping[str, Channel]
    content: Mapping[str, Content]
    magnets: Mapping[str, Magnet]
    tracks: Mapping[str, Track]
    exit: Question | None
    zone: ZoneInfo  # of leads whose zone nobody knows
