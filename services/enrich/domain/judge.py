"""What an operator asks for: that leads are made one, that identifiers or events leave one, or an answer to a question of the review queue. Pure.

Here it is judged, and refused with a reason; what was accepted is a Judgement (judgement.py), and what follows from it is regroup.py's. What can be asked stands in asking.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from services.enrich.domain import binding
from services.enrich.domain.component import own_identifiers
from services.enrich.domain.judgement import Judgement, Pair
from services.enrich.domain.regroup import regroup
from services.enrich.domain.review import Review
from services.enrich.domain.world import Answer, Changes, Command, Identifier, Lead, Merge, NotLoaded, Split, World
from shared.outcome import Decision, Reason, Reject
from shared.stage import Input


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
            pairs, events = _split(world, asked, command.lead_id, told=command.told), asked.event_ids
        case Answer():
            pairs = _answer(world, asked)
    if isinstance(pairs, Reject):
        return pairs
    judgement = Judgement(command.command_id, command.at, tuple(pairs), events, asked.reason, command.by)
    decision = carried_out(world, input_, judgement, secret=secret)
    if command.told and any(one.type in ("lead.merged", "lead.split") for one in decision.emit):
        # That was told before the store was lost, and undone by a later one: leads stand as the topic has them, and learn why.
        changes: Changes = {("identifier", one): row for one, row in _ruled(world, judgement).items()}
        return Decision({**changes, ("judgement", judgement.command_id): judgement})
    if not decision.emit and not isinstance(asked, Answer) and input_.record is not None:
        return Reject(Reason.INVALID, "nothing would change")
    return decision


def carried_out(world: World, input_: Input, judgement: Judgement, *, secret: bytes) -> Decision:
    """What a ruling changes and tells; of identifiers that nobody has heard of yet it holds once they come. Raises NotLoaded as regroup does."""
    found = _ruled(world, judgement)
    if judgement.events:
        found[judgement.apart] = Identifier(judgement.apart)
        lead_id: str = world["activity", judgement.events[0]].lead_id
        found = {**_rows(world, own_identifiers(world, lead_id)), **found}
    decision = regroup(world, input_, found, secret=secret, ruling=judgement)
    return Decision({**decision.changes, ("judgement", judgement.command_id): judgement}, decision.emit)


def _ruled(world: World, judgement: Judgement) -> dict[str, Identifier]:
    """The identifiers that it names, with what it says of them."""
    found: dict[str, Identifier] = {}
    for pair in judgement.pairs:
        for one, other in ((pair.one, pair.other), (pair.other, pair.one)):
            row = found.get(one) or world.get(("identifier", one)) or Identifier(one)
            found[one] = binding.rule(row, other, judgement.said(pair.to))
    return found


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
        names = _person(world, next(iter(found.values())))
        return [
            *(Pair(makers[0], maker, binding.JOIN) for maker in makers[1:]),
            *_parted(world, names, names, binding.JOIN),
        ]
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


def _split(world: World, asked: Split, lead_id: str | None, *, told: bool) -> Sequence[Pair] | Reject:
    """`told`: a rebuild has kept what the split told, so they have left, and now it learns why."""
    about = asked.lead_id or lead_id
    if about is None:
        return Reject(Reason.INVALID, "a split needs a lead_id")
    found = _leads(world, (about,))
    if isinstance(found, Reject):
        return found
    lead = found[about]
    if told and not asked.event_ids:
        return _parting(asked, _staying(world, asked, _once(world, lead, asked.identifiers)))
    history: Sequence[str] = world["history", lead.lead_id]
    for place, event_id in enumerate(asked.event_ids):
        if event_id not in history:
            return Reject(Reason.INVALID, f"event_ids[{place}] is no event of lead {lead.lead_id}")
    left = [one for id_ in history if id_ not in asked.event_ids and (one := world["activity", id_]).person is not None]
    names = _person(world, lead)
    for place, one in enumerate(asked.identifiers):
        if one not in names:
            return Reject(Reason.INVALID, f"identifiers[{place}] is no identifier of lead {lead.lead_id}")
    stay = _staying(world, asked, names)
    if not any(one.person in stay for one in left):
        return Reject(Reason.INVALID, f"nothing would be left of lead {lead.lead_id}: name fewer")
    return _parting(asked, stay)


def _parting(asked: Split, stay: Sequence[str]) -> list[Pair]:
    return [Pair(one, other, binding.PART) for one in asked.identifiers for other in stay]


def _staying(world: World, asked: Split, names: Collection[str]) -> list[str]:
    """Of these identifiers those that neither leave nor hang on one that does."""
    rows = _rows(world, names)
    return [one for one in sorted(names) if not _hangs_on(one, asked.identifiers, rows)]


def _once(world: World, lead: Lead, leaving: Collection[str]) -> set[str]:
    """Those that leave, and the identifiers of all who are, or were once, one with this lead by the rulings learnt so far."""
    names, passed = {*_person(world, lead), *leaving}, set[str]()
    while todo := names - passed:
        passed |= todo
        if unknown := frozenset(one for one in todo if ("identifier", one) not in world):
            raise NotLoaded(names=unknown)
        for row in _rows(world, todo).values():
            names |= {other for other, tie in binding.rulings(row) if tie.to.startswith(binding.JOIN)}
            found = _leads(world, [row.lead_id] if row.lead_id is not None and row.name not in leaving else [])
            for one in found.values() if not isinstance(found, Reject) else ():
                names |= _person(world, one)
    return names


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
    leads = [lead for one in two if (lead := world["identifier", one].lead_id) is not None]
    if lacking := frozenset(lead for lead in leads if ("history", lead) not in world):
        raise NotLoaded(leads=lacking)
    # Who calls under that number now is meant by it, also when it turns out to have been somebody else's before.
    number = world["identifier", question.phone]
    called = _person(world, world["lead", number.lead_id]) if number.lead_id is not None else set[str]()
    to = binding.JOIN if asked.accept else binding.PART
    pairs = [Pair(*two, to), *(Pair(one, question.strong, to) for one in sorted(called) if one in number.ties)]
    if asked.accept and len(leads) > 1:
        one, other = (_person(world, world["lead", lead]) for lead in leads)
        pairs += _parted(world, one, other, to)
    return pairs


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
