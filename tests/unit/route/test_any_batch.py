"""Properties over whole stories: however the same records are cut into batches, the same is handed over; and pools stay fair."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.route.domain import needs, outcomes
from services.route.domain.decode import decode
from services.route.domain.lifecycle import OUTCOMES
from services.route.domain.routing import Routing
from services.route.domain.state import DUE, NOT_SAVED, Key, Timer, TimerKey
from shared.clock import from_ms
from shared.outcome import Decision, Outgoing
from shared.stage import Input, Record
from tests.unit.route.builders import (
    NOON,
    Desk,
    assigned,
    commanded,
    in_time,
    name_of,
    owners,
    record,
    routing,
    scored,
    two_free_owners,
)

LEADS = ("ld_a", "ld_b", "ld_c", "ld_d")


@st.composite
def stories(draw: st.DrawFn) -> list[Record]:
    """Records of four leads that go up and down, with older versions, merges and outcomes in between, a second apart."""
    versions: Counter[str] = Counter()
    told: list[Record] = []
    for number in range(draw(st.integers(1, 15))):
        lead = draw(st.sampled_from(LEADS))
        at = NOON + timedelta(seconds=number + 1)
        event_id = f"00000000-0000-0000-0000-{number:012d}"
        if draw(st.integers(0, 3)) == 0:
            named = name_of(lead, draw(st.integers(1, 3)), draw(st.sampled_from([1, 1, 2])))
            told.append(
                commanded(
                    draw(st.sampled_from(sorted(OUTCOMES))),
                    handover_id=draw(st.sampled_from([named, named, None])),
                    lead_id=lead,
                    event_id=event_id,
                    at=at,
                )
            )
            continue
        if draw(st.integers(0, 7)) == 0:
            told.append(
                assigned(draw(st.sampled_from(["anna", "cleo", "zoe"])), lead_id=lead, event_id=event_id, at=at)
            )
            continue
        versions[lead] += draw(st.sampled_from([1, 1, 1, 0, -1]))
        more: dict[str, Any] = {}
        if draw(st.integers(0, 9)) == 0:
            more["absorbed"] = [draw(st.sampled_from([one for one in LEADS if one != lead]))]
        told.append(
            record(
                scored(
                    lead,
                    version=max(versions[lead], 0),
                    stage=draw(st.sampled_from(["MQL", "SQL", "SQL", "SQL", "disqualified"])),
                    event_id=event_id,
                    profile={"country": draw(st.sampled_from(["DE", "FR"]))},
                    **more,
                ),
                at=at,
            )
        )
    return told


def hurried(**given: Any) -> Routing:
    """The shipped document with deadlines that records a second apart can miss."""
    return in_time(routing(), accept=timedelta(seconds=3), contact=timedelta(seconds=8), **given)


@given(stories(), st.booleans())
@settings(deadline=None, max_examples=30)
def test_exactly_one_handover_for_each_lead_episode_and_attempt(story: list[Record], ticks: bool) -> None:
    desk = Desk(hurried())
    for told in story:
        if ticks:
            desk.passes(from_ms(told.timestamp_ms))
        desk.reads(told)
    desk.passes(NOON + timedelta(hours=1))
    made = [one.event_id for one in desk.emitted]
    assert len(made) == len(set(made))
    for lead in LEADS:
        held = [desk.world[Key("handover", id_)] for id_ in desk.world.get(Key("handovers", lead), ())]
        episodes = Counter((one.opened_for, one.episode) for one in held if one.withdrawn_at is None)
        assert set(episodes.values()) <= {1}  # of all attempts of an episode one stands
    running = {key.key for key in desk.timers()}
    assert running == set()  # whatever fell due was carried out, and nothing falls due for ever


@given(stories(), st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_a_batch_is_given_is_all_that_its_decisions_look_at(story: list[Record], data: st.DataObject) -> None:
    """A world of only what `needs` names, cut into batches anywhere, decides as a world of everything does."""
    whole, kept = Desk(hurried()), Desk(hurried())
    inputs: list[Input] = []
    for told in story:
        input_ = decode(told)
        assert isinstance(input_, Input)
        ticks = data.draw(st.booleans())
        for one in (*(whole.due(input_.now) if ticks else ()), input_):
            outcome = whole.decide(whole.world, one)
            assert isinstance(outcome, Decision)
            whole.world.update(outcome.changes)
            whole.emitted += outcome.emit
            inputs.append(one)
    emitted: list[Outgoing] = []
    while inputs:
        size = data.draw(st.integers(1, len(inputs)))
        batch, inputs = inputs[:size], inputs[size:]
        world = _loaded(kept.world, batch)
        for input_ in batch:
            outcome = kept.decide(world, input_)
            assert isinstance(outcome, Decision)
            world.update(outcome.changes)
            kept.world.update(outcome.changes)
            emitted += outcome.emit
    assert emitted == whole.emitted
    assert _saved(kept.world) == _saved(whole.world)


def _saved(world: dict[Any, Any]) -> dict[Any, Any]:
    return {
        key: value
        for key, value in world.items()
        if isinstance(key, str | TimerKey) or (key.kind not in NOT_SAVED and value is not None)
    }


def _loaded(everything: dict[Any, Any], batch: list[Input]) -> dict[Any, Any]:
    """What the store's `load` would find: the batch's leads, and around them what is needed."""
    ids = needs.lead_ids(batch)
    world = {id_: everything[id_] for id_ in ids if id_ in everything}
    until = max(input_.now for input_ in batch)
    timers = {key: one for key, one in everything.items() if isinstance(key, TimerKey) and one is not None}
    _run(world, {key: one for key, one in timers.items() if key.lead_id in ids and one.due_at <= until})
    more = needs.needs(world, batch)
    if more is None:
        return world
    present = more.leads | {everything.get(Key("absorbed", id_), id_) for id_ in more.leads}
    wanted = present | {
        key.id
        for key, value in everything.items()
        if isinstance(key, Key) and key.kind == "absorbed" and value in present
    }
    world = {key: one for key, one in world.items() if isinstance(key, str)}
    _run(world, {key: one for key, one in timers.items() if key.lead_id in wanted})
    for key, value in everything.items():
        if isinstance(key, TimerKey) or value is everything.get(DUE):
            continue
        if isinstance(key, str):
            take = key in wanted
        elif key.kind == "handover":
            take = value.lead_id in wanted
        elif key.kind == "log":
            take = outcomes.about(value) in wanted
        elif key.kind in ("handovers", "absorbs"):
            continue
        elif key.kind in ("said", "queue"):
            take = key.id in wanted
        elif key.kind == "absorbed":
            take = value in wanted
        elif key.kind == "joined":
            take = everything[Key("absorbed", key.id)] in wanted
        else:
            take = (key.kind in ("pool", "load") and more.gate) or (key.kind == "account" and key.id in more.accounts)
        if take:
            world[key] = value
    for key, value in sorted(world.items(), key=lambda one: str(one[0])):
        if isinstance(key, Key) and key.kind in ("handover", "absorbed"):
            index = Key("handovers", value.lead_id) if key.kind == "handover" else Key("absorbs", value)
            world[index] = (*world.get(index, ()), key.id)
    return world


def _run(world: dict[Any, Any], timers: dict[TimerKey, Timer]) -> None:
    if timers:
        world.update(timers)
        world[DUE] = {lead: tuple(key for key in timers if key.lead_id == lead) for lead in LEADS}


@given(st.tuples(st.integers(1, 5), st.integers(1, 5)), st.integers(1, 40))
@settings(deadline=None, max_examples=20)
def test_a_pool_stays_fair_over_any_number_of_handovers(weights: tuple[int, int], count: int) -> None:
    desk = Desk(two_free_owners(weights=weights))
    for number in range(count):
        desk.reads(scored(f"ld_{number}"))
        got = Counter(owners(desk.emitted))
        assert abs(got["ann"] * weights[1] - got["bob"] * weights[0]) <= max(weights)
