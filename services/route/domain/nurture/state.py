"""What route keeps of a lead's nurture, and the keys that it has in the world. Reading and writing it is store/nurture's.

Moments are milliseconds since 1970: a lead's whole state is one small document, packed.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec import Struct

DAY_MS = 24 * 60 * 60 * 1000
WEEK_MS = 7 * DAY_MS


class Facts(Struct, frozen=True, array_like=True, gc=False):
    """What the newest lead.scored said, as far as conditions, limits and senders look at it. Parts that are only passed on are JSON."""

    version: int
    stage: str
    previous_stage: str
    stage_since: str
    grade: str
    probability: float | None
    episodes: int
    segments: tuple[str, ...]
    score: bytes
    profile: bytes


class Enrolment(Struct, frozen=True, array_like=True, gc=False):
    """A lead in a track: at which step, since when, and when the clock goes on. `ahead`: the steps that stood after it."""

    id: str
    track: str
    step: str
    since: int
    due: int
    ahead: tuple[str, ...] = ()


class Sent(Struct, frozen=True, array_like=True, gc=False):
    """Something that counts towards limits."""

    at: int
    channel: str


class Entered(Struct, frozen=True, array_like=True, gc=False):
    """How often a lead entered a track, and when last."""

    times: int
    last: int


class Asked(Struct, frozen=True, array_like=True, gc=False):
    """An activity that asked for a magnet. `given`: it got it."""

    activity_id: str
    at: int
    given: bool


class Hashes(Struct, frozen=True, array_like=True, gc=False):
    """A person as ad platforms take them (audience.py). Empty where it is not known."""

    email: str = ""
    phone: str = ""
    digits: str = ""


class Nurtured(Struct, frozen=True, array_like=True, gc=False):
    """All that is kept of one lead. It exists once there is something to remember."""

    facts: Facts
    active: tuple[Enrolment, ...] = ()
    entered: dict[str, Entered] = {}
    sent: tuple[Sent, ...] = ()  # of the last seven days
    seen: tuple[str, ...] = ()  # content that was sent, ever
    asked: dict[str, tuple[Asked, ...]] = {}
    added: tuple[str, ...] = ()  # audiences that a track put it into
    member_of: dict[str, Hashes] = {}  # audiences that it is in, and as whom
    recycled: int = 0  # episodes that sales sent back
    recycled_because: str = ""  # of the last of them
    merged_into: str = ""
    merges: int = (
        0  # how often it was merged into another or let go again: a state of before such a word never comes after it
    )
    part: int = 0
    deaf_to: int = -1  # records up to this version were read before it became another lead or itself again


class Suppression(Struct, frozen=True, gc=False):
    """Nothing more by this channel (all, where it is empty), and why. A lead's, or an address's by its hash."""

    channel: str
    why: str
    at: int
    by: str = ""


class Stored(NamedTuple):
    """A key of the world beside those of route's other parts."""

    kind: Literal[
        "nurture",  # lead id -> Nurtured
        "told",  # in a rebuild: event id of a step -> recalled.Remembered
        "turned",  # in a rebuild: lead id -> tuple[recalled.Turned, ...], in order
        "suppressed",  # lead id -> tuple[Suppression, ...]: its own, and those of its address
    ]
    id: str


class Step(NamedTuple):
    """The key of a step that was taken: event id -> Taken."""

    kind: Literal["nurture-step"]
    event_id: str


class Taken(Struct, frozen=True, gc=False):
    """What one step came to, as people are shown it."""

    lead_id: str
    part: int
    track: str
    step: str
    content: str | None
    channel: str | None
    at: int
    skipped: str | None
    because: str | None
    due_at: int | None


class Member(NamedTuple):
    """The key of somebody in an audience, as they were hashed: -> Change."""

    kind: Literal["audience"]
    audience: str
    lead_id: str
    hashes: tuple[str, str, str]


class Change(Struct, frozen=True, gc=False):
    """Whether they are in it, and since when."""

    is_member: bool
    at: int
    part: int


class Suppressed(NamedTuple):
    """The key of a suppression: whose (`lead:` and a lead id, or `address:` and the SHA-256 of an address), by which channel. None: it was lifted."""

    kind: Literal["suppression"]
    subject: str
    channel: str
