"""A store of enrich without Postgres: the same rows, the same load, and what a reader of leads.enriched.v1 makes of it. For tests."""

from __future__ import annotations

import uuid
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from services.enrich.domain import command, intake
from services.enrich.domain.cookies import HISTORY_EVENTS
from services.enrich.domain.decide import decide
from services.enrich.domain.lacking import lacking, names, names_of
from services.enrich.domain.world import Answer, Command, Cookie, Kept, Moments, NotLoaded, Ruling, Untold, Visits
from shared import clock, ids
from shared.outcome import Outgoing, Reject
from shared.stage import Input, Record
from shared.topology import COMMANDS

SECRET = b"a secret of thirty-two bytes ...."
MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def event(event_id: str = "e1", *, at: timedelta | float = 0, **fields: Any) -> dict[str, Any]:
    """A lead.captured as JSON would hold it: a contact form of Monday morning; `at` in minutes after that."""
    when = MONDAY + (at if isinstance(at, timedelta) else timedelta(minutes=at))
    email = fields.pop("email", None)
    traits = {**({"email": email} if email is not None else {}), **fields.pop("traits", {})}
    said = {
        "event_id": event_id,
        "property": "shop",
        "kind": "form",
        "name": "contact",
        "occurred_at": when,
        "received_at": when,
    }
    return {**said, "traits": traits, **fields}


def page(event_id: str, cookie: str, *, at: timedelta | float = 0, **fields: Any) -> dict[str, Any]:
    """A page view that names nobody but a cookie."""
    return event(event_id, at=at, **{"kind": "page", "name": "", "anonymous_id": cookie, **fields})


def record(said: dict[str, Any], *, at_ms: int = 1_795_000_000_000) -> Record:
    return Record("leads.captured.v1", 0, 0, at_ms, None, msgspec.json.encode(said), {})


class Memory:
    """Tables as dicts. `load` gives no more than Postgres would, so a decision that lacks something shows."""

    def __init__(self, tick_ms: int = 1000) -> None:
        self.tick_ms = tick_ms
        self.identifiers: dict[str, Any] = {}
        self.leads: dict[str, Any] = {}
        self.activities: dict[str, Kept] = {}
        self.reviews: dict[str, Any] = {}  # by phone
        self.judgements: dict[str, Any] = {}
        self.rulings: dict[str, Ruling] = {}
        self.untold: dict[Any, Untold] = {}
        self.sent: list[Outgoing] = []
        self.decided_at: list[datetime] = []  # of each in `sent`: the time of the record that caused it
        self.recalling: dict[Hashable, Any] = {}  # what a rebuild knows besides
        self.clock = 1_795_000_000_000

    def batch(self, events: Sequence[dict[str, Any]]) -> list[Reject]:
        """One batch of events, each a tick after the one before."""
        arrivals = []
        for said in events:
            self.clock += self.tick_ms
            arrivals.append((said, self.clock))
        return self.arrive(arrivals)

    def arrive(self, arrivals: Sequence[tuple[dict[str, Any], int]]) -> list[Reject]:
        """One batch, each with the broker's time (ms), through decode, seen, load, decide and save, as the shell does it."""
        inputs: dict[str, Input] = {}
        rejected: list[Reject] = []
        for said, at_ms in arrivals:
            read = intake.decode(record(said, at_ms=at_ms))
            if isinstance(read, Reject):
                rejected.append(read)
            elif read.event_id not in self.activities:
                inputs.setdefault(read.event_id, read)
        return rejected + self.decided(list(inputs.values()))

    def decided(self, fresh: Sequence[Input]) -> list[Reject]:
        """What was read, decided on as one batch."""
        world = self.load(fresh)
        rejected: list[Reject] = []
        for input_ in fresh:
            decision = decide(world, input_, secret=SECRET)
            if isinstance(decision, Reject):
                rejected.append(decision)
                continue
            world.update(decision.changes)
            self.sent += decision.emit
            self.decided_at += [input_.now] * len(decision.emit)
            self.save(decision.changes)
        return rejected

    def command(self, asked: Command) -> None:
        """A command in a batch of its own."""
        self.clock += self.tick_ms
        value = record({}, at_ms=self.clock)
        assert not self.decided([Input(asked.command_id, asked, clock.from_ms(self.clock), 0, value)])

    def ask(self, kind: str, *, at: float = 10_000, number: int = 0, **payload: Any) -> Reject | None:
        """A command of an operator, given `at` minutes after Monday morning; why it was refused."""
        given_at = MONDAY + timedelta(minutes=at)
        command_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {at} {number}"))
        said = {"event_id": command_id, "kind": kind, "issued_at": given_at, "by": "kim", "payload": payload}
        self.clock += self.tick_ms
        read = command.decode(Record(COMMANDS.name, 0, 0, self.clock, None, msgspec.json.encode(said), {}))
        assert isinstance(read, Input)
        return next(iter(self.decided([read] if read.event_id not in self.judgements else [])), None)

    def tell(self, most: int = 1_000) -> None:
        """What was left to be told, a slice of it."""
        left = list(self.untold.values())[:most]
        assert not self.decided([Input(str(one.key), one, one.at, one.part) for one in left])

    def lead_of(self, event_id: str) -> str:
        """The lead that an event of the shop is of."""
        return self.activities[ids.submission_id("shop", event_id)].lead_id or "nobody's"

    def load(self, inputs: Sequence[Input]) -> dict[Hashable, Any]:
        world: dict[Hashable, Any] = dict(self.recalling)
        for input_ in inputs:
            for name in names(input_):
                self._identifier(world, name)
            if isinstance(input_.event, Untold):
                world["lead", input_.event.lead_id] = self.leads[input_.event.lead_id]
                world["activity", input_.event.event_id] = self.activities[input_.event.event_id]
                continue
            if isinstance(input_.event, Command) and isinstance(input_.event.asked, Answer):
                questions = {one.review_id: one for one in self.reviews.values()}
                world["asked", input_.event.asked.review_id] = questions.get(input_.event.asked.review_id)
            asked = command.events(input_.event) if isinstance(input_.event, Command) else [input_.event_id]
            for event_id in asked:
                if event_id in self.rulings:
                    world["ruling", event_id] = self.rulings[event_id]
                if isinstance(input_.event, Command) and event_id in self.activities:
                    world["activity", event_id] = kept = self.activities[event_id]
                    if kept.lead_id is not None:
                        world["lead", kept.lead_id] = self.leads[kept.lead_id]
        lack = lacking(world, inputs, secret=SECRET)
        while lack is not None:
            self._fetch(world, lack)
            lack = lacking(world, inputs, secret=SECRET, again=True)
        return world

    def save(self, changes: Any) -> None:
        for key, value in changes.items():
            match key:
                case ("identifier", name):
                    self.identifiers[name] = value
                case ("lead", lead_id):
                    self.leads[lead_id] = value
                case ("activity", event_id):
                    self.activities[event_id] = value
                case ("judgement", command_id):
                    self.judgements[command_id] = value
                case ("review", phone) if value is not None:
                    self.reviews[phone] = value
                case ("review", phone):
                    self.reviews.pop(phone, None)
                case ("untold", *_) if value is not None:
                    self.untold[key] = value
                case ("untold", *_):
                    del self.untold[key]
                case ("ruling", event_id):
                    self.rulings[event_id] = value

    def _identifier(self, world: dict[Hashable, Any], name: str) -> None:
        if name in self.identifiers:
            world["identifier", name] = row = self.identifiers[name]
            if row.lead_id is not None:
                world["lead", row.lead_id] = self.leads[row.lead_id]

    def _fetch(self, world: dict[Hashable, Any], lack: NotLoaded) -> None:
        for name, since in lack.cookies.items():
            on = sorted(
                (k for k in self.activities.values() if k.happened.cookie == name), key=lambda k: k.happened.rank
            )
            before = [k for k in on if k.happened.at < since]
            base = [k for k in before if k.happened.person is not None]
            window = [k for k in on if k.happened.at >= since]
            window += (
                [k for k in before if k.happened.rank >= base[-1].happened.rank] if base else before[-HISTORY_EVENTS:]
            )
            world["visits", name] = Visits(since, tuple(k.happened.event_id for k in window))
            for kept in window:
                world["activity", kept.happened.event_id] = kept
                if kept.lead_id is not None:
                    world["lead", kept.lead_id] = self.leads[kept.lead_id]
        for name in lack.names:
            world["identifier", name] = None
            self._identifier(world, name)
        for name, spans in lack.moments.items():
            # No more than was asked for: what is around it is not known.
            there = [k for k in self.activities.values() if k.happened.crowd == name]
            around = [k for k in there if any(since <= k.happened.at <= until for since, until in spans)]
            known: Moments = world.get(("moments", name)) or Moments(spans=())
            events = dict.fromkeys((*known.events, *(k.happened.event_id for k in around)))
            world["moments", name] = Moments(tuple(events), (*(known.spans or ()), *spans))
            for kept in around:
                world["activity", kept.happened.event_id] = kept
                if kept.lead_id is not None:
                    world["lead", kept.lead_id] = self.leads[kept.lead_id]
        for lead_id in lack.leads:
            world["lead", lead_id] = self.leads.get(lead_id)
            theirs = [k for k in self.activities.values() if k.lead_id == lead_id]
            world["history", lead_id] = tuple(k.happened.event_id for k in theirs)
            for kept in theirs:
                world["activity", kept.happened.event_id] = kept
                for name in (*names_of(kept.happened), *([kept.apart.to] if kept.apart is not None else ())):
                    self._identifier(world, name)
            absorbed = [lead for lead in self.leads.values() if lead.absorbed_into == lead_id]
            world["absorbed", lead_id] = tuple(lead.lead_id for lead in absorbed)
            world.update({("lead", lead.lead_id): lead for lead in absorbed})

    def people(self) -> set[frozenset[str]]:
        """The events, grouped by lead; visitors' events are not in it."""
        return _grouped({k.happened.event_id: k.lead_id for k in self.activities.values()})

    def states(self, judged: Mapping[str, Kept] | None = None) -> dict[frozenset[str], Any]:
        """The profile state of each group of events; with `judged`, of those that are no repeats."""
        groups: dict[str, list[str]] = {}
        for event_id, kept in self.activities.items():
            if kept.lead_id is not None and not (judged and judged[event_id].repeat):
                groups.setdefault(kept.lead_id, []).append(kept.happened.event_id)
        return {frozenset(events): self.leads[lead_id].state for lead_id, events in groups.items()}

    def heard(self) -> tuple[set[frozenset[str]], dict[frozenset[str], Any]]:
        assert len({sent.event_id for sent in self.sent}) == len(self.sent), "an event id was used twice"
        return heard(self.sent)


def heard(told: Iterable[Outgoing]) -> tuple[set[frozenset[str]], dict[frozenset[str], Any]]:
    """What a reader of leads.enriched.v1 makes of it: the groups of events, and each one's latest profile."""
    known: dict[str, dict[str, tuple[int, bool]]] = {}
    latest: dict[str, tuple[int, Any]] = {}
    absorbed: set[str] = set()
    for sent in told:
        data: Any = sent.data
        if sent.type == "lead.merged":
            absorbed.add(data.absorbed)
        elif sent.type == "lead.split":
            absorbed.discard(data.restored)
            known.pop(data.restored, None)
        elif sent.type == "lead.enriched":
            theirs = known.setdefault(data.lead_id, {})
            if data.activity.revision > theirs.get(data.activity.id, (0, False))[0]:
                theirs[data.activity.id] = data.activity.revision, bool(data.activity.withdrawn)
            if data.profile_version >= latest.get(data.lead_id, (0, None))[0]:
                latest[data.lead_id] = data.profile_version, (data.profile, data.first_touch, data.last_touch)
    groups = {
        lead: frozenset(id_ for id_, (_, withdrawn) in theirs.items() if not withdrawn)
        for lead, theirs in known.items()
        if lead not in absorbed
    }
    return {g for g in groups.values() if g}, {groups[lead]: latest[lead][1] for lead in groups if groups[lead]}


def _grouped(lead_of: dict[str, str | None]) -> set[frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for event_id, lead in lead_of.items():
        if lead is not None:
            groups.setdefault(lead, set()).add(event_id)
    return {frozenset(group) for group in groups.values()}


__all__ = ["MONDAY", "SECRET", "Cookie", "Memory", "event", "page", "record"]
