"""Who gets nothing more, and by which channel: by an operator's word, an unsubscription, a bounce. When it is asked for is sending.py's."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Raw, Struct

from services.route.domain.nurture.state import Stored, Suppressed, Suppression
from services.route.domain.nurture.telling import Changes
from services.route.domain.state import Scene, World

SUPPRESS, LIFT = "suppress", "unsuppress"  # kinds of commands
OPERATOR = "operator"


class SuppressCommand(Struct, frozen=True):
    """A command to send nothing more to a lead (by one channel, or all), and to an address whoever has it; or to do so again."""

    command_id: str
    lead_id: str
    lifts: bool
    channel: str = ""
    why: str = OPERATOR
    address: str = ""  # SHA-256 of the trimmed address in small letters
    by: str = ""


class _Asked(Struct, frozen=True):
    channel: str = ""
    why: str = OPERATOR
    address_sha256: str = ""


_asked = msgspec.json.Decoder(_Asked).decode


def command(command_id: str, lead_id: str, kind: str, payload: Raw, by: str | None) -> SuppressCommand:
    """The command that a record's payload says. Raises msgspec.ValidationError."""
    asked = _asked(payload) if bytes(payload) not in (b"", b"null") else _Asked()
    return SuppressCommand(command_id, lead_id, kind == LIFT, asked.channel, asked.why, asked.address_sha256, by or "")


def subject_of_lead(lead_id: str) -> str:
    """How a lead is named among suppressions."""
    return f"lead:{lead_id}"


def subject_of_address(address: str) -> str:
    """How an address is named among suppressions: hashed, trimmed and in small letters."""
    return f"address:{hashlib.sha256(address.strip().lower().encode()).hexdigest()}"


def carried_out(world: World | Scene, changes: Changes, said: SuppressCommand, *, at: int) -> tuple[Suppression, ...]:
    """What is suppressed for the command's lead once it is carried out. The first word on a channel stands until it is lifted."""
    key = Stored("suppressed", said.lead_id)
    known: tuple[Suppression, ...] = world.get(key) or ()
    names = [subject_of_lead(said.lead_id)] + ([f"address:{said.address}"] if said.address else [])
    after = tuple(one for one in known if one.channel != said.channel) if said.lifts else known
    new = Suppression(said.channel, said.why, at, said.by)
    if not said.lifts:
        after = (*known, new)
    for name in names:
        changes.changes[Suppressed("suppression", name, said.channel)] = None if said.lifts else new
    changes.changes[key] = after
    return after
