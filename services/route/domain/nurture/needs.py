"""What a batch needs for nurture beside its leads and their state, told from the records and what is loaded. Nearly always nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from services.route.domain.events import Due, OutcomeCommand, Scored
from services.route.domain.nurture import about
from services.route.domain.nurture.ready import Ready
from services.route.domain.nurture.state import Nurtured, Stored
from services.route.domain.nurture.suppressing import SuppressCommand, subject_of_address, subject_of_lead
from services.route.domain.state import DUE, Key, Lead
from services.route.domain.timers import NURTURE
from shared import clock
from shared.stage import Input

InForce = Callable[[int, datetime], Ready]  # the document of a number at a moment


class Needs(Struct):
    """`rows`: leads whose state is read again and locked, since another number may write it or clock and merge may meet. `suppressed`: leads
    to which something may be sent. `addresses`: those of their addresses that the batch itself tells, hashed."""

    rows: set[str] = msgspec.field(default_factory=set)
    suppressed: set[str] = msgspec.field(default_factory=set)
    addresses: dict[str, set[str]] = msgspec.field(default_factory=dict)


def needs(in_force: InForce, world: Mapping[Any, Any], inputs: Sequence[Input]) -> Needs:
    """What the batch needs."""
    found = Needs()
    if not inputs:
        return found
    for lead_id, timers in world.get(DUE, {}).items():
        if any(timer.kind == NURTURE for timer in timers):
            found.rows.add(lead_id)
            found.suppressed.add(lead_id)
    first, last = min(input_.now for input_ in inputs), max(input_.now for input_ in inputs)
    span = clock.to_ms(last) - clock.to_ms(first)
    documents: dict[int, Ready] = {}
    nurtured = {key.id: one for key, one in world.items() if type(one) is Nurtured}
    for input_ in inputs:
        event = input_.event
        if type(event) is Scored:
            ready = documents.get(input_.part)
            if ready is None:
                ready = documents[input_.part] = in_force(input_.part, last)
            _scored(ready, world, nurtured.get(event.lead_id), event, span, found)
        elif type(event) is OutcomeCommand or type(event) is SuppressCommand:
            around = {key for key, value in world.items() if type(value) is Lead}
            found.rows |= around
            found.suppressed |= around | {event.lead_id}
        elif type(event) is Due and event.kind == NURTURE:
            found.rows.add(event.lead_id)
            found.suppressed.add(event.lead_id)
    return found


def subjects(world: Mapping[Any, Any], found: Needs) -> dict[str, set[str]]:
    """Under which names something may be suppressed for each of the leads to which something may be sent."""
    named: dict[str, set[str]] = {}
    for lead_id in found.suppressed:
        lead: Lead | None = world.get(lead_id)
        nurtured: Nurtured | None = world.get(Stored("nurture", lead_id))
        ids: Collection[str] = (lead_id, *lead.absorbed.split()) if lead is not None else (lead_id,)
        names = {subject_of_lead(id_) for id_ in ids} | found.addresses.get(lead_id, set())
        if nurtured is not None and (address := about.address_in(nurtured.facts.profile)) is not None:
            names.add(subject_of_address(address))
        named[lead_id] = names
    return named


def _scored(
    ready: Ready, world: Mapping[Any, Any], nurtured: Nurtured | None, event: Scored, span: int, found: Needs
) -> None:
    merges: set[str] = set()
    if event.absorbed or event.restored:
        lead: Lead | None = world.get(event.lead_id)
        known = lead.absorbed.split() if lead is not None else ()
        merges = {*(event.absorbed or ())}.difference(known) | {*(event.restored or ())}
    # In a batch of records that waited long, what one of them begins may be due before the last.
    is_long = span >= ready.shortest and bool(ready.tracks(event.stage))
    if merges:
        found.rows |= {event.lead_id, *merges}
        found.rows.update(*(world.get(Key("absorbs", id_), ()) for id_ in merges))
    elif not is_long and not _may_send(ready, nurtured, event):
        return
    found.suppressed.add(event.lead_id)
    if (address := about.address_told(event)) is not None:
        found.addresses.setdefault(event.lead_id, set()).add(subject_of_address(address))


def _may_send(ready: Ready, nurtured: Nurtured | None, event: Scored) -> bool:
    """Whether this record, or one of its lead right after it, may lead to something that is sent, or to an audience."""
    if event.segments or ready.sends_at_once(event.stage) or ready.may_ask(bytes(event.activity)):
        return True
    return nurtured is not None and bool(nurtured.member_of or nurtured.added or ready.waits_for(nurtured))
