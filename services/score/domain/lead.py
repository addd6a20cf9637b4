"""A lead as score knows it, and what can happen to one: values only. What happens is in decide.py."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from services.score.domain.history import History
from services.score.domain.inforce import Fact
from services.score.domain.ruleset import RAW
from services.score.domain.tally import Tally


class State(Struct, frozen=True, array_like=True, gc=False):
    """All of a lead but its data: small, bounded, read and written with each event. Fields are only added at the end.

    Numbers of rules in it belong to the ruleset with this `fingerprint`; `fit` is None until its rules were asked. Points are hundredths. `episode` is how often the
    lead has entered SQL. `judged_at` is when the outcome occurred that counts (the latest); `won` what it was.
    `sent_back_at` is the latest rejection, loss or recycling: SQL is entered again only through an activity after it; `may_enter_sql`
    says whether the latest cause was one. `review_at`: before it the clock changes nothing; absent where it never does.
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


class Kept(Struct, frozen=True, gc=False):
    """An activity to be kept in its latest revision."""

    fact: Fact
    body: bytes
    known_at: datetime


class Lead(Struct, frozen=True, kw_only=True, gc=False):
    """A lead within one batch. `profile` and the touches are JSON as enrich wrote it, empty where there is none.

    `known` are the revisions of those activities of this batch that were kept before. `bodies` are all activities kept, and
    there only when this batch needs them; `history` is what they come to, once they were read. `kept` is to be saved. `review_by` is
    when the store has it looked at again at the latest, `is_reviewed` whether that was done. `is_emptied`: what the store kept of its
    activities before this batch is another lead's.
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
    is_emptied: bool = False


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
    """lead.split, in the partition of a lead that was absorbed and is itself again: its activities follow."""

    lead_id: str


class Judged(Struct, frozen=True, gc=False):
    """An outcome that sales reported of a lead. `episode`: of which stay in SQL, where it is known."""

    lead_id: str
    outcome: str
    occurred_at: datetime
    episode: int | None


class Due(Struct, frozen=True, gc=False):
    """A lead's time to be looked at, though nothing came."""

    lead_id: str


class Passed(Struct, frozen=True, gc=False):
    """A record that changes no score: seen, counted, nothing more."""


Event = Told | Absorbed | Restored | Judged | Due | Passed
