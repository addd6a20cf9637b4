"""What a batch needs beside its leads, told from the records and the leads as they stand. Nearly always nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from services.route.domain import choice, events, timers
from services.route.domain.events import Assigned, Due, OutcomeCommand, Scored
from services.route.domain.lead import moved, newly_absorbed, opens, released
from services.route.domain.nurture.suppressing import SuppressCommand
from services.route.domain.opening import FIRST_ATTEMPT
from services.route.domain.state import DISQUALIFIED, DUE, SQL, Lead, nobody
from shared.stage import Input


class Needs(Struct):
    """What `decide` may look at, beside the leads. `gate`: it may give a lead to somebody, merge, or judge outcomes of handovers that
    another number may move or withdraw, and so must be alone. `merges`: withdrawals that were told already may count."""

    gate: bool = False
    merges: bool = False
    leads: set[str] = msgspec.field(default_factory=set)
    accounts: set[str] = msgspec.field(default_factory=set)
    events: set[str] = msgspec.field(default_factory=set)  # what may stand on the topic already


def lead_ids(inputs: Iterable[Input]) -> list[str]:
    """The leads that a batch is about, sorted, once each."""
    found: set[str] = set()
    for input_ in inputs:
        event = input_.event
        if type(event) in (Scored, Due, Assigned, SuppressCommand):
            found.add(event.lead_id)
        elif type(event) is OutcomeCommand:
            found.add(event.lead_id)
            named = events.named(event.handover_id) if event.handover_id else None
            if named is not None:
                found.add(named[0])
    return sorted(found)


def looks_gated(inputs: Iterable[Input]) -> bool:
    """Whether a lead of the batch says that it just entered SQL, or there is an outcome or a deadline. A hint: it saves a round trip, and
    decides nothing."""
    return any(
        (type(event) is Scored and event.stage == SQL != event.previous_stage)
        or type(event) in (OutcomeCommand, Assigned)
        or (type(event) is Due and event.kind in timers.GATED)
        for event in (input_.event for input_ in inputs)
    )


def needs(leads: Mapping[Any, Any], inputs: Sequence[Input]) -> Needs | None:
    """What the batch needs, or None when the leads are all. Follows the versions of each lead as `decide` will."""
    found = Needs()
    now: dict[str, Lead] = {}
    may_open = {input_.event.lead_id for input_ in inputs if type(input_.event) is Scored and input_.event.stage == SQL}
    _due(found, leads)
    for input_ in inputs:
        event = input_.event
        if type(event) is Scored:
            lead = now.get(event.lead_id) or leads.get(event.lead_id)
            if (
                event.stage == DISQUALIFIED
                and lead is not None
                and (lead.owner is not None or event.lead_id in may_open)
            ):
                found.gate = True  # what is open is taken back
                found.leads.add(event.lead_id)
            if event.lead_id not in may_open and not event.absorbed and not event.restored:
                continue
            lead = moved(lead or nobody(event.lead_id, input_.part), event, b"")
            now[event.lead_id] = lead
            absorbed = newly_absorbed(lead, event) + released(lead, event)
            if absorbed or opens(lead, event):
                _opening(found, lead, event, input_, absorbed)
        elif type(event) is OutcomeCommand:
            found.gate = True
            named = events.named(event.handover_id) if event.handover_id else None
            found.leads.add(named[0] if named is not None else event.lead_id)
        elif type(event) is Assigned:
            found.gate = True
            found.leads.add(event.lead_id)
    return found if found.gate else None


def _due(found: Needs, leads: Mapping[Any, Any]) -> None:
    """What the timers look at that are due in this batch."""
    for lead_id, due in leads.get(DUE, {}).items():
        if any(timer.kind in timers.GATED for timer in due):
            found.gate = True
            found.leads.add(lead_id)


def _opening(found: Needs, lead: Lead, event: Scored, input_: Input, absorbed: Sequence[str]) -> None:
    found.gate = True
    found.merges = found.merges or bool(absorbed)
    found.leads.update((lead.lead_id, *lead.absorbed.split(), *absorbed))
    found.events.add(events.handover_event(lead.lead_id, lead.episode, FIRST_ATTEMPT))
    found.events.add(events.withdrawal_event(events.handover_id(lead.lead_id, lead.episode, FIRST_ATTEMPT)))
    if input_.record is not None:
        try:
            account = choice.account_of(events.addressed(input_.record.value).profile)
        except msgspec.ValidationError:
            return  # decide will reject it
        if account is not None:
            found.accounts.add(account)
