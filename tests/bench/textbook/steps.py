"""What each textbook stage makes of one event and the lead as it was: the services' own domain functions in a row. No IO, no Faust."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

import services.route
from services.enrich.domain import emission, intake, profile
from services.enrich.domain.leads import raised
from services.enrich.domain.world import Happened, Kept
from services.enrich.domain.world import Lead as EnrichLead
from services.route.domain import decode as route_decode
from services.route.domain import document
from services.route.domain.decide import decide_scored
from services.route.domain.events import Scored
from services.route.domain.state import Key
from services.route.domain.state import Lead as RouteLead
from services.score import decode as score_decode
from services.score.domain import publications
from services.score.domain.decide import decide
from services.score.domain.lead import Lead as ScoreLead
from services.score.domain.lead import State, Told
from services.score.settings import SHIPPED
from shared import contracts, ids
from shared.outcome import Outgoing, Reject
from shared.stage import Input, Record

_encode = msgspec.msgpack.Encoder().encode


class Row(NamedTuple):
    """What is inserted for one event, and what is sent when that was new. `extra` is a column of its own."""

    event_id: str
    lead_id: str
    version: int
    lead: bytes
    extra: bytes | None
    send: Sequence[tuple[str, bytes]]  # key, value


class Stage(NamedTuple):
    """`read` tells an event and whose it is, or None for what is passed over; `step` what it does to the lead as it was.

    `activities` fetches all that was ever kept as `extra`; `step` asks when it needs them (LookupError).
    """

    read: Callable[[Record], tuple[str, Input] | None]
    step: Callable[[bytes | None, Input, Sequence[bytes] | None], Row | None]


def enrich(secret: bytes) -> Stage:
    """Normalises an event and adds it to its lead, which is found by its strongest identifier."""
    decode = msgspec.msgpack.Decoder(EnrichLead).decode

    def read(record: Record) -> tuple[str, Input] | None:
        found = intake.decode(record)
        return None if isinstance(found, Reject) else (ids.lead_id(secret, _name(found.event)), found)

    def step(known: bytes | None, found: Input, _: Sequence[bytes] | None) -> Row | None:
        happened: Happened = found.event
        name = _name(happened)
        lead = decode(known) if known is not None else EnrichLead(ids.lead_id(secret, name), found.now, name)
        state = profile.add(lead.state, Kept(happened), {})
        lead = msgspec.structs.replace(lead, version=raised(lead.version, found.now), state=state)
        sent = _encoded(emission.enriched(lead, [Kept(happened, lead.lead_id, 1)], emission.Told()))
        return Row(happened.event_id, lead.lead_id, lead.version, _encode(lead), None, sent)

    return Stage(read, step)


class Scores(msgspec.Struct, array_like=True):
    """A lead as the textbook's scores keep it: one row with everything in it."""

    lead_id: str
    part: int
    profile_version: int = -1
    profile: bytes = b""
    first_touch: bytes = b""
    last_touch: bytes = b""
    state: State = State()


def score() -> Stage:
    """Scores a lead anew for each of its activities, by the shipped ruleset."""
    rulesets = publications.rulesets(SHIPPED.read_text())
    read_record = score_decode.decoder(rulesets)
    in_force = rulesets.latest(0).document
    decode = msgspec.msgpack.Decoder(Scores).decode

    def read(record: Record) -> tuple[str, Input] | None:
        found = read_record(record)
        if found is None or isinstance(found, Reject) or not isinstance(found.event, Told):
            return None
        return found.event.lead_id, found

    def step(known: bytes | None, found: Input, activities: Sequence[bytes] | None) -> Row | None:
        told: Told = found.event
        row = decode(known) if known is not None else Scores(told.lead_id, found.part)
        lead = ScoreLead(**msgspec.structs.asdict(row))
        if activities is not None:
            lead = msgspec.structs.replace(lead, bodies=tuple(activities))
        decision = decide(lead, told, in_force, now=found.now, input_id=found.event_id)
        after: ScoreLead = decision.changes[told.lead_id]
        row = Scores(*(getattr(after, field) for field in Scores.__struct_fields__))
        version = after.state.score_version
        return Row(found.event_id, told.lead_id, version, _encode(row), told.activity, _encoded(decision.emit))

    return Stage(read, step)


def route() -> Stage:
    """Hands a lead over when it enters SQL, by the shipped routing document. Pools and accounts are remembered here."""
    shipped = Path(services.route.__path__[0]) / "routing" / "default.yaml"
    routing = document.read(shipped.read_text(), name=shipped.name)
    decode = msgspec.msgpack.Decoder(RouteLead).decode
    remembered: dict[Any, Any] = {}

    def read(record: Record) -> tuple[str, Input] | None:
        found = route_decode.decode(record)
        if isinstance(found, Reject) or not isinstance(found.event, Scored):
            return None
        return found.event.lead_id, found

    def step(known: bytes | None, found: Input, _: Sequence[bytes] | None) -> Row | None:
        lead_id = found.event.lead_id
        world: Any = ChainMap({lead_id: decode(known)} if known is not None else {}, remembered)
        decision = decide_scored(routing, world, found)
        if isinstance(decision, Reject) or lead_id not in decision.changes:
            return None
        for key, value in decision.changes.items():
            if isinstance(key, Key) and key.kind in ("pool", "account"):
                remembered[key] = value
        after: RouteLead = decision.changes[lead_id]
        sent = _encoded(decision.emit)
        return Row(found.event_id, lead_id, after.version, _encode(after), sent[0][1] if sent else None, sent)

    return Stage(read, step)


def _name(happened: Happened) -> str:
    return happened.person or happened.cookie or ""


def _encoded(emit: Sequence[Outgoing]) -> list[tuple[str, bytes]]:
    return [(out.key, out.data if isinstance(out.data, bytes) else contracts.encode(out.data)) for out in emit]
