"""Whatever order the records of two topics and several numbers are met in, the same is said of the same handovers. Their times are theirs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.route.domain.events import withdrawal_event
from services.route.domain.lifecycle import OUTCOMES, State, Verdict
from services.route.domain.state import Handover, Key, Logged
from shared import clock
from shared.contracts import HandoverWithdrawn, encode
from shared.stage import Record
from tests.unit.route.builders import NOON, Desk, commanded, name_of, record, scored

MINUTES = 12
LEADS = ("ld_jo", "ld_old")


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


@st.composite
def outcomes(draw: st.DrawFn, leads: Sequence[str]) -> list[Record]:
    """What sales says of these leads: of a handover that is there, will be, or never is, or of a lead; some much later than it was."""
    told = []
    for number in range(draw(st.integers(1, 7))):
        lead = draw(st.sampled_from(leads))
        received = draw(st.integers(1, MINUTES))
        named = name_of(lead, draw(st.integers(1, 3)), draw(st.sampled_from([1, 1, 1, 2])))
        told.append(
            commanded(
                draw(st.sampled_from(sorted(OUTCOMES))),
                handover_id=draw(st.sampled_from([named, named, None])),
                lead_id=lead,
                event_id=f"00000000-0000-0000-0000-{number:012d}",
                at=at(received),
                payload={"occurred_at": clock.text(at(received - draw(st.sampled_from([0, 1, 3, 6]))))},
            )
        )
    return told


@st.composite
def ups_and_downs(draw: st.DrawFn, lead: str) -> list[Record]:
    """One lead's records in their order, which is the order of their versions."""
    minutes = draw(st.lists(st.integers(1, MINUTES), max_size=5, unique=True).map(sorted))
    return [
        record(scored(lead, version=n + 1, stage=draw(st.sampled_from(["MQL", "SQL", "SQL"]))), at=at(minute))
        for n, minute in enumerate(minutes)
    ]


def state_of(desk: Desk) -> dict[str, Any]:
    """The handovers as they stand, and each outcome with its verdict."""
    found: dict[str, Any] = {}
    for key, value in desk.world.items():
        if isinstance(value, Handover):
            found[value.handover_id] = (
                value.lead_id,
                value.state,
                value.state_at,
                value.created_at,
                value.withdrawn_at,
            )
        elif isinstance(value, Logged):
            found[value.command_id] = value
        elif isinstance(key, str):
            found[key] = value
    return found


def by_time(records: Sequence[Record]) -> list[Record]:
    """As a replay reads them."""
    return sorted(records, key=lambda one: (one.timestamp_ms, one.topic))


def interleaved(data: st.DataObject, *queues: Sequence[Record]) -> list[Record]:
    """All records, each queue's in its own order, in any order between them."""
    left, mixed = [list(queue) for queue in queues if queue], []
    while left:
        one = data.draw(st.sampled_from(left))
        mixed.append(one.pop(0))
        left = [queue for queue in left if queue]
    return mixed


def test_an_earlier_step_that_is_told_last_counts_where_it_happened() -> None:
    desk = Desk()
    desk.reads(scored(), commanded("lost", at=at(9)))
    desk.reads(commanded("meeting", at=at(10), payload={"occurred_at": clock.text(at(5))}))
    (lost, meeting) = sorted(
        (one for one in desk.world.values() if isinstance(one, Logged)), key=lambda one: one.received_at
    )
    assert (meeting.verdict, meeting.before, meeting.after) == (Verdict.APPLIED, State.OFFERED, State.MEETING)
    assert (lost.verdict, lost.before, lost.after) == (Verdict.APPLIED, State.MEETING, State.LOST)


@given(st.data(), *(ups_and_downs(lead) for lead in LEADS), outcomes(LEADS))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_any_interleaving_of_scores_and_any_order_of_outcomes_ends_alike(
    data: st.DataObject, jo: list[Record], old: list[Record], said: list[Record]
) -> None:
    once, again = Desk(), Desk()
    once.reads(*by_time([*jo, *old, *said]))
    again.reads(*interleaved(data, jo, old, *([one] for one in data.draw(st.permutations(said)))))
    assert state_of(again) == state_of(once)


@given(st.data(), *(ups_and_downs(lead) for lead in LEADS), outcomes(LEADS), st.integers(1, MINUTES))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_outcomes_meet_a_merge_in_any_order_that_lets_it_know_what_the_broker_had(
    data: st.DataObject, jo: list[Record], old: list[Record], said: list[Record], minute: int
) -> None:
    """Scores and merge come in the order of time. What was said before the merge comes before it, in any order; what was said later
    comes before or after it."""
    merge = record(scored("ld_jo", version=99, stage="SQL", absorbed=["ld_old"]), at=at(minute))
    jo = [one for one in jo if one.timestamp_ms < merge.timestamp_ms]
    scores = by_time([*jo, *old])
    before = [one for one in scores if one.timestamp_ms <= merge.timestamp_ms]
    after = [one for one in scores if one.timestamp_ms > merge.timestamp_ms]
    early = [one for one in said if one.timestamp_ms <= merge.timestamp_ms]
    late = [one for one in said if one.timestamp_ms > merge.timestamp_ms]
    once, again = Desk(), Desk()
    once.reads(*by_time([*before, *early]), merge, *by_time([*after, *late]))
    known = [one for one in late if data.draw(st.booleans())]
    unknown = [one for one in late if one not in known]
    again.reads(*interleaved(data, before, *([one] for one in (*early, *known))), merge)
    again.reads(*interleaved(data, after, *([one] for one in unknown)))
    assert state_of(again) == state_of(once)
    assert [one.event_id for one in again.emitted if one.type == "lead.handover.withdrawn"] == [
        one.event_id for one in once.emitted if one.type == "lead.handover.withdrawn"
    ]


def test_an_outcome_of_a_handover_that_could_not_come_is_judged_when_it_came_all_the_same() -> None:
    once, again = Desk(), Desk()
    never = commanded("won", handover_id="ho_ld_jo_1_2", at=at(1))
    first = record(scored(), at=at(2))
    for desk, order in ((once, (never, first)), (again, (first, never))):
        desk.reads(*order)
        assert [one.verdict for one in desk.world.values() if isinstance(one, Logged)] == [Verdict.UNKNOWN]


def test_a_handover_that_was_withdrawn_is_withdrawn_in_a_rebuild_that_meets_its_end_before_the_merge() -> None:
    """Its end was read after the merge the first time, though the broker had it before: the withdrawal was told, and stands."""
    end = commanded("won", handover_id="ho_ld_old_1_1", lead_id="ld_old", at=at(3))
    scores = [record(scored("ld_jo"), at=at(1)), record(scored("ld_old"), at=at(2))]
    merge = record(scored("ld_jo", version=2, absorbed=["ld_old"]), at=at(4))
    once, again = Desk(), Desk()
    once.reads(*scores, merge, end)
    assert isinstance(once.emitted[-1].data, HandoverWithdrawn)
    again.world[Key("recalled", withdrawal_event("ho_ld_old_1_1"))] = encode(once.emitted[-1].data)
    again.reads(*scores, end, merge)
    assert state_of(again) == state_of(once)
    assert once.handover("ho_ld_old_1_1").state is State.WON
