"""Intake: what sales tools say on leads.outcomes.v1, checked and turned into a command for the lead's partition.

A record may have any key and need not have CloudEvents headers. What an outcome does to a handover is outcomes.py's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable

import msgspec

from services.route.domain import events
from services.route.domain.lifecycle import OUTCOMES
from services.route.domain.state import Key, World
from shared import contracts, ids
from shared.clock import from_ms
from shared.clock import text as time_text
from shared.cloudevent import is_uuid
from shared.contracts import OutcomeReported
from shared.outcome import Decision, Outcome, Outgoing, Reason, Reject
from shared.stage import Input, Record
from shared.topology import COMMANDS

REASON_CHARACTERS = 500
BY_CHARACTERS = 200
LEAD_CHARACTERS = 200
LARGEST_AMOUNT = 1e15
_CURRENCY = re.compile(r"[A-Z]{3}")

_reported = msgspec.json.Decoder(OutcomeReported).decode


def decode(record: Record) -> Input | Reject:
    """The outcome in `record`, and the id under which it counts once."""
    if record.headers.get("ce_type", b"lead.outcome") != b"lead.outcome":
        return Reject(Reason.UNKNOWN_TYPE)
    try:
        said = _reported(record.value)
    except msgspec.ValidationError as error:
        return Reject(Reason.INVALID, events.place_of(error))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Reject(Reason.UNDECODABLE)
    wrong = mistake(said)
    if wrong is not None:
        return wrong
    return Input(identified(said, record), said, from_ms(record.timestamp_ms), record.part, record)


def mistake(said: OutcomeReported) -> Reject | None:
    """What is wrong with an outcome, if anything is."""
    if said.outcome not in OUTCOMES:
        return Reject(Reason.INVALID, f"outcome is one of {', '.join(OUTCOMES)}")
    if not said.handover_id and not said.lead_id:
        return Reject(Reason.NO_IDENTIFIER, "an outcome names a handover_id or a lead_id")
    if said.handover_id and events.named(said.handover_id) is None:
        return Reject(Reason.INVALID, "handover_id is no handover's id")
    if said.lead_id is not None and len(said.lead_id) > LEAD_CHARACTERS:
        return Reject(Reason.INVALID, f"lead_id has more than {LEAD_CHARACTERS} characters")
    if said.reason is not None and len(said.reason) > REASON_CHARACTERS:
        return Reject(Reason.INVALID, f"reason has more than {REASON_CHARACTERS} characters")
    if said.by is not None and len(said.by) > BY_CHARACTERS:
        return Reject(Reason.INVALID, f"by has more than {BY_CHARACTERS} characters")
    if said.amount is not None and not (math.isfinite(said.amount) and 0 <= said.amount <= LARGEST_AMOUNT):
        return Reject(Reason.INVALID, "amount is from 0 to 1e15")
    if said.currency is not None and not _CURRENCY.fullmatch(said.currency):
        return Reject(Reason.INVALID, "currency is three capital letters (ISO 4217)")
    if any(text is not None and "\x00" in text for text in (said.handover_id, said.lead_id, said.reason, said.by)):
        return Reject(Reason.INVALID, "a NUL in a text")
    return None


def is_listed(outcome: str, reason: str | None, reasons: Collection[str]) -> bool:
    """Whether a rejection's reason is one that the routing document lists, where it lists any. What comes by topic counts all the same."""
    return outcome != "rejected" or not reason or not reasons or reason in reasons


def identified(said: OutcomeReported, record: Record) -> str:
    """The id of an outcome, which becomes its command's id: the first of these that there is.

    The `ce_id` header (a UUID as it is; another id is unique within its `ce_source`), `event_id` in the payload, the content
    where it has its own time (`content_id`), and the record's place.
    """
    for given in (record.headers.get("ce_id", b"").decode("utf-8", "replace"), said.event_id or ""):
        if is_uuid(given):
            return given
        if given:
            source = record.headers.get("ce_source", b"").decode("utf-8", "replace")
            return ids.event_id("intake", given, source, 0, "lead.outcome")
    if said.occurred_at is not None:
        return content_id(said)
    return ids.event_id("intake", record.topic, str(record.part), record.offset, "lead.outcome")


def content_id(said: OutcomeReported) -> str:
    """The id of an outcome by what it says: of whom, what, when. The same said twice is the same outcome."""
    at = time_text(said.occurred_at) if said.occurred_at is not None else ""
    return ids.event_id("intake", said.handover_id or "", said.lead_id or "", 0, f"{said.outcome} {at}")


def named_in(inputs: Iterable[Input]) -> tuple[list[str], list[str]]:
    """The handovers and the leads that a batch of outcomes names, sorted, once each."""
    said: list[OutcomeReported] = [input_.event for input_ in inputs]
    return (
        sorted({one.handover_id for one in said if one.handover_id}),
        sorted({lead for one in said for lead in (one.lead_id, _lead_in(one)) if lead}),
    )


def decide(world: World, input_: Input) -> Outcome:
    """The command for the lead that the outcome is about: whose the handover is now, else the one in its name, else the named one.

    `world` has the present lead of handovers that are known, and the survivors of leads that are another one by now.
    """
    said: OutcomeReported = input_.event
    lead_id = _lead_in(said) or said.lead_id or ""
    lead_id = world.get(Key("handover", said.handover_id), lead_id) if said.handover_id else lead_id
    lead_id = world.get(Key("absorbed", lead_id), lead_id)
    payload = {
        "handover_id": said.handover_id or None,
        "outcome": said.outcome,
        "occurred_at": said.occurred_at or input_.now,
        "reason": said.reason,
        "amount": said.amount,
        "currency": said.currency,
    }
    command = contracts.Command(
        event_id=input_.event_id,
        kind="outcome",
        issued_at=input_.now,
        lead_id=lead_id,
        by=said.by,
        payload={name: value for name, value in payload.items() if value is not None},
    )
    return Decision(emit=[Outgoing(COMMANDS, lead_id, "lead.command", input_.event_id, command)])


def _lead_in(said: OutcomeReported) -> str | None:
    named = events.named(said.handover_id) if said.handover_id else None
    return named[0] if named is not None else None
