"""A lead as score knows it, and what can happen to one: values only. What happens is in decide.py."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct

from services.score.domain.advice import Advice
from services.score.domain.history import History
from services.score.domain.inforce import Fact
from services.score.domain.known import BEFORE, Decided, Former, Known, Profiled, Reported
from services.score.domain.ruleset import RAW
from services.score.domain.tally import Tally


class State(Struct, frozen=True, array_like=True, gc=False):
    """All of a lead but its data: small, bounded, read and written with each event. Fields are only added at the end.

    Numbers of rules in it belong to the ruleset with this `fingerprint`; `fit` is None until its rules were asked. Points are hundredths. `episode` is how often the
    lead has entered SQL. `judged_at` is when the outcome occurred that counts (the latest); `won` what it was.
    `sent_back_at` is the latest rejection, loss or recycling: SQL is entered again only through an activity after it; `may_enter_sql`
    says whether the latest cause was one. `review_at`: before it the clock changes nothing; absent where it never does. `life`: how often
    the lead was absorbed or restored. `known_at` and `profile_known_at`: since when what was decided, and its data, are as they are.
    `ruled`: the publication of a ruleset (its `seq`) that it was brought through last; `enters_at`: a lead that one brought up to SQL
    enters it then. `barred`: an operator has disqualified it, whatever the rules say.
    `turned`: the profile version in which it was absorbed or restored last; -1 where it never was, or was not told.
    """

    fingerprint: str = ""
    former_tally: Any = (
        None  # what counted before rules could decay; its fingerprint is none of now, so it is counted anew
    )
    fit: tuple[int, ...] | None = None
    excluded: tuple[int, ...] = ()
    total: int = 0
    fit_points: int = 0
    engagement: int = 0
    grade: str = ""
    stage: str = RAW
    previous_stage: str = RAW
    stage_since: datetime | None = None
    score_version: int = 0
    episode: int = 0
    recycled: int = 0
    sent_back_at: datetime | None = None
    judged_at: datetime | None = None
    won: bool = False
    customer_since: datetime | None = None
    absorbed: tuple[str, ...] = ()
    absorbed_into: str | None = None
    closed: tuple[int, ...] = ()  # the episodes that sales sent back: each counts once
    tally: Tally = Tally()
    segments: tuple[str, ...] = ()
    may_enter_sql: bool = True
    review_at: datetime | None = None
    life: int = 0
    known_at: datetime | None = None
    profile_known_at: datetime | None = None
    ruled: int = -1
    enters_at: datetime | None = None
    turned: int = -1
    barred: bool = False
    advice: tuple[Advice, ...] = ()  # the latest signal of each name that a ruleset asked for when it came


class Kept(Struct, frozen=True, gc=False):
    """A revision of an activity, to be kept for ever."""

    fact: Fact
    body: bytes
    known_at: datetime
    life: int


class Lead(Struct, frozen=True, kw_only=True, gc=False):
    """A lead within one batch. `profile` and the touches are JSON as enrich wrote it, empty where there is none.

    `known` are the revisions of those activities of this batch that were kept before. `bodies` are all activities kept, and
    there only when this batch needs them; `history` is what they come to, once they were read. `kept`, `former`, `reported` and `advised` are
    to be saved. `review_by` is when the store has it looked at again at the latest, `is_reviewed` whether that was done.
    """

    lead_id: str
    part: int
    profile: bytes = b""
    profile_version: int = -1
    first_touch: bytes = b""
    last_touch: bytes = b""
    state: State = State()
    known: dict[str, int] = {}
    bodies: tuple[bytes, ...] | None = None
    history: History | None = None
    kept: tuple[Kept, ...] = ()
    review_by: datetime | None = None
    is_reviewed: bool = False
    former: tuple[Former, ...] = ()
    reported: tuple[Reported, ...] = ()
    advised: tuple[Advice, ...] = ()


def decided(state: State) -> Decided:
    """The part of a state that was decided."""
    return Decided(
        state.life,
        state.stage,
        state.previous_stage,
        state.stage_since,
        state.episode,
        state.recycled,
        state.sent_back_at,
        state.customer_since,
        state.won,
        state.may_enter_sql,
        state.absorbed,
        state.absorbed_into,
        state.enters_at,
        state.barred,
    )


def profiled(lead: Lead) -> Profiled:
    """What enrich says of a lead now."""
    return Profiled(lead.state.life, lead.profile_version, lead.profile, lead.first_touch, lead.last_touch)


def superseded(lead: Lead, after: State) -> tuple[Former, ...]:
    """What was known of a lead and no longer is when its state is `after`, behind what was superseded before in its batch."""
    before, former = lead.state, lead.former
    if after.known_at != before.known_at and (before.known_at is not None or before.score_version):
        former = (*former, Former(before.known_at or BEFORE, decided(before)))
    if after.profile_known_at != before.profile_known_at and lead.profile_version >= 0:
        former = (*former, Former(before.profile_known_at or BEFORE, profiled(lead)))
    return former


def known_at(
    lead: Lead,
    at: datetime,
    *,
    decided_then: Decided | None,
    profiled_then: Profiled | None,
    activities: Iterable[tuple[int, bytes]],
    reported: Iterable[Reported],
    advised: Iterable[Advice] = (),
) -> Known | None:
    """What was known of a lead at a moment, from what is known of it now (`lead`), what was superseded last of what was known then, and the
    activities, by life, and outcomes that were known then. None where nothing was known."""
    state = lead.state
    was = decided_then if state.known_at is not None and state.known_at > at else decided(state)
    said = profiled_then if state.profile_known_at is not None and state.profile_known_at > at else profiled(lead)
    if was is None:
        return None
    return Known(
        lead_id=lead.lead_id,
        part=lead.part,
        at=at,
        activities=tuple([body for life, body in activities if life == was.life]),
        profiled=said if said is not None and said.life == was.life else Profiled(was.life),
        decided=was,
        reported=tuple(reported),
        advice=tuple([one for one in advised if one.life == was.life]),
    )


def since(now: datetime, before: datetime | None) -> datetime:
    """Since when something is known that came at `now`: not before what it supersedes, though clocks of brokers may go back."""
    return now if before is None or now > before else before


class Told(Struct, frozen=True, gc=False):
    """lead.enriched: an activity of a lead, and the lead's data as enrich had it then. Data is JSON, spliced through."""

    lead_id: str
    profile_version: int
    fact: Fact
    activity: bytes
    profile: bytes
    first_touch: bytes
    last_touch: bytes
    joined: tuple[str, ...]
    history: bool = False
    restored: tuple[str, ...] = ()


class Absorbed(Struct, frozen=True, gc=False):
    """lead.merged, in the partition of the lead that is no more. `profile_version` is the lead's then."""

    lead_id: str
    survivor: str
    profile_version: int | None = None


class Restored(Struct, frozen=True, gc=False):
    """lead.split, in the partition of a lead that was absorbed and is itself again: its activities follow. `profile_version` is the lead's then."""

    lead_id: str
    profile_version: int | None = None


class Judged(Struct, frozen=True, gc=False):
    """An outcome that sales reported of a lead. `episode`: of which stay in SQL, where it is known."""

    lead_id: str
    outcome: str
    occurred_at: datetime
    episode: int | None


class Barred(Struct, frozen=True, gc=False):
    """An operator disqualifies a lead."""

    lead_id: str


class Advised(Struct, frozen=True, gc=False):
    """A signal about a lead, of a name that the ruleset in force asks for, and not stale when it came."""

    lead_id: str
    name: str
    value: float
    at: datetime
    expires_at: datetime


class Due(Struct, frozen=True, gc=False):
    """A lead's time to be looked at, though nothing came."""

    lead_id: str


class Republished(Struct, frozen=True, gc=False):
    """A ruleset was published, and this lead's turn has come to be scored under it."""

    lead_id: str


class Passed(Struct, frozen=True, gc=False):
    """A record that changes no score: seen, counted, nothing more."""


Event = Told | Absorbed | Restored | Judged | Barred | Advised | Due | Republished | Passed
