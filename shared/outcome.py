"""What can come of one record: a decision or a rejection, both values. Nothing here does IO."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from shared.topology import Topic

type_of_data = Struct | bytes


class Reason(StrEnum):
    """Why a record became a dead letter. Closed: a reason never holds data of the record."""

    UNDECODABLE = "undecodable"  # not the JSON that the contract asks for
    UNKNOWN_TYPE = "unknown-type"  # no such event on this topic
    INVALID = "invalid"  # well-formed, but breaks a rule of the contract
    NO_IDENTIFIER = "no-identifier"  # names nobody: no e-mail, user id, phone, vendor or anonymous id
    TOO_LARGE = "too-large"  # it, or what it would cause, is over the size limit
    DECIDE_FAILED = "decide-failed"  # our own code raised; the detail is the exception's class
    REFUSED_BY_STORE = "refused-by-store"  # Postgres refused its row; the detail is the SQLSTATE
    UNKNOWN_LEAD = "unknown-lead"  # an outcome, a command or a deletion of a lead that is not known here
    UNFETCHABLE = "unfetchable"  # a vendor's lead of which only ids came, and whose content can't be had


class Outgoing(Struct, frozen=True, gc=False):
    """One record to be written, decided but not yet sent.

    `event_id` is deterministic (shared.ids.event_id), so that deciding again gives the same record. `key` is the lead
    id (or what the topology names); the partition follows from it, or from the input where the topology says so.
    """

    topic: Topic
    key: str
    type: str
    event_id: str
    data: type_of_data


class CommandResult(Struct, frozen=True):
    """What became of a command: done or refused, and why; pending leaves it as it stands."""

    command_id: str
    status: str
    reason: str | None = None
    result: str | None = None


class Decision(Struct, frozen=True, gc=False):
    """The record was understood: what is now true (by key of the stage's world), and what to tell the others.

    A command's record is done by it, unless `commands` say otherwise: a stage may refuse what it understood, without a dead letter.
    """

    changes: Mapping[Hashable, Any] = field(default_factory=dict)
    emit: Sequence[Outgoing] = ()
    commands: Sequence[CommandResult] = ()


class Reject(Struct, frozen=True):
    """The record's own fault, it would repeat: a dead letter, and the others go on. `detail` never holds personal data."""

    reason: Reason
    detail: str = ""


Outcome = Decision | Reject
