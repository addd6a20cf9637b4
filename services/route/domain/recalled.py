"""A store that is built anew from its topics: what leads.handover.v1 tells of handovers is what became of them. Nothing is decided here.

Who gets a lead, who it is passed on to, and whether it is at all, depends on turns that numbers share and on the moment at which the clock came: a
replay meets them otherwise. So a lead's handovers stand, before each of its inputs, as the topic tells that they stood by then. What the topic
does not tell of is not decided before everything is read again; then it is decided as ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec.structs import replace

from services.route.domain import clocks, deadlines, events, outcomes, passing
from services.route.domain.events import Ignored, Scored
from services.route.domain.routing import Routing
from services.route.domain.state import Handover, Key, Scene
from shared.stage import Input

END = datetime(9999, 1, 1, tzinfo=UTC)


def concerned(scene: Scene, input_: Input) -> list[str]:
    """The leads whose handovers an input may look at: that of the person it is about, and those that it says are the same person."""
    event = input_.event
    if type(event) is Ignored or not getattr(event, "lead_id", ""):
        return []
    named = getattr(event, "handover_id", None)
    known = events.named(named) if named else None
    leads = [*outcomes.person(scene, event.lead_id), *(outcomes.person(scene, known[0]) if known else ())]
    if type(event) is Scored:
        for id_ in event.absorbed or ():
            leads += outcomes.person(scene, id_)
    return list(dict.fromkeys(leads))


def stand(routing: Routing, scene: Scene, leads: Iterable[str], *, at: datetime) -> None:
    """Has the handovers of these leads stand as the topic tells that they stood at `at`: withdrawn, escalated, passed on."""
    for lead_id in leads:
        left = list(scene.get(Key("handovers", lead_id), ()))
        is_other = False
        while left:
            before: Handover = scene[Key("handover", left.pop(0))]
            after = _as_told(scene, before, at)
            if after != before:
                clocks.put(scene, after)
                is_other = True
            document: bytes | None = scene.get(Key("recalled", passing.next_event(after)))
            if (
                document is not None
                and events.kept(document).created_at <= at
                and scene.get(Key("handover", passing.next_name(after))) is None
            ):
                left.append(passing.keep(routing, scene, after, document).handover_id)
                is_other = True
        if is_other:
            outcomes.settle(scene, lead_id)


def _as_told(scene: Scene, handover: Handover, at: datetime) -> Handover:
    withdrawn: bytes | None = scene.get(Key("recalled", events.withdrawal_event(handover.handover_id)))
    if withdrawn is not None and handover.withdrawn_at is None:
        told = events.withdrawn(withdrawn)
        if told.at <= at:
            is_late = told.because.startswith(deadlines.LATE)
            handover = replace(handover, withdrawn_at=told.at, expired=is_late)
    return replace(
        handover,
        accept_escalated=handover.accept_escalated or _is_escalated(scene, handover, "accept", at),
        contact_escalated=handover.contact_escalated or _is_escalated(scene, handover, "contact", at),
    )


def _is_escalated(scene: Scene, handover: Handover, deadline: str, at: datetime) -> bool:
    told: bytes | None = scene.get(Key("recalled", events.escalation_event(handover.handover_id, deadline)))
    return told is not None and events.withdrawn(told).at <= at
