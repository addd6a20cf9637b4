"""Activities that are judged otherwise than they were told: sent again in a higher revision, or withdrawn and noted as repeats. Pure."""

from __future__ import annotations

from collections import ChainMap, defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

from msgspec.structs import replace

from services.enrich.domain import emission, profile, verdict
from services.enrich.domain.leads import raised
from services.enrich.domain.world import Changes, Command, Happened, Human, Kept, Lead, NotLoaded, Ruling, State, World
from shared.outcome import CommandResult, Decision, Outgoing
from shared.stage import Input


def rule(world: World, input_: Input, command: Command, asked: Human, *, secret: bytes) -> Decision:
    """What an operator's word about an activity changes; also one that is not known yet is kept, for when it comes."""
    ruling = said(command, asked)
    last: Ruling | None = world.get(("ruling", asked.event_id))
    if last is not None and last.rank > ruling.rank:
        return Decision()
    changes: Changes = {("ruling", asked.event_id): ruling}
    known: Kept | None = world.get(("activity", asked.event_id))
    if known is None:
        waits = CommandResult(
            command.command_id, "done", result="no such activity is known yet: it counts when it comes"
        )
        return Decision(changes, commands=[waits])
    return also(world, Decision(changes), [verdict.ruled(known, ruling)], input_, secret=secret)


def said(command: Command, asked: Human) -> Ruling:
    """An operator's word about an activity."""
    return Ruling(asked.event_id, command.at, command.command_id, asked.human, command.by, asked.reason)


def also(world: World, decision: Decision, judged: Sequence[Kept], input_: Input, *, secret: bytes) -> Decision:
    """`decision`, and that these activities of `world` are judged so from now on. Raises NotLoaded where a lead's history is needed."""
    changes: dict[Hashable, Any] = dict(decision.changes)
    now: ChainMap[Hashable, Any] = ChainMap(changes, world)  # type: ignore[arg-type]  # only the first map is written
    about = emission.Told(history=isinstance(input_.event, Happened) and input_.event.facts.history)
    emit: list[Outgoing] = [*decision.emit]
    of_lead: dict[str, list[Kept]] = defaultdict(list)
    for one in judged:
        before: Kept = now["activity", one.happened.event_id]
        after = replace(before, human=one.human, ruled=one.ruled, repeat=one.repeat)
        told = after.repeat != before.repeat or (after.shown != before.shown and not after.repeat)
        if told and after.lead_id is not None:
            after = replace(after, revision=after.revision + 1)
        changes["activity", one.happened.event_id] = after
        if not told:
            continue
        if after.lead_id is not None:
            of_lead[after.lead_id].append(after)
        elif after.repeat:
            emit.append(emission.noted(after, secret=secret))
    for lead_id, theirs in sorted(of_lead.items()):
        lead: Lead = now["lead", lead_id]
        lead = replace(lead, version=raised(lead.version, input_.now), state=_state(now, lead, theirs))
        changes["lead", lead_id] = lead
        gone = [one for one in theirs if one.repeat]
        emit += emission.enriched(lead, gone, about, withdrawn=True)
        emit += emission.enriched(lead, theirs, about)
    return Decision(changes, emit, decision.commands)


def _state(now: World, lead: Lead, judged: Sequence[Kept]) -> State:
    """The lead's profile and touches after these verdicts; out of all its events where one that prevailed may not any more."""
    state: State | None = lead.state
    for one in judged:
        state = profile.believed(state, one) if state is not None and not one.repeat else None
    if state is not None:
        return state
    if ("history", lead.lead_id) not in now:
        raise NotLoaded(leads=frozenset([lead.lead_id]))
    events = [now["activity", event_id] for event_id in now["history", lead.lead_id]]
    return profile.fold(events, lead.state.users, lead.state.externals)
