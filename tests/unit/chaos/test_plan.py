"""The plan of faults: one seed, one plan, and in twenty minutes everything comes often enough."""

from __future__ import annotations

from collections import Counter

from shared.crash import POINTS
from tests.chaos.plan import HANDOVER_POINTS, WORLD, plan


def test_the_same_seed_gives_the_same_plan() -> None:
    assert plan(5, 3) == plan(5, 3)
    assert plan(5, 3) != plan(5, 4)


def test_twenty_minutes_hold_every_fault_and_a_zombie_at_every_point() -> None:
    steps = plan(20, 1)
    assert {step.name for step in steps} >= set(WORLD) | {"crash", "kill", "copies", "garbage"}
    assert {step.point for step in steps if step.name == "zombie"} == set(POINTS)
    assert {step.to for step in steps if step.name == "kill"} == {"capture", "enrich", "score", "route", "console"}


def test_twenty_minutes_arm_every_point_far_oftener_than_it_must_be_hit() -> None:
    armed = Counter(step.point.partition(":")[0] for step in plan(20, 1) if step.name == "crash")
    assert set(armed) == set(POINTS)
    assert min(armed.values()) >= 20


def test_handover_points_are_armed_in_the_only_service_that_comes_by_them() -> None:
    steps = [step for step in plan(20, 2) if step.point.partition(":")[0] in HANDOVER_POINTS]
    assert {step.to for step in steps} == {"route"}


def test_no_fault_of_the_world_begins_too_late_to_end() -> None:
    for minutes in (1, 2, 20):
        steps = [step for step in plan(minutes, 7) if step.lane == "world"]
        assert steps
        assert all(step.at + WORLD[step.name] <= minutes * 60 for step in steps)
