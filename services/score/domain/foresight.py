"""What another ruleset would make of leads: each brought through a publication that was never made, and the sums of that. Emits nothing."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec.structs import replace as with_

from services.score.domain.counting import tallied
from services.score.domain.decide import caught_up
from services.score.domain.inforce import InForce
from services.score.domain.judging import BELOW_SQL
from services.score.domain.lead import Lead, State
from services.score.domain.publications import Rulesets, brought_up_to, republished
from services.score.domain.rescore import rescored
from services.score.domain.ruleset import SQL
from shared.documents.inforce import Standing

_NEVER = 2**62  # after every publication that there is
MOVED = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """One lead under the ruleset in force and under another one. Points are hundredths."""

    lead_id: str
    stage: str
    total: int
    other_stage: str
    other_total: int


def foreseen(lead: Lead, other: InForce, rulesets: Rulesets, *, now: datetime) -> Seen | None:
    """What a publication of `other` at `now` would make of a lead with all its activities; None where there is nothing to say of it."""
    if lead.profile_version < 0 or lead.state.absorbed_into is not None:
        return None
    lead, _ = brought_up_to(lead, rulesets, now)
    lead, _ = caught_up(lead, rulesets.by_seq(lead.part, lead.state.ruled).document, now)
    after, _ = republished(lead, Standing(_NEVER, now, "", other, {}))
    return seen(lead.lead_id, lead.state, after.state)


def seen(lead_id: str, live: State, other: State) -> Seen:
    """The two states of a lead beside each other."""
    return Seen(lead_id, live.stage, live.total, other.stage, other.total)


@dataclass(frozen=True, slots=True)
class Shadowed:
    """A lead as a ruleset in the shadow has it: beside the live one, in its stage there since when, and how often it entered SQL there."""

    seen: Seen
    since: datetime
    entries: int
    looked_at: datetime


def shadowed(
    lead: Lead, other: InForce, before: Shadowed | None, rulesets: Rulesets, *, now: datetime
) -> Shadowed | None:
    """What `other` makes of a lead with all its activities, going on from the stage that it had there (`before`), or else from the live one.
    None where there is nothing to say of it."""
    if lead.profile_version < 0 or lead.state.absorbed_into is not None:
        return None
    lead, _ = brought_up_to(lead, rulesets, now)
    lead, _ = caught_up(lead, rulesets.by_seq(lead.part, lead.state.ruled).document, now)
    live = lead.state
    base, now_in = live, live.stage
    if before is not None:
        base, now_in = with_(live, stage=before.seen.other_stage, stage_since=before.since), before.seen.other_stage
        if now_in == SQL and live.sent_back_at is not None and live.sent_back_at >= before.since:
            now_in = BELOW_SQL  # sales sent it back, in the shadow too
    after, _ = rescored(
        base,
        other,
        tallied(other, with_(lead, history=None), now),
        profile=lead.profile,
        absorbed=live.absorbed,
        now=now,
        now_in=now_in,
        may_enter_sql=live.may_enter_sql or live.enters_at is not None,
        by_clock=True,
    )
    entries = (before.entries if before is not None else 0) + (after.stage == SQL != base.stage)
    return Shadowed(seen(lead.lead_id, live, after), after.stage_since or now, entries, now)


@dataclass(slots=True)
class Sums:
    """What is said of many leads together."""

    leads: int = 0
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    most_moved: list[tuple[int, str, Seen]] = field(default_factory=list)

    def add(self, all_: Iterable[Seen]) -> None:
        """Takes more leads in."""
        for one in all_:
            self.leads += 1
            self.moves[one.stage, one.other_stage] += 1
            if by := abs(one.other_total - one.total):
                if len(self.most_moved) < MOVED:
                    heapq.heappush(self.most_moved, (by, one.lead_id, one))
                elif by > self.most_moved[0][0]:
                    heapq.heapreplace(self.most_moved, (by, one.lead_id, one))

    def shown(self) -> dict[str, Any]:
        """As the API says it."""
        return {
            "leads": self.leads,
            "enter_sql": sum(count for (before, after), count in self.moves.items() if after == SQL != before),
            "leave_sql": sum(count for (before, after), count in self.moves.items() if before == SQL != after),
            "stages": [
                {"before": before, "after": after, "leads": count}
                for (before, after), count in sorted(self.moves.items())
            ],
            "most_moved": [moved(one) for _, _, one in sorted(self.most_moved, key=lambda one: (-one[0], one[1]))],
        }


def moved(one: Seen) -> dict[str, Any]:
    """One lead as the API says it."""
    return {
        "lead_id": one.lead_id,
        "before": {"total": one.total / 100, "stage": one.stage},
        "after": {"total": one.other_total / 100, "stage": one.other_stage},
    }
