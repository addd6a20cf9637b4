"""What an operator can ask for about who is who, read from the payload of a command. Pure; what is made of it is judge.py's.

* merge `{lead_ids, survivor?, reason?}`: these leads are one person. The one that was made first remains, or `survivor`.
* split `{lead_id, identifiers?, event_ids?, reason?}`: what is named is not this person's. Identifiers leave with everything that hangs on them
  alone (binding.py), and never join those again that stay; an identifier takes the lead along that it made. Events go to a lead of their own (all events of one command
  to one), and with an identified event the visits on its cookie that follow it; what the event tied together stays tied: split the identifiers for that.
* review `{id, accept}`: the two that the question is about are one person (accept), or never are.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from services.enrich.domain import agreement, email, external, identity, phone
from services.enrich.domain.world import Answer, Merge, Split, name, under
from shared.outcome import Reason, Reject

_MOST = 100  # leads, identifiers or events of one command
_Id = Annotated[str, Meta(max_length=200)]
_Text = Annotated[str, Meta(max_length=500)]
_Leads = Annotated[list[_Id], Meta(max_length=_MOST)]


class Named(Struct, frozen=True):
    """An identifier as the API shows it."""

    kind: str  # email, user_id, external_id, phone
    value: str
    property: str | None = None
    system: str | None = None
    given: str | None = None  # of a phone: who is called so under it
    family: str | None = None


class _Merge(Struct):
    lead_ids: _Leads = []
    survivor: _Id | None = None
    reason: _Text | None = None


class _Split(Struct):
    lead_id: _Id | None = None
    identifiers: Annotated[list[Named], Meta(max_length=_MOST)] = []
    event_ids: _Leads = []
    reason: _Text | None = None


class _Answer(Struct):
    id: _Id
    accept: bool
    reason: _Text | None = None


_decode_merge = msgspec.json.Decoder(_Merge).decode
_decode_split = msgspec.json.Decoder(_Split).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode


def read_merge(payload: msgspec.Raw) -> Merge | Reject:
    """The payload of a merge. This and the others raise msgspec's errors for what has not their form."""
    said = _decode_merge(payload)
    leads = tuple(dict.fromkeys([*said.lead_ids, *([said.survivor] if said.survivor is not None else [])]))
    if len(leads) < 2:
        return Reject(Reason.INVALID, "a merge needs lead_ids of two leads at least")
    return Merge(leads, said.survivor, said.reason)


def read_split(payload: msgspec.Raw) -> Split | Reject:
    """The payload of a split."""
    said = _decode_split(payload)
    names: dict[str, None] = {}
    for place, one in enumerate(said.identifiers):
        known_by = name_of(one)
        if known_by is None:
            return Reject(Reason.INVALID, f"identifiers[{place}] is none that could be somebody's")
        names[known_by] = None
    if not names and not said.event_ids:
        return Reject(Reason.INVALID, "a split needs identifiers or event_ids that leave")
    return Split(said.lead_id, tuple(names), tuple(dict.fromkeys(id_.lower() for id_ in said.event_ids)), said.reason)


def read_answer(payload: msgspec.Raw) -> Answer:
    """The payload of an answer to the review queue."""
    said = _decode_answer(payload)
    return Answer(said.id.lower(), said.accept, said.reason)


def name_of(one: Named) -> str | None:
    """The name under which an identifier is kept, or None where it can't be one that names a person."""
    if one.kind == "email":
        address = email.read(one.value)
        return name("email", address.match) if address is not None else None
    if one.kind == "phone":
        dialled = phone.read(one.value)
        number = phone.identifier(dialled) if dialled is not None else None
        if number is None or (one.given is None and one.family is None):
            return name("phone", number) if number is not None else None
        called = agreement.called(one.given or "", one.family or "")
        return under(name("phone", number), called) if called is not None else None
    if one.kind == "user_id" and one.property is not None:
        user = identity.legal(one.value)
        return name("user", one.property, user) if user is not None else None
    if one.kind == "external_id" and one.system is not None:
        told = external.told(one.system, one.value)
        return next((external.identifier(system, id_, one.property or "") for system, id_ in told.items()), None)
    return None
