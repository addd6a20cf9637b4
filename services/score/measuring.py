"""What score shows of itself: when we accepted what an activity tells, and which leads came into which stage. Counts, decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from services.score.domain.lead import Told
from shared.contracts import Moment
from shared.metrics import funnel
from shared.outcome import Outgoing
from shared.stage import Input


class _Activity(Struct, gc=False):
    received_at: Moment | None = None
    property: str | None = None


class _Touch(Struct, gc=False):
    channel: str | None = None


_activity = msgspec.json.Decoder(_Activity).decode
_touch = msgspec.json.Decoder(_Touch).decode
_NOTHING = _Activity()


def accepted(event: Any) -> datetime | None:
    """When we accepted what is told; None for what is told again, of the past, or not by an activity."""
    if type(event) is not Told or event.history or event.fact.revision > 1:
        return None
    return _said(event).received_at


def measure(told: Sequence[tuple[Input, Outgoing]]) -> None:
    """Counts each lead.scored that brings a lead from one stage into another."""
    for input_, outgoing in told:
        scored: Any = outgoing.data
        if scored.stage == scored.previous_stage:
            continue
        event = input_.event
        found = _said(event).property if type(event) is Told else None
        channel = _first_channel(scored.first_touch)
        stage = funnel.STAGES(scored.stage)
        funnel.ENTERED.add((stage, funnel.PROPERTIES(found), funnel.CHANNELS(channel)))
        funnel.LEFT.add((funnel.STAGES(scored.previous_stage),))


def _said(event: Told) -> _Activity:
    try:
        return _activity(event.activity)
    except msgspec.DecodeError:  # a field that score does not need is not as it should be
        return _NOTHING


def _first_channel(touch: Any) -> str | None:
    try:
        return _touch(touch).channel if touch is not None else None
    except msgspec.DecodeError:
        return None
