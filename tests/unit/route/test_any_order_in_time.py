"""Outcomes, timers and merges in any order that keeps what the broker had before a deadline before it: the same end, and the same is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.route.domain.state import Handover, Logged
from shared.clock import from_ms
from shared.stage import Record
from shared.topology import SCORED
from tests.unit.route.builders import Desk, in_time, record, routing, scored
from tests.unit.route.test_any_order import LEADS, MINUTES, at, by_time, outcomes, ups_and_downs


def hurried() -> Desk:
    """Deadlines within the story: a few minutes each."""
    return Desk(in_time(routing(), accept=timedelta(minutes=3), contact=timedelta(minutes=5)))


def end_of(desk: Desk) -> dict[str, Any]:
    """Everything that stands at the end, and all that was told, whatever the order of what came at the same time."""
    found: dict[str, Any] = {
        one.handover_id if isinstance(one, Handover) else one.command_id: one
        for one in desk.world.values()
        if isinstance(one, Handover | Logged)
    }
    found["timers"] = desk.timers()
    found["told"] = sorted(one.event_id for one in desk.emitted)
    return found


def said_again(one: Record) -> Record:
    """The same outcome, by a tool that gives it an id of its own each time."""
    return replace(one, value=one.value.replace(b'"event_id":"0', b'"event_id":"1'))


@given(st.data(), *(ups_and_downs(lead) for lead in LEADS), outcomes(LEADS), st.integers(1, MINUTES))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_any_order_and_repetition_that_keeps_to_the_deadlines_ends_alike(
    data: st.DataObject, jo: list[Record], old: list[Record], said: list[Record], minute: int
) -> None:
    merge = record(scored("ld_jo", version=99, absorbed=["ld_old"]), at=at(minute))
    story = by_time(
        [*(one for one in jo if one.timestamp_ms < merge.timestamp_ms), *old, merge, *said, *map(said_again, said)]
    )
    once, again = hurried(), hurried()
    for one in story:
        once.passes(from_ms(one.timestamp_ms))
        once.reads(one)
    once.passes(at(60))

    # What fixes the order: scores, and the moments at which something fell due. Between two of them outcomes come as they like.
    held = [one for one in once.world.values() if isinstance(one, Handover)]
    due = {moment for one in held for moment in (one.accept_by, one.contact_by) if moment is not None}
    waiting: list[Record] = []

    def flush() -> None:
        for one in data.draw(st.permutations(waiting)):
            again.reads(one)
        waiting.clear()

    for one in story:
        now = from_ms(one.timestamp_ms)
        is_score = one.topic == SCORED.name
        if is_score or any(from_ms(waiting[0].timestamp_ms) < moment <= now for moment in due if waiting):
            flush()
        if not waiting:
            again.passes(now)
        if is_score:
            again.reads(one)
        else:
            waiting.append(one)
    flush()
    again.passes(at(60))
    assert end_of(again) == end_of(once)
