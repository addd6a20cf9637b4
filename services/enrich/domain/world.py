"""What enrich knows, as values: identifiers, cookies, leads, kept activities, and what a decision may find missing. No rules here.

A world's keys: ("identifier", name) -> Identifier or Cookie, ("lead", id) -> Lead, ("activity", event id) -> Kept;
and, only where they are known completely: ("history", lead id) -> the ids of all its activities, ("absorbed", lead id) ->
the ids of leads that it absorbed, ("visits", cookie) -> Visits, ("moments", crowd) -> Moments; in a rebuild ("told", event id) -> Told, ("recalled", lead id) -> Recalled.
("ruling", event id) -> Ruling, where there is one.
Saved, and never in a world: ("owed", event or command id) -> Owed, or None when it is done.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from shared.contracts import Consent, ConsentGiven, Page, Touch

# None of these can be part of a cycle, so the collector need not look at them (gc=False): there are a dozen for each event.

World = Mapping[Hashable, Any]
Changes = dict[Hashable, Any]
Rank = tuple[datetime, str]  # when it occurred, event id: the order of all events, whatever the order of their arrival

# A name is an identifier as it is kept: kind and normalised value. U+001F can be in neither.
SEPARATOR = "\x1f"


def name(kind: str, *value: str) -> str:
    """The name of an identifier: email, user (property and id), external (system, property where it must be, id), phone or anonymous; or apart
    (a command's id): whoever the events are of that it took off."""
    return SEPARATOR.join((kind, *value))


class Tie(Struct, frozen=True, array_like=True, gc=False):
    """The first time that an identifier was seen together with another one."""

    rank: Rank
    to: str


class Identifier(Struct, frozen=True, gc=False):
    """An e-mail address, user id, external id or phone number. `ties` by slot: what it was first seen with; they decide whose it is (binding.py).

    `lead_id` is absent while it is known only from events that name another person.
    """

    name: str
    lead_id: str | None = None
    ties: dict[str, Tie] = {}


class Lately(Struct, frozen=True, array_like=True, gc=False):
    """What was done by hand on a cookie or by a lead without one: how often in all, and what was done last, by time in milliseconds, each with
    its content (0 where it has none). It tells whether others acted at the same moment, without a look at them (crowd.py)."""

    count: int
    acts: tuple[tuple[int, int], ...]


class Cookie(Struct, frozen=True, gc=False):
    """An anonymous id. `first` and `last` are the first and last identification on it, `top` its latest event of any kind.

    `lead_id` is the lead of the last identification; nobody's while absent. `shared`: identifications of several leads.
    """

    name: str
    top: Rank
    lead_id: str | None = None
    first: Rank | None = None
    last: Rank | None = None
    shared: bool = False
    lately: Lately | None = None


class Said(Struct, frozen=True, array_like=True, gc=False):
    """What an event says about one field of the profile: how far it is to be trusted, where it came from, and what."""

    trust: int
    source: str
    value: Any


class Voice(Struct, frozen=True, array_like=True, gc=False):
    """What of one event's claims prevails; each field is in the voice of one event only. `custom` are fields of the form's own."""

    at: datetime
    claims: dict[str, Said] = {}
    custom: dict[str, Said] = {}


class ConsentClaim(Struct, frozen=True, array_like=True, gc=False):
    """What one event said about consent to one purpose."""

    event_id: str
    consent: Consent


# By purpose, and by who said it (consent.py). Documents of before 2026-11-27 have one claim for a purpose, the latest of the whole lead.
Consents = dict[str, dict[str, ConsentClaim] | ConsentClaim]


class TouchClaim(Struct, frozen=True, array_like=True, gc=False):
    """One event's touch."""

    event_id: str
    touch: Touch


class State(Struct, frozen=True, gc=False):
    """A lead's profile and touches as the claims that prevail; equal for equal sets of events."""

    voices: dict[str, Voice] = {}  # by event id
    consents: Consents = {}
    first: TouchClaim | None = None
    last: TouchClaim | None = None
    users: dict[str, str] = {}
    externals: dict[str, str] = {}
    lately: Lately | None = None  # of events without a cookie


class Lead(Struct, frozen=True, gc=False):
    """A lead. `made_by` is the identifier that made it (its id is an HMAC of that), `made_at` the record's time then.

    `version` is the profile version: it only grows, also while the lead is absorbed.
    """

    lead_id: str
    made_at: datetime
    made_by: str
    version: int = 0
    absorbed_into: str | None = None
    state: State = State()


class Facts(Struct, frozen=True, omit_defaults=True, gc=False):
    """What an event says, normalised: enough to send its activity again under another lead and to build a profile anew."""

    name: str
    kind: str
    property: str
    human: float = 1.0
    page: Page | None = None
    asset: str | None = None
    properties: Any = None  # msgspec.Raw while it is fresh (msgspec decodes no union with Raw), values once it was kept
    claims: dict[str, Said] = {}
    custom: dict[str, Said] = {}
    consent: ConsentGiven | None = None
    touch: Touch | None = None
    history: bool = False
    content: int = 0  # of a form: a hash of who sent what, so that the same sent twice is seen
    received_at: datetime | None = None


class Happened(Struct, frozen=True, gc=False):
    """An event that was read: its identifiers by kind, and its facts. `person` is the strongest identifier, absent for a visitor."""

    event_id: str
    at: datetime
    facts: Facts
    email: str | None = None
    user: str | None = None
    phone: str | None = None
    cookie: str | None = None
    externals: tuple[str, ...] = ()
    called: str | None = None  # given and family name, as they are compared (agreement.py)

    @property
    def strong(self) -> str | None:
        """The strongest identifier, if it is a strong one."""
        return self.email or self.user or (self.externals[0] if self.externals else None)

    @property
    def person(self) -> str | None:
        return self.email or self.user or (self.externals[0] if self.externals else self.phone)

    @property
    def persons(self) -> list[str]:
        """The identifiers that name a person, the strongest first."""
        names = [self.email] if self.email is not None else []
        if self.user is not None:
            names.append(self.user)
        if self.externals:
            names += self.externals
        if self.phone is not None:
            names.append(self.phone)
        return names

    @property
    def crowd(self) -> str:
        """The identifier by which others acted together with it: its cookie, or where it has none its person."""
        return self.cookie or self.person or ""

    @property
    def rank(self) -> Rank:
        return self.at, self.event_id


class Kept(Struct, frozen=True, gc=False):
    """An event that was taken, once. `revision` 0: it was not sent under any lead yet. `human` is the verdict on it where that is another than
    its own facts tell, `ruled` by an operator. `repeat`: the same form was sent just before; it is its person's, and counts for nothing.
    `apart`: the latest ruling that took it off who it names."""

    happened: Happened
    lead_id: str | None = None
    revision: int = 0
    human: float | None = None
    ruled: bool = False
    repeat: bool = False
    apart: Tie | None = None

    @property
    def person(self) -> str | None:
        """The identifier that the event is of."""
        return self.apart.to if self.apart is not None else self.happened.person

    @property
    def shown(self) -> float:
        """How human it is, as it is told."""
        return self.happened.facts.human if self.human is None else self.human


class Human(Struct, frozen=True, tag="human", gc=False):
    """Asks that this activity is as human as it says, whatever it seemed."""

    event_id: str
    human: float
    reason: str | None = None


class Merge(Struct, frozen=True, tag="merge", gc=False):
    """Asks that these leads are one; that `survivor` remains, else the one that was made first."""

    lead_ids: tuple[str, ...]
    survivor: str | None = None
    reason: str | None = None


class Split(Struct, frozen=True, tag="split", gc=False):
    """Asks that these identifiers, by name, or these events leave the lead, or else that of the command."""

    lead_id: str | None
    identifiers: tuple[str, ...] = ()
    event_ids: tuple[str, ...] = ()
    reason: str | None = None


class Answer(Struct, frozen=True, tag="review", gc=False):
    """Says whether the two are one person that a question of the review queue is about."""

    review_id: str
    accept: bool
    reason: str | None = None


Asked = Human | Merge | Split | Answer


class Command(Struct, frozen=True, gc=False):
    """What somebody asked for at `at`, by `by`. Of several that say something about the same the latest counts, then the greater id."""

    command_id: str
    at: datetime
    lead_id: str | None
    by: str | None
    asked: Asked


class Ruling(Struct, frozen=True, gc=False):
    """What an operator said about one activity."""

    event_id: str
    at: datetime
    command_id: str
    human: float
    by: str | None = None
    reason: str | None = None

    @property
    def rank(self) -> Rank:
        return self.at, self.command_id


class Visits(Struct, frozen=True, gc=False):
    """Activities on one cookie, by id: all since the identification that governs `since`; and where there is none, all since
    `since` and at least the HISTORY_EVENTS latest before it."""

    since: datetime
    events: tuple[str, ...] = ()


Span = tuple[datetime, datetime]  # both ends belong to it


class Moments(Struct, frozen=True, gc=False):
    """Activities on one cookie, or of one person without a cookie, by id: all within these spans; without spans all that there are."""

    events: tuple[str, ...] = ()
    spans: tuple[Span, ...] | None = None


class Told(Struct, frozen=True, gc=False):
    """In a rebuild: what the output topic says of one event. It counted as the record of `at` said it, which happened at `occurred_at` (absent:
    not known), and was told last in `revision`, under `lead_id`, or as nobody's. `absorbed`: the lead that it was told of, and those on the way
    to the one that stands here, were absorbed since, and it was not told under this one yet. `human` as it was told last, `repeat`: last as a repeat."""

    at: datetime | None
    revision: int
    lead_id: str | None = None
    absorbed: tuple[str, ...] = ()
    occurred_at: datetime | None = None
    human: float | None = None
    repeat: bool = False


class Recalled(Struct, frozen=True, gc=False):
    """In a rebuild: this lead stands on the output topic already, from its first profile version to its last, and may be absorbed."""

    first: int
    last: int
    absorbed_into: str | None = None


class Owed(Struct, frozen=True, gc=False):
    """What a rebuild decides when it is over: an event that the topic does not tell of, a record that was not taken since another one under
    its id counted at first, or a command. `at` is the record's time."""

    part: int
    at: datetime
    event: Happened | Command


class NotLoaded(Exception):
    """The decision needs the whole history of these leads, the visits on these cookies since a time, these identifiers (known or not) with
    their leads, or what was done in a crowd (see Happened) at these moments, and the world lacks them.

    `load` catches it, fetches and asks again; `decide` never meets it after that.
    """

    def __init__(
        self,
        *,
        leads: frozenset[str] = frozenset(),
        cookies: Mapping[str, datetime] | None = None,
        names: frozenset[str] = frozenset(),
        moments: Mapping[str, Collection[Span]] | None = None,
    ) -> None:
        super().__init__("history is not loaded")
        self.leads = leads
        self.cookies = dict(cookies or {})
        self.names = names
        self.moments = dict(moments or {})
