"""Events as they were read and kept, and those that a decision looks at besides. No rules here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from services.enrich.domain.world.identifiers import Rank, Tie, under
from services.enrich.domain.world.people import Said
from shared.contracts import ConsentGiven, Page, Touch


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
        return self.email or self.user or (self.externals[0] if self.externals else self.by_number)

    @property
    def by_number(self) -> str | None:
        """Who the event is of if it names nobody stronger: its phone number, under the full name where it says one."""
        return self.phone if self.phone is None or self.called is None else under(self.phone, self.called)

    @property
    def persons(self) -> list[str]:
        """The identifiers that name a person, the strongest first."""
        names = [self.email] if self.email is not None else []
        if self.user is not None:
            names.append(self.user)
        if self.externals:
            names += self.externals
        if self.phone is not None:
            if self.called is not None and not names:
                names.append(under(self.phone, self.called))
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
