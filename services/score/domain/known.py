"""What is known of a lead at a moment, now or earlier: values, and what becomes of them when something newer is known. What it comes to is
in account.py.

A lead's document says what is known now and since when; what it no longer says is kept as former, so that a lead which is told of
once is written once. What was superseded in the very moment in which it became known was never known to anybody.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from services.score.domain.advice import Advice
from services.score.domain.ruleset import RAW

BEFORE = datetime.fromisoformat(
    "1970-01-01T00:00:00+00:00"
)  # since when things are known of which nobody wrote it down


class Decided(Struct, frozen=True, array_like=True, gc=False):
    """What was decided of a lead, as State has it: no fold of activities tells it. Fields are only added at the end."""

    life: int = 0
    stage: str = RAW
    previous_stage: str = RAW
    stage_since: datetime | None = None
    episode: int = 0
    recycled: int = 0
    sent_back_at: datetime | None = None
    customer_since: datetime | None = None
    won: bool = False
    may_enter_sql: bool = True
    absorbed: tuple[str, ...] = ()
    absorbed_into: str | None = None
    enters_at: datetime | None = None
    barred: bool = False


class Profiled(Struct, frozen=True, array_like=True, gc=False):
    """What enrich said of a lead, in one of its lives. JSON as it came; touches are empty where there are none. `profile_version` is the last
    in which it said so."""

    life: int = 0
    profile_version: int = -1
    profile: bytes = b""
    first_touch: bytes = b""
    last_touch: bytes = b""


class Former(Struct, frozen=True, gc=False):
    """What was known since a moment, and is no more."""

    known_at: datetime
    what: Decided | Profiled


class Reported(Struct, frozen=True, gc=False):
    """An outcome that sales reported, whatever it is; `episode` is the one it speaks of."""

    event_id: str
    life: int
    outcome: str
    occurred_at: datetime
    known_at: datetime
    episode: int


class Known(Struct, frozen=True, kw_only=True, gc=False):
    """All that was known of a lead at `at`: its activities (JSON, each in its latest revision, those withdrawn too, in any order), what
    enrich said, what had been decided, what sales had reported, in this life and in those before, and the signals that were taken."""

    lead_id: str
    part: int
    at: datetime
    activities: tuple[bytes, ...]
    profiled: Profiled
    decided: Decided
    reported: tuple[Reported, ...] = ()
    advice: tuple[Advice, ...] = ()
