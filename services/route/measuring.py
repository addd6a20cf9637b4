"""What route shows of itself: when we accepted what made a lead what it is, and what became of handovers. Counts, decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from services.route.domain.events import Scored
from services.route.domain.pace import Moved, Took
from shared.contracts import Moment
from shared.metrics import handover


class _Activity(Struct, gc=False):
    received_at: Moment | None = None
    revision: int = 1


_activity = msgspec.json.Decoder(_Activity).decode


def accepted(event: Any) -> datetime | None:
    """When we accepted the activity by which a lead was scored; None where the clock or an operator did it, or what is told again."""
    if type(event) is not Scored or not bytes(event.activity):
        return None
    try:
        activity = _activity(event.activity)
    except msgspec.DecodeError:  # null, or what route does not need is not as it should be
        return None
    return activity.received_at if activity.revision == 1 else None


def measure(steps: Iterable[Took | Moved]) -> None:
    """Shown before the commit, which hardly ever fails: then a step may be counted twice."""
    for step in steps:
        if isinstance(step, Moved):
            _moved(step)
        elif step.step == "handover":
            handover.SYSTEM_SECONDS.observe(step.wall)
        else:
            handover.HUMAN_SECONDS.labels(step.step, "wall").observe(step.wall)
            if step.working is not None:
                handover.HUMAN_SECONDS.labels(step.step, "working").observe(step.working)


def _moved(step: Moved) -> None:
    if step.state is not None:
        handover.STATES.add((step.state.value,))
    if step.attempt is not None:
        handover.HANDOVERS.add((handover.TEAMS(step.team), "first" if step.attempt == 1 else "again"))
    for deadline in step.kept:
        handover.DEADLINES.add((deadline, "kept"))
    for deadline in step.missed:
        handover.DEADLINES.add((deadline, "missed"))
