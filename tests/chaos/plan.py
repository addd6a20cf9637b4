"""Which faults come when: one seed, one list. Pure; faults.py carries it out."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.crash import POINTS

STAGED = ("enrich", "score", "route")
HANDOVER_POINTS = ("in_handover_transaction", "after_handover_commit")  # only route comes there
BEGINNINGS = ("after_claim", "after_recall")  # only a process that has just been given a number comes there
_ARM_EVERY = 6.0  # seconds from one armed crash of a service to its next
_KILL_EVERY = 5.0
_RECORDS_EVERY = 9.0
_REST = 3.0  # seconds between two faults of the world

# The faults of the world and about how long each takes, its aftermath included.
WORLD = {
    "kafka-stop": 14.0,
    "kafka-kill": 14.0,
    "kafka-pause": 38.0,
    "postgres-kill": 8.0,
    "postgres-stop": 24.0,
    "postgres-terminate": 3.0,
    "rolling-sigterm": 50.0,
    "scale": 30.0,
    "offsets": 14.0,
    "zombie": 28.0,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One fault: in which lane (lanes run beside each other, the steps of one after another), when at the earliest, what, to whom."""

    lane: str
    at: float
    name: str
    to: str = ""
    point: str = ""
    seconds: float = 0.0


def plan(minutes: float, seed: int) -> list[Step]:
    """The faults of a run of so many minutes, by lane and time. The same seed and length give the same plan."""
    rng = random.Random(f"plan {seed}")
    seconds = minutes * 60
    steps = [step for service in STAGED for step in _crashes(service, seconds, rng)]
    steps += _every(_KILL_EVERY, seconds, "kills", [("kill", one) for one in ("capture", *STAGED, "console")], rng)
    steps += _every(_RECORDS_EVERY, seconds, "records", [("copies", ""), ("garbage", "")], rng)
    steps += _world(seconds, rng)
    return sorted(steps, key=lambda step: (step.at, step.lane))


def outages(minutes: float, *, paused: bool = False) -> list[Step]:
    """What the spool is for: Kafka away for so many minutes, then Postgres too in the middle of it, then both at once. Kafka is
    stopped, or paused: then it is back at once."""
    names = ("kafka-away", "kafka-away-and-postgres-within", "both-away")
    return [Step("world", 2.0, name, "paused" if paused else "", seconds=minutes * 60) for name in names]


def _crashes(service: str, seconds: float, rng: random.Random) -> Iterator[Step]:
    """Every point of a service, again and again in another order; those that route alone comes by, four times as often."""
    points = [point for point in POINTS if point not in HANDOVER_POINTS]
    if service == "route":
        points += HANDOVER_POINTS * 4
    at = 2.0 + 2.0 * STAGED.index(service)
    while at < seconds:
        rng.shuffle(points)
        for point in points:
            if at < seconds:
                yield Step(f"crash {service}", at, "crash", service, f"{point}:{rng.randint(1, 3)}")
            at += _ARM_EVERY


def _every(
    period: float, seconds: float, lane: str, kinds: Sequence[tuple[str, str]], rng: random.Random
) -> Iterator[Step]:
    at, turn = period / 2, list(kinds)
    while at < seconds:
        rng.shuffle(turn)
        for name, to in turn:
            if at < seconds:
                yield Step(lane, at, name, to)
            at += period


def _world(seconds: float, rng: random.Random) -> Iterator[Step]:
    """Round after round of everything; each stop point gets its zombie, so that a run of 20 minutes has had them all."""
    zombies = [Step("world", 0, "zombie", rng.choice(STAGED), point) for point in POINTS]
    zombies = [Step("world", 0, "zombie", "route", z.point) if z.point in HANDOVER_POINTS else z for z in zombies]
    rng.shuffle(zombies)
    # The two that matter most come first: with a decision in hand, and between the commit and the emission.
    zombies.sort(key=lambda step: step.point not in ("after_load", "after_commit"))
    at = 4.0
    while at < seconds:
        others = [name for name in WORLD if name != "zombie"]
        rng.shuffle(others)
        kinds = [_aimed(name, rng) for name in others]
        for place in range(1, len(kinds) + 5, 2):
            kinds.insert(place, zombies[0])
            zombies.append(zombies.pop(0))
        for step in kinds:
            if at + WORLD[step.name] > seconds:
                continue  # too long for what is left; a shorter one may fit
            yield Step("world", at, step.name, step.to, step.point)
            at += WORLD[step.name] + _REST
        if at + min(WORLD.values()) > seconds:
            return


def _aimed(name: str, rng: random.Random) -> Step:
    return Step("world", 0, name, rng.choice(STAGED) if name in ("scale", "offsets") else "")
