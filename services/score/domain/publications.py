"""What publications of rulesets do to a lead: it is brought through each of them at that one's own moment, before anything later is decided.

So it is the same whether the background comes to a lead first or its own next record does, and a replay of the records decides the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace as with_

from services.score.domain.advising import advised
from services.score.domain.counting import tallied
from services.score.domain.decide import caught_up, decide
from services.score.domain.document import Wrong
from services.score.domain.example import failures
from services.score.domain.inforce import InForce
from services.score.domain.lead import Advised, Event, Lead, Republished, Told, superseded
from services.score.domain.load import load
from services.score.domain.rescore import RULESET, rescored, scored
from services.score.domain.ruleset import SQL
from shared import clock, ids
from shared.documents.inforce import Documents, Standing, Unusable
from shared.outcome import Decision, Outgoing

Rulesets = Documents[InForce]
KIND = "ruleset"
_HOUR_MS = 3_600_000
_FRACTIONS = 2**48


def rulesets(first: str) -> Rulesets:
    """The rulesets of a service that was started with this text. Raises Unusable."""
    return Documents(KIND, read=read, name=lambda in_force: in_force.ruleset.id, first=first)


def read(text: str) -> InForce:
    """The ruleset of a text, ready. Raises Unusable with all its mistakes, those of its own examples included."""
    try:
        in_force = InForce(load(text, source=KIND))
        if failed := list(failures(in_force)):
            raise Wrong(KIND, failed)
    except Wrong as wrong:
        raise Unusable([f"line {one.line}: {one.says}" for one in wrong.mistakes]) from None
    return in_force


def decide_in_force(lead: Lead, event: Event, rulesets: Rulesets, *, now: datetime, input_id: str) -> Decision:
    """`decide` under the ruleset in force for this lead's number at `now`; before it what publications since the lead's own do."""
    standing = rulesets.at(lead.part, now)
    ruled = lead.state.ruled
    told: list[Outgoing] = []
    if standing.seq > ruled:
        lead, told = brought_up_to(lead, rulesets, now)
    elif standing.seq < ruled:
        # A record that is later came first, and has brought the lead further: there is no way back.
        standing = rulesets.by_seq(lead.part, ruled)
        if isinstance(event, Told):
            event = with_(event, fact=standing.document.fact(event.activity))
    if isinstance(event, Republished):
        return Decision({lead.lead_id: lead}, told) if lead.state.ruled != ruled else Decision()
    in_force = standing.document
    if isinstance(event, Advised):
        decision = advised(lead, event, in_force, now=now, input_id=input_id)
    else:
        decision = decide(lead, event, in_force, now=now, input_id=input_id)
    if lead.state.ruled == ruled:
        return decision
    return Decision(decision.changes or {lead.lead_id: lead}, (*told, *decision.emit))


def brought_up_to(lead: Lead, rulesets: Rulesets, now: datetime) -> tuple[Lead, list[Outgoing]]:
    """The lead after every publication up to now, what the clock does in between included, and a lead.scored for each change."""
    told: list[Outgoing] = []
    for one in rulesets.since(lead.part, lead.state.ruled, now):
        before = rulesets.by_seq(lead.part, lead.state.ruled).document
        lead, changed = caught_up(lead, before, one.at)
        told += changed
        lead, changed = republished(lead, one)
        told += changed
    return lead, told


def republished(lead: Lead, one: Standing[InForce]) -> tuple[Lead, list[Outgoing]]:
    """The lead at the moment of a publication, scored under it, and the lead.scored that says so. It says nothing where nothing is told of the
    lead, or the text is the one by which it is counted already."""
    before, in_force = lead.state, one.document
    if (
        lead.profile_version < 0
        or before.absorbed_into is not None
        or before.fingerprint == in_force.ruleset.fingerprint
    ):
        return with_(lead, state=with_(before, ruled=one.seq)), []
    if lead.bodies is None:
        raise LookupError("the ruleset is another one, and the lead's activities were not loaded")
    # What is remembered of its activities says under which rules of the ruleset before they fall.
    fresh = (kept.body for kept in lead.kept if kept.life == before.life)
    lead = with_(lead, bodies=(*lead.bodies, *fresh), history=None)
    counted = tallied(in_force, lead, one.at)
    entering = before.may_enter_sql or before.enters_at is not None

    def at_its_moment(may_enter_sql: bool, enters_at: datetime | None) -> tuple[Any, Any]:
        return rescored(
            before,
            in_force,
            counted,
            profile=lead.profile,
            absorbed=before.absorbed,
            now=one.at,
            now_in=before.stage,
            may_enter_sql=may_enter_sql,
            enters_at=enters_at,
            by_clock=True,
        )

    after, points = at_its_moment(entering, None)
    if after.stage == SQL != before.stage and (wait := _wait(one.options, lead.lead_id, one.seq)) is not None:
        after, points = at_its_moment(False, one.at + wait if wait else None)
    after = with_(after, ruled=one.seq)
    lead = with_(lead, state=after, history=counted.past, former=superseded(lead, after))
    input_id = ids.timer_id(lead.lead_id, f"{KIND} {one.seq}", clock.to_ms(one.at))
    return lead, [scored(lead, before, points, in_force, input_id=input_id, cause=RULESET)]


def _wait(options: Mapping[str, Any], lead_id: str, seq: int) -> timedelta | None:
    """How long a lead waits that a publication alone brings into SQL: not at all (None), until it does something (zero), or, where they are to
    come in at a rate, its own place in the time that all of them take: the same whoever asks, and spread evenly."""
    if options.get("handover") is False:
        return timedelta()
    rate, expected = options.get("rate_per_hour"), options.get("expected", 0)
    if not rate:
        return None
    digest = hashlib.sha256(f"{lead_id}\x1f{seq}".encode()).digest()
    place = int.from_bytes(digest[:6], "big") / _FRACTIONS
    milliseconds = round(place * expected / rate * _HOUR_MS)
    return timedelta(milliseconds=max(1, milliseconds))
