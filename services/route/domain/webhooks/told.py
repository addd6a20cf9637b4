"""What of leads.handover.v1 is told to subscribers, and in which form: the body and the idempotency key of each message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from services.route.domain import events
from shared import clock
from shared.cloudevent import is_uuid
from shared.outcome import Decision, Outcome, Reason, Reject
from shared.stage import Input, Record
from shared.topology import HANDOVER

TEST = "hook.test"


class _Said(msgspec.Struct):
    event_id: str
    handover_id: str
    lead_id: str
    deadline: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One event as subscribers get it. `key` is its idempotency key (webhook-id): a handover and attempt, and what became of it."""

    event_id: str
    type: str
    key: str
    lead_id: str
    at: datetime
    body: bytes


_said = msgspec.json.Decoder(_Said).decode


def decode(record: Record) -> Input | Reject:
    """An event of the topic, ready to be told."""
    type_ = record.headers.get("ce_type", b"").decode("utf-8", "replace")
    if type_ not in HANDOVER.events:
        return Reject(Reason.UNKNOWN_TYPE)
    try:
        said = _said(record.value)
    except msgspec.ValidationError as error:
        return Reject(Reason.INVALID, events.place_of(error))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Reject(Reason.UNDECODABLE)
    if not is_uuid(said.event_id):
        return Reject(Reason.INVALID, "event_id is no UUID")
    now = clock.from_ms(record.timestamp_ms)
    key = ":".join(
        part for part in (said.handover_id, type_.removeprefix("lead.handover").strip("."), said.deadline) if part
    )
    told = Told(said.event_id, type_, key, said.lead_id, now, body(type_, now, record.value))
    return Input(said.event_id, told, now, record.part, record)


def body(type_: str, at: datetime, data: bytes) -> bytes:
    """A message as Standard Webhooks 1.0 lays it out: type, timestamp, data. https://github.com/standard-webhooks/standard-webhooks (2026-11)"""
    return msgspec.json.encode({"type": type_, "timestamp": clock.text(at), "data": msgspec.Raw(data)})


def decide(_: Mapping[Any, Any], input_: Input) -> Outcome:
    """Every event is kept for whoever subscribes to it; who that is, the store knows."""
    return Decision(changes={input_.event_id: input_.event})
