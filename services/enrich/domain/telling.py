"""What people who become one, or fall apart, have to tell: the first of it at once, the rest in slices between fresh records, by the clock. Pure.

What is told later is told as it is then: nothing where somebody else has told it meanwhile, since the activity moved on or was judged anew.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec.structs import replace

from services.enrich.domain import emission
from services.enrich.domain.world import Changes, Kept, Lead, Untold, World
from shared.outcome import Decision
from shared.stage import Input

MOST_AT_ONCE = 1_000  # activities that one decision tells


def at_once(
    changes: Changes,
    lead: Lead,
    activities: Sequence[Kept],
    first: Collection[str],
    *,
    input_: Input,
    history: bool,
    withdrawn: bool,
    room: int,
) -> Sequence[Kept]:
    """Those of these activities that are told now: `room` of them, and the `first` whatever the room. The others are put into `changes`."""
    if len(activities) <= room:
        return activities
    now: list[Kept] = []
    room -= sum(one.happened.event_id in first for one in activities)
    for one in activities:
        event_id = one.happened.event_id
        if event_id in first:
            now.append(one)
        elif room > 0:
            now.append(one)
            room -= 1
        else:
            later = Untold(lead.lead_id, event_id, one.revision, withdrawn, history, input_.part, input_.now)
            changes[later.key] = later
    return now


def decide(world: World, input_: Input) -> Decision:
    """Tells one activity that was left, if it is still so."""
    one: Untold = input_.event
    lead: Lead = world["lead", one.lead_id]
    kept: Kept = world["activity", one.event_id]
    is_so = (
        kept.lead_id != one.lead_id if one.withdrawn else (kept.lead_id, kept.revision) == (one.lead_id, one.revision)
    )
    if not is_so or lead.absorbed_into is not None:
        return Decision({one.key: None})
    told = emission.Told(history=one.history)
    activities = [replace(kept, revision=one.revision)]
    return Decision({one.key: None}, emission.enriched(lead, activities, told, withdrawn=one.withdrawn))
