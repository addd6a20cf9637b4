"""What an operator asks for: that leads are made one, that identifiers or events leave one, or an answer to a question of the review queue. Pure.

Here it is judged, and refused with a reason; what was accepted is a Judgement (judgement.py), and what follows from it is regroup.py's.

* merge `{lead_ids, survivor?, reason?}`: these leads are one person. The one that was made first remains, or `survivor`.
* split `{lead_id, identifiers?, event_ids?, reason?}`: what is named is not this person's. Identifiers leave with everything that hangs on them
  alone (binding.py), and never join those again that stay; an identifier takes the lead along that it made. Events go to a lead of their own (all events of one command
  to one), and with an identified event the visits on its cookie that follow it; what the event tied together stays tied: split the identifiers for that.
* review `{id, accept}`: the two that the question is about are one person (accept), or never are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from services.enrich.domain import binding, email, external, identity, phone
from services.enrich.domain.component import own_identifiers
from services.enrich.domain.judgement import Judgement, Pair
from services.enrich.domain.regroup import regroup
from services.enrich.domain.review import Review
from services.enrich.domain.world import Answer, Command, Identifier, Lead, Merge, NotLoaded, Split, World, name
from shared.outcome import Decision, Reason, Reject
from shared.stage import Input

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
        return name("phone", number) if number is not None else None
    if one.kind == "user_id" and one.property is not None:
        user = identity.legal(one.value)
        return name("user", one.property, user) if user is not None else None
    if one.kind == "external_id" and one.system is not None:
        told = external.told(one.system, one.value)
        return next((external.identifier(system, id_, one.property or "") for system, id_ in told.items()), None)
    return None


def decide(
    world: World, input_: Input, command: Command, asked: Merge | Split | Answer, *, secret: bytes
) -> Decision | Reject:
    """What a command changes and tells; or a Reject that says why it can't be done, by lead ids, and places in the command, only.

    Raises NotLoaded as regroup does.
    """
    events: tuple[str, ...] = ()
    match asked:
        case Merge():
            pairs = _merge(world, asked, anew=input_.record is None)
        case Split():
            pairs, events = _split(world, asked, command.lead_id), asked.event_ids
        case Answer():
            pairs = _answer(world, asked)
    if isinstance(pairs, Reject):
        return pairs
    judgement = Judgement(command.command_id, command.at, tuple(pairs), events, asked.reason, command.by)
    decision = carried_out(world, input_, judgement, secret=secret)
    if not decision.emit and not isinstance(asked, Answer) and input_.record is not None:
        return Reject(Reason.INVALID, "nothing would change")
    return decision


def carried_out(world: World, input_: Input, judgement: Judgement, *, secret: bytes) -> Decision:
    """What a ruling changes and tells; of identifiers that nobody has heard of yet it holds once they come. Raises NotLoaded as regroup does."""
    found: dict[str, Identifier] = {}
    for pair in judgement.pairs:
        for one, other in ((pair.one, pair.other), (pair.other, pair.one)):
            row = found.get(one) or world.get(("identifier", one)) or Identifier(one)
            found[one] = binding.rule(row, other, judgement.said(pair.to))
    if judgement.events:
        found[judgement.apart] = Identifier(judgement.apart)
        lead_id: str = world["activity", judgement.events[0]].lead_id
        found = {**_rows(world, own_identifiers(world, lead_id)), **found}
    decision = regroup(world, input_, found, secret=secret, ruling=judgement)
    return Decision({**decision.changes, ("judgement", judgement.command_id): judgement}, decision.emit)


def _rows(world: World, names: Iterable[str]) -> dict[str, Identifier]:
    return {one: row for one in names if (row := world.get(("identifier", one))) is not None}


def _merge(world: World, asked: Merge, *, anew: bool) -> Sequence[Pair] | Reject:
    """`anew`: a rebuild has kept what the merge told, and now learns why."""
    found = _leads(world, asked.lead_ids)
    if isinstance(found, Reject):
        return found
    leads = {lead.lead_id: lead for lead in found.values()}
    if len(leads) < 2 and anew:
        makers = [world["lead", lead_id].made_by for lead_id in asked.lead_ids]
        return [Pair(makers[0], maker, binding.JOIN) for maker in makers[1:]]
    if len(leads) < 2:
        return Reject(Reason.INVALID, "nothing would change: they are one lead already")
    remains = found[asked.survivor].lead_id if asked.survivor is not None else None
    first = remains or min(leads.values(), key=lambda lead: (lead.made_at, lead.lead_id)).lead_id
    to = binding.JOIN if remains is None else f"{binding.JOIN} {remains}"
    theirs = {lead_id: _person(world, lead) for lead_id, lead in leads.items()}
    pairs = [
        Pair(binding.strongest(theirs[first]), binding.strongest(names), to)
        for id_, names in theirs.items()
        if id_ != first
    ]
    groups = list(theirs.values())
    for place, names in enumerate(groups):
        for others in groups[place + 1 :]:
            pairs += _parted(world, names, others, to)
    return pairs


def _parted(world: World, names: Collection[str], others: Collection[str], to: str) -> list[Pair]:
    """Pairs of the one and of the other that were parted: what joins the two people says of these too that they are one."""
    return [
        Pair(one, other, to)
        for one in sorted(names)
        if (row := world.get(("identifier", one))) is not None
        for other, tie in binding.rulings(row)
        if tie.to == binding.PART and other in others
    ]


def _split(world: World, asked: Split, lead_id: str | None) -> Sequence[Pair] | Reject:
    about = asked.lead_id or lead_id
    if about is None:
        return Reject(Reason.INVALID, "a split needs a lead_id")
    found = _leads(world, (about,))
    if isinstance(found, Reject):
        return found
    lead = found[about]
    history: Sequence[str] = world["history", lead.lead_id]
    for place, event_id in enumerate(asked.event_ids):
        if event_id not in history:
            return Reject(Reason.INVALID, f"event_ids[{place}] is no event of lead {lead.lead_id}")
    left = [one for id_ in history if id_ not in asked.event_ids and (one := world["activity", id_]).person is not None]
    names = _person(world, lead)
    for place, one in enumerate(asked.identifiers):
        if one not in names:
            return Reject(Reason.INVALID, f"identifiers[{place}] is no identifier of lead {lead.lead_id}")
    rows = _rows(world, names)
    gone = {one for one in names if _hangs_on(one, asked.identifiers, rows)}
    stay = sorted(names - gone)
    if not left or not stay or not any(one.person in stay for one in left):
        return Reject(Reason.INVALID, f"nothing would be left of lead {lead.lead_id}: name fewer")
    return [Pair(one, other, binding.PART) for one in asked.identifiers for other in stay]


def _hangs_on(one: str, leaving: Collection[str], rows: Mapping[str, Identifier]) -> bool:
    """Whether an identifier leaves, or hangs on one that does."""
    above: str | None = one
    while above is not None:
        if above in leaving:
            return True
        row = rows.get(above)
        above = binding.parent(row, rows.get) if row is not None else None
    return False


def _answer(world: World, asked: Answer) -> Sequence[Pair] | Reject:
    question: Review | None = world.get(("asked", asked.review_id))
    if question is None:
        return Reject(Reason.INVALID, "there is no such question in the review queue, or it is answered")
    two = question.phone, question.strong
    if unknown := frozenset(one for one in two if ("identifier", one) not in world):
        raise NotLoaded(names=unknown)
    if not asked.accept:
        return [Pair(*two, binding.PART)]
    leads = [lead for one in two if (lead := world["identifier", one].lead_id) is not None]
    if lacking := frozenset(lead for lead in leads if ("history", lead) not in world):
        raise NotLoaded(leads=lacking)
    parted: list[Pair] = []
    if len(leads) > 1:
        one, other = (_person(world, world["lead", lead]) for lead in leads)
        parted = _parted(world, one, other, binding.JOIN)
    return [Pair(*two, binding.JOIN), *parted]


def _leads(world: World, lead_ids: Sequence[str]) -> dict[str, Lead] | Reject:
    """These leads with their histories known, an absorbed one as the lead that it is now."""
    found: dict[str, Lead] = {}
    lacking: set[str] = set()
    for lead_id in lead_ids:
        id_: str | None = lead_id
        while id_ is not None:
            if ("lead", id_) not in world:
                lacking.add(id_)
                break
            lead: Lead | None = world["lead", id_]
            if lead is None:
                return Reject(Reason.UNKNOWN_LEAD, f"there is no lead {lead_id}")
            if lead.absorbed_into is None and ("history", id_) not in world:
                lacking.add(id_)
            found[lead_id], id_ = lead, lead.absorbed_into
    if lacking:
        raise NotLoaded(leads=frozenset(lacking))
    return found


def _person(world: World, lead: Lead) -> set[str]:
    """The identifiers of a lead; of one that has nothing any more the one that made it."""
    return own_identifiers(world, lead.lead_id) or {lead.made_by}
