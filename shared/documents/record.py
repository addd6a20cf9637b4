"""A document's record on leads.commands.v1: made for every number, read by the owner of each, decided on. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from shared import clock, cloudevent, contracts, ids
from shared.contracts import Command, Document
from shared.documents.inforce import Documents, version_of
from shared.outcome import CommandResult, Decision, Outcome, Reason, Reject
from shared.stage import Input, Record, World
from shared.topology import COMMANDS

KEY = b"*"
KIND = "document"


class Given(Struct, frozen=True):
    """A document as one number was told of it. `mistakes`: why it can't be used; none where it can."""

    command_id: str
    part: int
    seq: int
    at: datetime
    author: str | None
    document: Document
    mistakes: tuple[str, ...] = ()


def is_one(record: Record) -> bool:
    """Whether a record holds a document, by its key."""
    return record.key == KEY and record.topic == COMMANDS.name


def made(document: Document, *, command_id: str, author: str | None, at: datetime) -> bytes:
    """The record's value."""
    return contracts.encode(Command(event_id=command_id, kind=KIND, issued_at=at, by=author, document=document))


_decode = msgspec.json.Decoder(Command).decode


def decoder(kinds: Mapping[str, Documents[Any]]) -> Callable[[Record], Input | Reject | None]:
    """A stage's decode for documents of these kinds; others are none of its business. The id of the input is one number's: each counts it."""

    def decode(record: Record) -> Input | Reject | None:
        try:
            command = _decode(record.value)
        except msgspec.ValidationError:
            return Reject(Reason.INVALID, "breaks the event's contract")
        except msgspec.DecodeError:
            return Reject(Reason.UNDECODABLE, "is not JSON")
        told = command.document
        if command.kind != KIND or told is None or told.kind not in kinds:
            return None
        if not cloudevent.is_uuid(command.event_id):
            return Reject(Reason.INVALID, "event_id is no UUID")
        given = Given(
            command.event_id,
            record.part,
            record.offset,
            clock.from_ms(record.timestamp_ms),
            command.by,
            told,
            _mistakes(told, kinds[told.kind]),
        )
        id_ = ids.event_id(KIND, command.event_id, str(record.part), 0, told.kind)
        return Input(id_, given, given.at, record.part, record)

    return decode


def _mistakes(told: Document, documents: Documents[Any]) -> tuple[str, ...]:
    """Others can write to the topic too: what an API of ours has checked is checked again."""
    if told.version != version_of(told.text):
        return ("`version` is not the text's: the first 12 hexadecimal digits of its SHA-256",)
    return documents.mistakes(told.text)


def decide(_: World, input_: Input) -> Outcome:
    """A document that can be used is kept; the command is done when the last number has it (store.save tells). Another is refused."""
    given: Given = input_.event
    if given.mistakes:
        said = f"the document can't be used: {'; '.join(given.mistakes)}"
        return Decision(commands=[CommandResult(given.command_id, "refused", said[:2000])])
    return Decision({input_.event_id: given}, commands=[CommandResult(given.command_id, "pending")])
