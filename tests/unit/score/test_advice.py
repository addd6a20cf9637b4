"""Signals in score: a rule that names one sees it while it is fresh; all others are as if there were none, whatever its worker writes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.score.domain.account import account
from services.score.domain.advice import Advice, fresh
from services.score.domain.answer import answer
from services.score.domain.condition import condition
from services.score.domain.lead import Due
from services.score.domain.vocabulary import ON_ACTIVITY, ON_PROFILE, mistakes_in
from shared.outcome import Decision, Reason, Reject
from shared.stage import Input, Record
from tests.unit.score.advised import ADVISED, a_desk, a_signal, advise, looked_at, minutes, points
from tests.unit.score.builders import BUSINESS, NOON, RULESET, Desk, a_record, an_activity, enriched, ruleset


@pytest.mark.parametrize(
    ("advice", "says"),
    [
        ([("velocity", 3, 0, 10)], {"velocity": 3}),
        ([("velocity", 3, -10, 0)], {}),  # stale at exactly its end
        ([("velocity", 3, 1, 10)], {"velocity": 3}),  # known, though records came out of order
        ([("velocity", 3, -5, 10), ("velocity", 4, -4, 10)], {"velocity": 4}),
        ([("velocity", 4, -4, 10), ("velocity", 3, -5, 10)], {"velocity": 4}),  # whichever came first
        ([("velocity", 3, -5, 10), ("velocity", 4, -4, 0)], {}),  # the latest counts, though the one before would last
        ([("velocity", 3, -5, 10), ("inhuman_speed", 9, -4, 10)], {"velocity": 3, "inhuman_speed": 9}),
    ],
)
def test_the_latest_signal_of_a_name_counts_until_it_is_stale(
    advice: list[tuple[str, float, int, int]], says: dict[str, float]
) -> None:
    all_ = [
        Advice(name, value, NOON + minutes(at), NOON + minutes(until), NOON, 0) for name, value, at, until in advice
    ]
    assert fresh(all_, NOON) == says


def test_a_rule_that_names_a_signal_counts_while_it_is_fresh_and_the_clock_takes_it_away_at_its_end() -> None:
    desk = a_desk()
    assert desk.leads["ld_jo"].state.total == 8500
    (scored,) = advise(desk, a_signal())
    assert (scored["score"]["total"], scored["stage"], scored["previous_stage"], scored["cause"]) == (
        115,
        "SQL",
        "MQL",
        "signal",
    )
    assert desk.leads["ld_jo"].state.review_at == NOON + minutes(10)
    assert scored["contributions"][0]["rule"] == "busy"
    looked_at(desk)
    assert desk.leads["ld_jo"].state.total == 8500


def test_what_changes_no_stage_grade_or_segment_is_not_told_and_is_there_for_whoever_asks() -> None:
    desk = a_desk()
    assert advise(desk, a_signal("domain_burst", 3)) == []
    assert (points(desk, NOON), points(desk, NOON + minutes(9)), points(desk, NOON + minutes(10))) == (89, 89, 85)


def test_a_record_from_milliseconds_before_a_signal_takes_nobody_out_of_sql_and_in_again() -> None:
    desk = a_desk()
    advise(desk, a_signal())
    before = NOON - timedelta(milliseconds=40)
    scored = desk.tell(enriched(an_activity(2, at=before, kind="page", name="page"), profile=BUSINESS), now=before)
    assert scored is not None
    assert (scored.stage, scored.episode) == ("SQL", 1)


def test_stages_and_segments_may_name_a_signal() -> None:
    desk = a_desk()
    (rushed,) = advise(desk, a_signal("inhuman_speed", 9))
    assert rushed["segments"] == ["rushed"]
    (over,) = looked_at(desk)
    assert (over["segments"], over["cause"]) == ([], "clock")


def test_a_signal_that_comes_ten_minutes_late_says_nothing() -> None:
    desk = a_desk()
    before = desk.leads["ld_jo"]
    assert advise(desk, a_signal(at=NOON - minutes(10)), now=NOON) == []
    assert desk.leads["ld_jo"] == before


def test_an_older_signal_that_comes_after_a_newer_one_changes_nothing() -> None:
    desk = a_desk()
    advise(desk, a_signal(value=7))
    advise(desk, a_signal(value=1, at=NOON - minutes(1)), now=NOON + minutes(1))
    assert points(desk, NOON + minutes(1)) == 115


def test_a_stale_signal_is_still_newer_than_one_that_comes_after_it_and_speaks_of_before() -> None:
    desk = a_desk()
    signals = [("velocity", 5, 1), ("inhuman_speed", 7, 9), ("velocity", 4, 20)]
    for (name, at, lasts), now in zip(signals, (5, 7, 8), strict=True):
        advise(desk, a_signal(name, 7, at=NOON + minutes(at), lasts=minutes(lasts)), now=NOON + minutes(now))
    desk.decide(Input(str(uuid.UUID(int=1)), Due("ld_jo"), NOON + minutes(8), 3))
    assert desk.leads["ld_jo"].state.total / 100 == points(desk, NOON + minutes(8)) == 85


NONSENSE = [
    a_signal(value="many"),
    a_signal(value=None),
    a_signal(lasts=timedelta(days=400)),
    a_signal(lasts=-minutes(1)),
    a_signal(lead_id="ld_\x00"),
    a_signal(lead_id="x" * 500),
    {**a_signal(), "at": "yesterday"},
    {**a_signal(), "expires_at": "2026-06-17T12:10:00"},
    {},
    {"lead_id": 3},
]
NO_JSON = [b"", b"\x00\xff", b"[]", b'{"value": 1e999}', b"{" * 5000]


@pytest.mark.parametrize("text", [ADVISED, RULESET], ids=["rules that ask", "rules that ask for none"])
def test_nonsense_ends_as_a_dead_letter_whatever_the_rules_ask_for(text: str) -> None:
    desk = a_desk(text)
    for signal in (*NONSENSE, a_signal(at=NOON + minutes(2))):  # the last one is ahead of the broker's clock
        refused = desk.stage.decode(a_record(signal, type_="lead.signal"))
        assert isinstance(refused, Reject), signal
        assert refused.reason == Reason.INVALID, signal
    for value in NO_JSON:
        record = Record("leads.signals.v1", 3, 0, int(NOON.timestamp() * 1000), b"key", value, {})
        assert isinstance(desk.stage.decode(record), Reject), value


def test_what_is_not_asked_for_or_stale_is_no_garbage_and_is_passed_over() -> None:
    for signal in (a_signal("of_another_day"), a_signal(at=NOON - minutes(10))):
        assert a_desk().stage.decode(a_record(signal, type_="lead.signal")) is None


def test_a_signal_about_nobody_or_in_another_number_than_its_leads_changes_nothing() -> None:
    desk = a_desk()
    before = dict(desk.leads)
    advise(desk, a_signal(lead_id="ld_nobody"))
    input_ = desk.stage.decode(a_record(a_signal(), type_="lead.signal"))
    assert isinstance(input_, Input)
    desk.decide(msgspec.structs.replace(input_, part=1))
    assert desk.leads == before


def test_a_signal_that_calls_itself_as_another_event_takes_not_its_place() -> None:
    event = enriched(an_activity(2))
    input_ = a_desk().stage.decode(a_record(a_signal(event_id=event["event_id"]), type_="lead.signal"))
    assert isinstance(input_, Input)
    assert input_.event_id != event["event_id"]


def stories() -> Iterator[tuple[dict[str, Any], datetime]]:
    for number in range(6):
        now = NOON + minutes(3 * number)
        yield enriched(an_activity(number, at=now, name="magnet-a"), event_id=str(uuid.UUID(int=number))), now


def test_by_rules_that_name_no_signal_every_byte_is_the_same_whatever_the_worker_writes() -> None:
    def told(signals: list[dict[str, Any]]) -> tuple[list[bytes], Any]:
        desk, found = Desk(), []
        for value, now in stories():
            for signal in signals:
                assert not isinstance(desk.stage.decode(a_record(signal, type_="lead.signal", now=now)), Input)
            input_ = desk.stage.decode(a_record(value, now=now))
            assert isinstance(input_, Input)
            decided = desk.decide(input_)
            assert isinstance(decided, Decision)
            found += [msgspec.json.encode(one.data) for one in decided.emit]
        return found, desk.leads

    assert told([]) == told([a_signal(), a_signal("inhuman_speed", 99), *NONSENSE])


def test_the_answer_lists_the_signals_that_the_ruleset_saw_so_that_an_outsider_can_recompute_it() -> None:
    desk = a_desk(
        ADVISED.replace("  - {id: rushed, when: 'signal.inhuman_speed >= 8'}\n", "  - {id: warm, when: 'total > 0'}\n")
    )
    for name, value, lasts in (("velocity", 7, 10), ("domain_burst", 3, 2), ("property_burst", 4, 10)):
        advise(desk, a_signal(name, value, lasts=minutes(lasts)))
    known = desk.known(NOON + minutes(5))
    assert known is not None
    signals = answer(known, desk.in_force.ruleset, account(known, desk.in_force))["signals"]
    assert [(one["name"], one["value"], one["expires_at"]) for one in signals] == [
        ("property_burst", 4, "2026-06-17T12:10:00.000Z"),
        ("velocity", 7, "2026-06-17T12:10:00.000Z"),
    ]
    known = desk.known(NOON + minutes(10))
    assert known is not None
    assert answer(known, desk.in_force.ruleset, account(known, desk.in_force))["signals"] == []


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 4),  # minutes since the step before
            st.sampled_from(["activity", "velocity", "domain_burst", "inhuman_speed"]),
            st.sampled_from([1, 6, 9]),
            st.integers(0, 3),  # minutes late
            st.integers(1, 6),  # minutes that it lasts
        ),
        max_size=12,
    )
)
def test_at_every_step_the_path_that_serves_traffic_equals_the_fold(
    steps: list[tuple[int, str, int, int, int]],
) -> None:
    desk, now = a_desk(), NOON
    for number, (later, what, value, late, lasts) in enumerate(steps):
        now += minutes(later)
        if what == "activity":
            desk.tell(enriched(an_activity(10 + number, at=now, kind="page", name="page", path="/pricing")), now=now)
        else:
            signal = a_signal(
                what, value, at=now - minutes(late), lasts=minutes(lasts), event_id=str(uuid.UUID(int=number))
            )
            advise(desk, signal, now=now)
            desk.decide(Input(str(uuid.UUID(int=1000 + number)), Due("ld_jo"), now, 3))
        assert desk.leads["ld_jo"].state.total / 100 == points(desk, now)


def test_a_replay_of_what_was_told_gives_the_same_scores() -> None:
    signals = [(a_signal(value=value, at=NOON + minutes(value)), NOON + minutes(value)) for value in (4, 5, 7)]
    both = [*stories(), *signals]

    def told(records: list[tuple[dict[str, Any], datetime]]) -> Desk:
        desk = Desk(ruleset(ADVISED))
        for value, now in records:
            if "activity" in value:
                desk.tell(value, now=now)
            else:
                advise(desk, value, now=now)
        desk.decide(Input(str(uuid.UUID(int=99)), Due("ld_jo"), NOON + minutes(16), 3))
        return desk

    first, again = (told(sorted(both, key=lambda one: one[1])) for _ in range(2))
    assert first.leads == again.leads
    assert first.advised == again.advised
    # Whatever order the topics are read in: what counts then is what is fresh then.
    assert told(both).leads["ld_jo"].state.total == first.leads["ld_jo"].state.total


@pytest.mark.parametrize(
    ("source", "known", "says"),
    [
        ("signal.velocity > 3", ON_PROFILE, []),
        ("signal.velocty > 3", ON_PROFILE, [("velocty", "signal has no field velocty; did you mean velocity?")]),
        (
            "signal.velocity > 3",
            ON_ACTIVITY,
            [("signal", "signal is known of a lead, not of one activity; fit, exclude, `any` and segments may use it")],
        ),
    ],
)
def test_which_signals_there_are_is_known_and_where_they_may_stand(source: str, known: Any, says: list[Any]) -> None:
    assert list(mistakes_in(condition(source), known, {})) == says
