"""What can become of a handover: its states and the outcomes that move it, as a table. Who applies them is outcomes.py."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a handover stands."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    CONTACTED = "contacted"
    MEETING = "meeting"
    OPPORTUNITY = "opportunity"
    WON = "won"
    LOST = "lost"
    REJECTED = "rejected"
    RECYCLED = "recycled"
    EXPIRED = "expired"  # nobody accepted it in time: the next attempt has the lead
    WITHDRAWN = "withdrawn"  # a merge, an operator or a new document took it back


class Verdict(StrEnum):
    """What an outcome came to, by all that is known so far. Each one is kept with its verdict."""

    APPLIED = "applied"
    REPEAT = "repeat"  # the handover stands there already
    LATE = "late"  # an earlier step, reported after a later one; or anything, reported after the handover had expired
    IMPOSSIBLE = "impossible"  # the handover is closed, or can't come to this from where it stands
    WAITING = "waiting"  # its handover is not known yet; applied as soon as it is
    UNKNOWN = "unknown"  # there is no such handover, and none can come


# The outcomes of the topic: a word, and the state that it leads to.
OUTCOMES: dict[str, State] = {
    word.value: word for word in State if word not in (State.OFFERED, State.EXPIRED, State.WITHDRAWN)
}

_FORWARD = (State.ACCEPTED, State.CONTACTED, State.MEETING, State.OPPORTUNITY)
_ENDS = (State.WON, State.LOST, State.RECYCLED)

# From where to where. Steps may be skipped: a sales tool that tells only of the win is believed.
# A lead can be rejected until somebody met it; after that it is lost or recycled.
NEXT: dict[State, tuple[State, ...]] = {
    State.OFFERED: (*_FORWARD, *_ENDS, State.REJECTED),
    State.ACCEPTED: (*_FORWARD[1:], *_ENDS, State.REJECTED),
    State.CONTACTED: (*_FORWARD[2:], *_ENDS, State.REJECTED),
    State.MEETING: (*_FORWARD[3:], *_ENDS),
    State.OPPORTUNITY: _ENDS,
    State.WON: (),
    State.LOST: (),
    State.REJECTED: (),
    State.RECYCLED: (),
    State.EXPIRED: (),
    State.WITHDRAWN: (),
}

# What no outcome does: the accept clock, and whoever takes a handover back.
TAKEN_BACK: dict[State, tuple[State, ...]] = {
    State.EXPIRED: (State.OFFERED,),
    State.WITHDRAWN: tuple(state for state, following in NEXT.items() if following),
}

OPEN = frozenset(state for state, following in NEXT.items() if following)

# Where the owner has accepted the lead, by what they said or by what follows from it; and where somebody has reached it.
REACHED = frozenset({*_FORWARD[1:], State.WON, State.LOST})
TAKEN_ON = REACHED | {State.ACCEPTED, State.RECYCLED}


def judge(state: State, outcome: str) -> tuple[Verdict, State]:
    """What `outcome` does to a handover in `state`, and the state after it. Never raises for a word of OUTCOMES."""
    wanted = OUTCOMES[outcome]
    if wanted == state:
        return Verdict.REPEAT, state
    if wanted in NEXT[state]:
        return Verdict.APPLIED, wanted
    if state is State.EXPIRED or (state in OPEN and wanted in _FORWARD):
        return Verdict.LATE, state
    return Verdict.IMPOSSIBLE, state
