"""What route knows: the values in its world and the keys they have there. Reading and writing them is store.py's.

The fields of a value stand in the order of its table's columns. A lead stands in the world under its id alone, which is the
cheapest key there is; everything else under a pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from services.route.domain.lifecycle import State, Verdict

SQL, DISQUALIFIED = "SQL", "disqualified"


class Lead(Struct, frozen=True, gc=False):
    """What route keeps of a lead. `episode` is the last entry into SQL that is known, `handed` the last one that was handed over."""

    lead_id: str
    part: int
    version: int  # the highest score_version
    stage: str
    episode: int
    handed: int
    owner: str | None  # of the latest handover
    queued: bool
    absorbed: str  # leads that are now this one, by blanks
    recent: bytes  # recent.py


class Handover(Struct, frozen=True, gc=False):
    """A handover as it stands: `state` and `state_at` are what outcomes.py folds. `lead_id` is whose it is now, `opened_for` the lead in its name: a merge may move it."""

    handover_id: str
    part: int
    lead_id: str
    opened_for: str
    episode: int
    attempt: int
    owner: str
    pool: str | None  # that gave it, if one did
    state: State
    state_at: datetime
    created_at: datetime
    document: bytes  # as it was written to the topic
    withdrawn_at: datetime | None  # when it was taken back, if it was
    expired: bool = False  # and whether because nobody accepted it
    accept_by: datetime | None = None
    contact_by: datetime | None = None
    accept_escalated: bool = False  # nobody accepted it in time, and nobody is left to pass it on to
    contact_escalated: bool = False  # nobody contacted the lead in time
    accepted_at: datetime | None = None  # by what sales said, as outcomes.py folds it
    contacted_at: datetime | None = None


class Account(Struct, frozen=True, gc=False):
    """Whose a company is."""

    owner: str
    lead_id: str  # whose handover made it so
    since: datetime


class Queued(Struct, frozen=True, gc=False):
    """A lead in SQL that nobody could be given to."""

    part: int
    episode: int
    reason: str
    path: bytes  # the rules tried, as JSON
    since: datetime
    account: str | None  # the company that it belongs to
    scored: bytes  # the lead.scored that it would be given by


class Logged(Struct, frozen=True, gc=False):
    """An outcome and what it came to so far: the verdict is told anew when more is known, of it or of what happened before it."""

    command_id: str
    part: int
    lead_id: str
    handover_id: str | None  # that was named, or is meant so far
    outcome: str
    reason: str | None
    amount: float | None
    currency: str | None
    by: str | None
    occurred_at: datetime
    received_at: datetime
    verdict: Verdict
    before: State | None
    after: State | None
    by_lead: bool  # only the lead was named


class Key(NamedTuple):
    """A key of the world beside the leads' own."""

    kind: Literal[
        "handover",  # handover id -> Handover
        "handovers",  # lead id -> tuple of handover ids, in the order in which they were made; not saved
        "pool",  # pool id -> Counters
        "load",  # owner -> Load
        "affected",  # number -> publishing.Affected; not saved
        "routed",  # number -> the version of the document that its queue and handovers were looked at by
        "account",  # domain -> Account
        "absorbed",  # lead id -> the lead that it is now
        "joined",  # lead id -> the first lead that it became, and when; saved with absorbed
        "absorbs",  # lead id -> tuple of leads that are it now; not saved
        "queue",  # lead id -> Queued, or None when it left the queue
        "log",  # command id -> Logged
        "said",  # lead id -> tuple of command ids of all outcomes about it; not saved
        "recalled",  # event id -> what stands on the handover topic already; not saved
        "due",  # see DUE
        "reading",  # see READING
        "took",  # input id -> how long the steps took that it ended (pace.py), for metrics; not saved
        "moved",  # input id -> what became of handovers by it (pace.py), for metrics; not saved
    ]
    id: str


NOT_SAVED = frozenset({"handovers", "absorbs", "said", "recalled", "due", "affected", "routed", "took", "moved"})


class TimerKey(NamedTuple):
    """The key of a timer: whose it is, what falls due (decide.py says what each kind does), and of which handover, enrolment ... of theirs."""

    lead_id: str
    kind: str
    key: str


class Timer(Struct, frozen=True, gc=False):
    """A time to come. None at its key in the world: it is stopped, or done."""

    part: int
    due_at: datetime


DUE = Key("due", "")  # lead id -> tuple of the keys of its timers that may fall due within this batch; not saved

# There while the store is learning what stands on its topics: True until everything is read again, and then False. Not saved.
READING = Key("reading", "")

World = Mapping[Any, Any]


_MISSING: Any = object()


class Scene:
    """The world while one input is decided on, with what it changed on top: `changes` is what comes of it."""

    __slots__ = ("changes", "world")

    def __init__(self, world: World | Scene) -> None:
        self.world = world
        self.changes: dict[Any, Any] = {}

    def __getitem__(self, key: Any) -> Any:
        found = self.changes.get(key, _MISSING)
        return self.world[key] if found is _MISSING else found

    def __setitem__(self, key: Any, value: Any) -> None:
        self.changes[key] = value

    def __contains__(self, key: Any) -> bool:
        return key in self.changes or key in self.world

    def get(self, key: Any, default: Any = None) -> Any:
        """What stands at `key`, or `default`."""
        found = self.changes.get(key, _MISSING)
        return self.world.get(key, default) if found is _MISSING else found


def nobody(lead_id: str, part: int) -> Lead:
    """A lead that nothing was heard of."""
    return Lead(lead_id, part, -1, "", 0, 0, None, False, "", b"")
