"""What enrich tells the others: enriched activities, merges, splits, and notes, under ids that follow from what caused them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from msgspec import Struct

from services.enrich.domain import profile
from services.enrich.domain.world import Kept, Lead
from shared import ids
from shared.contracts import Activity, Enriched, Merged, Noted, Split
from shared.outcome import Outgoing
from shared.topology import ENRICHED

STAGE = "enrich"


def activity(kept: Kept, *, withdrawn: bool = False) -> Activity:
    """The activity as others see it."""
    happened = kept.happened
    facts, touch = happened.facts, happened.facts.touch
    return Activity(
        id=happened.event_id,
        revision=kept.revision,
        name=facts.name,
        kind=facts.kind,
        occurred_at=happened.at,
        property=facts.property,
        channel=touch.channel if touch is not None else None,
        direction=touch.direction if touch is not None else None,
        campaign=touch.campaign if touch is not None else None,
        human=kept.shown,
        page=facts.page,
        asset=facts.asset,
        properties=cast(Any, facts.properties),  # its own bytes: read once, never written anew
        withdrawn=withdrawn or None,
        received_at=facts.received_at,
    )


BY_EVENT, BY_RULING = "one event names both", "an operator ruled so"


class Told(Struct, frozen=True):
    """What is told with activities beside them: whether it is because of an event of the past; by the activity that carries it, leads that became
    one with this, and leads that were and are themselves again."""

    history: bool = False
    joined: dict[str, list[str]] | None = None
    restored: dict[str, list[str]] | None = None


def enriched(lead: Lead, activities: Sequence[Kept], told: Told, *, withdrawn: bool = False) -> list[Outgoing]:
    """These activities under this lead, with its profile as it is now. Repeats are noted."""
    state = lead.state
    shown = profile.of(state)
    first = state.first.touch if state.first is not None else None
    last = state.last.touch if state.last is not None else None
    sent: list[Outgoing] = []
    for kept in activities:
        happened = kept.happened
        if kept.repeat and not withdrawn:
            sent.append(_noted_repeat(kept, lead))
            continue
        event_id = ids.event_id(
            STAGE, happened.event_id, lead.lead_id, kept.revision, "lead.enriched", 1 if withdrawn else 0
        )
        event = Enriched(
            event_id=event_id,
            lead_id=lead.lead_id,
            profile_version=lead.version,
            activity=activity(kept, withdrawn=withdrawn),
            profile=shown,
            first_touch=first,
            last_touch=last,
            joined=told.joined.get(happened.event_id) if told.joined is not None else None,
            restored=told.restored.get(happened.event_id) if told.restored is not None else None,
            history=told.history or None,
        )
        sent.append(Outgoing(ENRICHED, lead.lead_id, "lead.enriched", event_id, event))
    return sent


def merged(cause: str, *, survivor: Lead, absorbed: Lead, because: str) -> Outgoing:
    """That `absorbed` is `survivor` from now on; for the partition of the absorbed lead."""
    event_id = ids.event_id(STAGE, cause, absorbed.lead_id, absorbed.version, "lead.merged")
    event = Merged(
        event_id=event_id,
        survivor=survivor.lead_id,
        absorbed=absorbed.lead_id,
        because=because,
        profile_version=absorbed.version,
    )
    return Outgoing(ENRICHED, absorbed.lead_id, "lead.merged", event_id, event)


def split(cause: str, *, left: str, restored: Lead) -> Outgoing:
    """That `restored`, which was absorbed into `left`, is a lead of its own again; for the partition of the restored lead."""
    event_id = ids.event_id(STAGE, cause, restored.lead_id, restored.version, "lead.split")
    event = Split(event_id=event_id, lead_id=left, restored=restored.lead_id, profile_version=restored.version)
    return Outgoing(ENRICHED, restored.lead_id, "lead.split", event_id, event)


def is_of(cause: str, event_id: str, subject: str, version: int | None, type_: str) -> bool:
    """Whether a merge or a split on the topic, of `subject` in this profile version, came of this event or command."""
    return version is not None and event_id == ids.event_id(STAGE, cause, subject, version, type_)


def noted(kept: Kept, *, secret: bytes) -> Outgoing:
    """That the event is a visitor's: nobody is known on its cookie yet; or a visitor's repeat. Keyed by the cookie's HMAC."""
    happened = kept.happened
    event_id = ids.event_id(STAGE, happened.event_id, "", 0, "lead.noted", 1 if kept.repeat else 0)
    event = Noted(event_id=event_id, activity_id=happened.event_id, why="duplicate" if kept.repeat else "visitor")
    return Outgoing(ENRICHED, ids.person_key(secret, happened.cookie or ""), "lead.noted", event_id, event)


def _noted_repeat(kept: Kept, lead: Lead) -> Outgoing:
    """That the same form of the same person was sent just before: this one does not count."""
    activity_id = kept.happened.event_id
    event_id = ids.event_id(STAGE, activity_id, lead.lead_id, kept.revision, "lead.noted")
    event = Noted(
        event_id=event_id,
        activity_id=activity_id,
        why="duplicate",
        lead_id=lead.lead_id,
        revision=kept.revision,
        profile_version=lead.version,
    )
    return Outgoing(ENRICHED, lead.lead_id, "lead.noted", event_id, event)
