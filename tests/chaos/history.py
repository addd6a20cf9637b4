"""What a run leaves behind: the ledger's side (what was sent, what was done) and the evidence's side (what topics and stores hold)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Place(NamedTuple):
    """Where a record stands."""

    topic: str
    part: int
    offset: int


@dataclass(slots=True)
class Sent:
    """One event that a client meant to send: noted before the first request, marked when an accepting answer came."""

    event_id: str
    kind: str
    accepted: bool = False
    who: str = ""  # whose events come one after another, each after the answer to the one before


class Attempt(NamedTuple):
    """One request at capture's door, over all of its instances; `answer` is a status, or the name of what went wrong."""

    at: float
    answer: str
    good: bool
    says_when: bool = True  # a 503 that has no Retry-After does not


class Span(NamedTuple):
    """From when to when a fault lasted."""

    name: str
    begin: float
    end: float


@dataclass(slots=True)
class Outcome:
    """What sales said of a handover; `accepted` once the topic or the REST route has taken it."""

    command_id: str
    handover_id: str
    accepted: bool = False


@dataclass(slots=True)
class Ledger:
    """Everything that was sent and everything that was broken, as it was written down at that time."""

    events: dict[str, Sent] = field(default_factory=dict)  # by event id
    invalid: dict[str, str] = field(default_factory=dict)  # message id -> status of the answer ("" while there is none)
    attempts: list[Attempt] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)  # by command id
    garbage: dict[str, str] = field(default_factory=dict)  # its mark -> what it is
    garbage_ids: set[str] = field(default_factory=set)  # event ids that garbage claims for itself
    garbage_at: dict[Place, str] = field(default_factory=dict)  # where the broker put it -> its mark
    copies: int = 0
    spans: list[Span] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)  # faults by name
    failed: list[str] = field(default_factory=list)  # drills that could not be carried out as meant


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One physical record, as much of it as the checker asks about. `mark` is set on garbage; `committed` is the
    read_committed view."""

    topic: str
    part: int
    offset: int
    type: str = ""
    event_id: str = ""
    at_ms: int = 0  # the broker's time
    digest: int = 0  # of the value's bytes
    lead_id: str = ""
    activity_id: str = ""  # whose end it is
    revision: int = 0
    version: int = -1  # score_version or profile_version
    cause: str = ""
    stage: str = ""
    previous_stage: str = ""
    episode: int = 0
    attempt: int = 0
    handover_id: str = ""
    absorbed: str = ""
    service: str = ""  # of a dead letter: whose it is,
    reason: str = ""
    died_at: Place | None = None  # where the dead record stood,
    message_id: str = ""  # and the name that its sender gave it
    mark: str = ""
    committed: bool = True

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.topic, self.part, self.offset)


class Difference(NamedTuple):
    """A row, or a column of a row, that is not the same before and after a replay."""

    store: str
    table: str
    column: str
    row: str


class ReadinessSample(NamedTuple):
    """What an instance said of itself at a moment: True, False, or None when it gave no answer."""

    at: float
    member: str
    ready: bool | None


@dataclass(slots=True)
class Stores:
    """What the stores hold after healing."""

    outbox_rows: dict[str, int] = field(default_factory=dict)  # by service
    spool_rows: int = 0
    lag: dict[str, int] = field(default_factory=dict)  # "stage topic/part" -> records not read
    readers: dict[str, set[str]] = field(default_factory=dict)  # topic -> stages that read it
    commands: dict[str, str] = field(default_factory=dict)  # command id -> status (route's)
    outcomes: dict[str, str] = field(default_factory=dict)  # command id -> verdict
    queued: set[str] = field(default_factory=set)  # leads that nobody could be given to
    absorbed: set[str] = field(default_factory=set)  # leads that are another one now
    score_versions: dict[str, int] = field(default_factory=dict)  # lead -> the last version that score has decided
    dead: set[Place] = field(default_factory=set)  # what the console keeps of dead letters, by the place that died
    booked: dict[str, int] = field(
        default_factory=dict
    )  # accepted event -> how it ended, as the books say: 0 for not at all
    unbalanced: list[str] = field(default_factory=list)  # hours and properties of the books that do not add up


@dataclass(slots=True)
class Evidence:
    """What was found after the run."""

    records: list[Record] = field(default_factory=list)
    stores: Stores = field(default_factory=Stores)
    cursor_faults: list[str] = field(default_factory=list)  # a cursor that went back, an epoch that went down
    zombies: Counter[str] = field(default_factory=Counter)  # how woken former owners were stopped
    readiness: list[ReadinessSample] = field(default_factory=list)
    unready: list[str] = field(default_factory=list)  # members that are not ready after healing
    recovery_seconds: float = 0.0
    memory_before: Mapping[str, float] = field(default_factory=dict)  # MB by member
    memory_after: Mapping[str, float] = field(default_factory=dict)
    replayed: bool = False
    differences: list[Difference] = field(default_factory=list)  # of what the stores hold, before and after the replay
    new_after_replay: list[Place] = field(default_factory=list)  # records that were added to a topic by it
    hits: Counter[tuple[str, str]] = field(default_factory=Counter)  # (point, service) -> times that it was died at
    stops: Counter[tuple[str, str]] = field(default_factory=Counter)  # (point, service) -> times that it was frozen at
