"""Enrich's own stage and store under the simulation's broker: the history of a household arrives at two instances at once, on any number, while
they die and numbers move, and operators merge and split; at rest, the store and a reader of the topic know what the reference says. Needs a real Postgres."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

import msgspec

from services.enrich.domain import intake, profile, telling
from services.enrich.domain.world import Happened, State
from services.enrich.main import stage
from services.enrich.store.identity import decode_judgement
from shared import contracts
from shared.outcome import Outgoing
from shared.stage import Input
from shared.topology import CAPTURED, COMMANDS, ENRICHED
from tests.simulation.loop import OUTSIDE, Stuck, VirtualLoop
from tests.simulation.postgres import PostgresStore
from tests.simulation.schedule import REST_SECONDS, clean_up
from tests.simulation.world import World
from tests.unit.enrich import reference
from tests.unit.enrich.households import arrivals, household, named
from tests.unit.enrich.memory import MONDAY, SECRET, heard, record

TABLES = (
    "cursor",
    "outbox",
    "recalled",
    "owed",
    "untold",
    "ruling",
    "judgement",
    "review",
    "activity",
    "identifier",
    "lead",
)
PARTITIONS = 2
_LARGEST = 24  # events
_TOLD = {
    "lead.enriched": contracts.Enriched,
    "lead.merged": contracts.Merged,
    "lead.split": contracts.Split,
    "lead.noted": contracts.Noted,
}
_decode_state = msgspec.json.Decoder(State).decode


def run(seed: int, loop: VirtualLoop, store: PostgresStore) -> list[str]:
    """Plays the history of one seed; what is not as it should be, in words. None: all is well."""
    world = World(loop, random.Random(seed), store, partitions=PARTITIONS, traced=False, stage=stage(SECRET))
    try:
        # In every second history little is told at once.
        with patch.object(telling, "MOST_AT_ONCE", seed % 4 if seed % 2 else telling.MOST_AT_ONCE):
            wrong: list[str] = loop.run_until_complete(loop.create_task(_main(world, seed), context=OUTSIDE))
        return world.trouble + wrong
    except Stuck as stuck:
        return [str(stuck)]
    finally:
        clean_up(world)


async def _main(world: World, seed: int) -> list[str]:
    rng, loop = world.rng, world.loop
    events = household(seed, _LARGEST)
    world.batches = rng.choice(((1, 2, 3, 5, 1000), (1, 2), (1000,)))
    world.restart_after = 1.0
    last = 1.0
    for batch in arrivals(seed, events):
        last += rng.choice((0.0, 0.0, 0.02, 0.5))
        for said in batch:
            loop.outside(last, partial(_arrive, world, msgspec.json.encode(said)))
    for member in ("m0", "m1"):
        faults = {1 + int(rng.random() * 120): rng.choice(("dies", "freezes"))} if rng.random() < 0.3 else None
        world.start(member, faults)
    if rng.random() < 0.3:
        loop.outside(last * rng.random(), _rebalance, world)
    begun = loop.virtual
    for moment in sorted(1.0 + rng.random() * last for _ in range(rng.choice((0, 2, 4, 6)))):
        await asyncio.sleep(max(0.0, begun + moment - loop.virtual))
        _ask(world, await world.store.content())
    await asyncio.sleep(max(0.0, begun + last + 1.1 - loop.virtual))
    world.healed = True
    for one in world.instances:
        world.wake(one)
    if not all(any(one.member == member and not one.dead for one in world.instances) for member in ("m0", "m1")):
        world.start("healer")
    until = loop.virtual + REST_SECONDS
    while not await _at_rest(world):
        await asyncio.sleep(0.5)
        if loop.virtual > until:
            return ["it does not come to rest"]
    return _wrong(events, await world.store.content(), _told(world))


def _arrive(world: World, value: bytes) -> None:
    """On any number: who writes to the topic may use any key, and a repeat may meet itself on another number."""
    world.broker.append((CAPTURED.name, world.rng.randrange(PARTITIONS)), [(None, value, ())])


def _ask(world: World, content: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """An operator asks for a merge or a split of leads that stand now; what it comes to when it is read, the stage says."""
    rng = world.rng
    leads = sorted(row["lead_id"] for row in content["lead"] if row["absorbed_into"] is None)
    if not leads:
        return
    about, kind = rng.choice(leads), rng.choice(("merge", "merge", "split"))
    payload: dict[str, Any] = {"lead_ids": [about, rng.choice(leads)]}
    if kind == "split":
        theirs = sorted(row["name"] for row in content["identifier"] if row["lead_id"] == about)
        events = sorted(str(row["event_id"]) for row in content["activity"] if row["lead_id"] == about)
        leaving = [one for name in theirs[:1] if (one := named(name)) is not None]
        payload = {"lead_id": about, **({"event_ids": events[:1]} if rng.random() < 0.5 else {"identifiers": leaving})}
    said: dict[str, Any] = {
        "event_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "kind": kind,
        "by": "kim",
        "payload": payload,
    }
    said["issued_at"] = MONDAY + timedelta(minutes=rng.randint(0, 20_000))
    world.broker.append((COMMANDS.name, rng.randrange(PARTITIONS)), [(None, msgspec.json.encode(said), ())])


def _rebalance(world: World) -> None:
    for group in world.broker.groups.values():
        group.turn()


async def _at_rest(world: World) -> bool:
    reads = [(topic.name, part) for topic in (CAPTURED, COMMANDS) for part in range(PARTITIONS)]
    content: Mapping[str, Sequence[Mapping[str, Any]]] = await world.store.content()
    read = {(row["topic"], row["part"]): row["next_offset"] for row in content["cursor"]}
    return (
        not content["outbox"]
        and not content["untold"]
        and not content["owed"]
        and all(read.get(place) == world.broker.end(place) for place in reads)
    )


def _told(world: World) -> list[Outgoing]:
    """What stands on the output topic, each event once, however often it stands there."""
    told: dict[str, Outgoing] = {}
    for part in range(PARTITIONS):
        for entry in world.broker.log((ENRICHED.name, part)):
            headers = dict(entry.headers)
            event_id, type_ = headers["ce_id"].decode(), headers["ce_type"].decode()
            data: Any = msgspec.json.decode(entry.value, type=_TOLD[type_])
            told.setdefault(event_id, Outgoing(ENRICHED, (entry.key or b"").decode(), type_, event_id, data))
    return list(told.values())


def _wrong(
    events: Sequence[Mapping[str, Any]], content: Mapping[str, Sequence[Mapping[str, Any]]], told: Sequence[Outgoing]
) -> list[str]:
    """Where the store, or what a reader of the topic knows, is not what the reference says."""
    happened = _happened(events)
    rulings = [decode_judgement(row["document"]) for row in content["judgement"]]
    known = {group: _plain(one) for group, one in reference.known(happened.values(), rulings).items()}
    lead_of = {str(row["event_id"]): row["lead_id"] for row in content["activity"]}
    if lead_of.keys() != happened.keys():
        return [f"kept are {sorted(lead_of)}, the events are {sorted(happened)}"]
    groups = {
        lead_id: frozenset(event_id for event_id in lead_of if lead_of[event_id] == lead_id)
        for lead_id in {*lead_of.values()} - {None}
    }
    if Counter(groups.values()) != Counter(known.keys()):
        return [f"the store's people are {set(groups.values())}, they should be {set(known)}"]
    states = {groups[row["lead_id"]]: row["state"] for row in content["lead"] if row["lead_id"] in groups}
    found = [
        f"of {sorted(group)} the store knows {stands}, it should know {known[group]}"
        for group in known
        if (stands := _plain(reference.said(_decode_state(states[group])))) != known[group]
    ]
    told_of, profiles = heard(told)
    judged = reference.judged(happened.values())
    counting = {group: frozenset(id_ for id_ in group if not judged[id_].repeat) for group in known}
    if told_of != set(counting.values()) - {frozenset()}:
        return [*found, f"a reader knows the people {told_of}, they should be {set(counting.values())}"]
    whole = {counts: group for group, counts in counting.items()}
    for group, (shown, first, last) in profiles.items():
        state = _decode_state(states[whole[group]])
        should = profile.of(state), state.first and state.first.touch, state.last and state.last.touch
        if _plain((shown, first, last)) != _plain(should):
            found.append(f"a reader knows of {sorted(group)}: {shown}, the store {should}")
    ended = {one.data.activity_id for one in told if isinstance(one.data, contracts.Noted)}
    ended |= {one.data.activity.id for one in told if isinstance(one.data, contracts.Enriched)}
    if ended != happened.keys():
        found.append(f"without an end are {happened.keys() - ended}, from nowhere {ended - happened.keys()}")
    return found


def _happened(events: Sequence[Mapping[str, Any]]) -> dict[str, Happened]:
    found = [intake.decode(record(dict(said))) for said in events]
    return {one.event_id: one.event for one in found if isinstance(one, Input)}


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)
