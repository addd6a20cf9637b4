"""What must hold once a simulated world has healed and come to rest, by looking at the topics and the tables alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from shared import ids
from shared.topology import DEAD
from tests.core.tally import Added
from tests.simulation.broker import Broker, Entry
from tests.simulation.stage import NAME, OUTPUTS, READS, SUMS, TWOS

RECALL_GOES_ON = "a recall goes on"
Content = Mapping[str, Sequence[Mapping[str, Any]]]
_decode = msgspec.json.Decoder(Added).decode


@dataclass(frozen=True, slots=True)
class Read:
    """One input record as it stands on its topic."""

    part: int
    offset: int
    timestamp: int
    added: Added | None


def unrest(broker: Broker, content: Content, partitions: int) -> str:
    """Why the world is not at rest yet; nothing when it is."""
    ends = {part: broker.end((READS.name, part)) for part in range(partitions)}
    cursors = {row["part"]: row["next_offset"] for row in content["cursor"] if row["topic"] == READS.name}
    if cursors != ends:
        return f"cursors {cursors}, the topic ends at {ends}"
    if content["outbox"]:
        return f"{len(content['outbox'])} rows in the outbox"
    if any(row["due_at"] is not None for row in content["tally"]):
        return "timers are due"
    # Rows of `recalled` may stay where a claimer was overtaken while it read the tail; the number's next recall takes them along.
    if any(row["recall_until"] is not None for row in content["cursor"]):
        return RECALL_GOES_ON
    return ""


def violations(broker: Broker, content: Content, partitions: int) -> list[str]:
    """Every promise that the world at rest breaks, in words."""
    reads = [_read(part, entry) for part in range(partitions) for entry in broker.log((READS.name, part))]
    good = {one.added.event_id: one for one in reversed(reads) if one.added is not None and not one.added.do}
    found: list[str] = []
    found += _store(content, good)
    outputs = {
        topic: [
            (part, entry)
            for part in range(partitions)
            for entry in broker.log((topic, part))
            if not entry.control and (entry.visible or topic != TWOS.name)
        ]
        for topic in OUTPUTS
    }
    found += _sums(outputs[SUMS.name], content, reads, good)
    found += _twos(outputs[TWOS.name], content)
    found += _dead(outputs[DEAD.name], reads)
    found += [
        f"an output on {topic}/{part}, where nobody writes"
        for topic, part in broker.logs
        if topic not in (*OUTPUTS, READS.name) or part >= partitions
    ]
    why = unrest(broker, content, partitions)
    return found + ([f"not at rest any more: {why}"] if why else [])


def _read(part: int, entry: Entry) -> Read:
    try:
        return Read(part, entry.offset, entry.timestamp, _decode(entry.value))
    except msgspec.DecodeError:
        return Read(part, entry.offset, entry.timestamp, None)


def _store(content: Content, good: Mapping[str, Read]) -> list[str]:
    """Every distinct input has exactly one effect."""
    expected: dict[str, tuple[int, int]] = {}
    for one in good.values():
        assert one.added is not None
        count, total = expected.get(one.added.key, (0, 0))
        expected[one.added.key] = (count + 1, total + one.added.n)
    stands = {row["key"]: (row["count"], row["total"]) for row in content["tally"]}
    found = [] if stands == expected else [f"the store has (count, total) {stands}, its inputs give {expected}"]
    counted = sorted(str(row["event_id"]) for row in content["inbox"])
    if counted != sorted(good):
        found.append(f"the inbox has {counted}, the inputs are {sorted(good)}")
    return found


def _sums(
    records: Sequence[tuple[int, Entry]], content: Content, reads: Sequence[Read], good: Mapping[str, Read]
) -> list[str]:
    """Each output at least once and nothing else; each key's versions in order."""
    found: list[str] = []
    told: dict[str, dict[str, Any]] = {}  # by event id
    order: dict[tuple[int, str], list[int]] = defaultdict(list)
    for part, entry in records:
        headers = dict(entry.headers)
        id_, one = headers["ce_id"].decode(), msgspec.json.decode(entry.value)
        one["type"] = headers["ce_type"].decode()
        if told.setdefault(id_, one) != one:
            found.append(f"event {id_} was told with two contents: {told[id_]} and {one}")
        elif one["type"] == "tally.summed" and one["count"] not in order[part, one["key"]]:
            order[part, one["key"]].append(one["count"])
    of = Counter(one["of"] for one in told.values() if one["type"] == "tally.summed")
    if of != Counter(good.keys()):
        found.append(f"sums were told of {dict(of)}, the inputs are {sorted(good)}")
    for row in content["tally"]:
        versions = sorted(one["count"] for one in told.values() if _is(one, row["key"], "tally.summed"))
        if versions != list(range(1, row["count"] + 1)):
            found.append(f"versions {versions} of {row['key']} were told, it has {row['count']}")
        rings = {one["of"] for one in told.values() if _is(one, row["key"], "tally.rang")}
        if len(rings) != row["rings"]:
            found.append(f"{len(rings)} rings of {row['key']} were told, it has {row['rings']}")
    dues = {
        ids.timer_id(one.added.key, "ring", one.timestamp + one.added.ring_in_ms)
        for one in reads
        if one.added is not None and one.added.ring_in_ms is not None
    }
    nowhere = {one["of"] for one in told.values() if one["type"] == "tally.rang"} - dues
    found += [f"a ring from nowhere: {one}" for one in nowhere]
    found += [
        f"versions of {key} in number {part} were told in the order {counts}"
        for (part, key), counts in order.items()
        if counts != sorted(counts)
    ]
    found += _prefixes(told, reads)
    return found


def _is(one: Mapping[str, Any], key: str, type_: str) -> bool:
    return bool(one["key"] == key and one["type"] == type_)


def _prefixes(told: Mapping[str, Mapping[str, Any]], reads: Sequence[Read]) -> list[str]:
    """Where all records of a key stand in one number, each version is the fold of the topic up to there."""
    numbers: dict[str, set[int]] = defaultdict(set)
    totals: dict[str, list[int]] = defaultdict(list)
    seen: set[str] = set()
    for one in reads:
        if one.added is None or one.added.do:
            continue
        numbers[one.added.key].add(one.part)
        if one.added.event_id not in seen:
            seen.add(one.added.event_id)
            before = totals[one.added.key][-1] if totals[one.added.key] else 0
            totals[one.added.key].append(before + one.added.n)
    return [
        f"version {one['count']} of {one['key']} was told as {one['total']}, its topic gives {totals[one['key']]}"
        for one in told.values()
        if one["type"] == "tally.summed"
        and len(numbers[one["key"]]) == 1
        and totals[one["key"]][one["count"] - 1 : one["count"]] != [one["total"]]
    ]


def _twos(records: Sequence[tuple[int, Entry]], content: Content) -> list[str]:
    """Physically once each."""
    there = Counter(
        (one["key"], one["count"]) for one in (msgspec.json.decode(entry.value) for _, entry in records)
    )  # fmt: skip
    expected = Counter((row["key"], n) for row in content["tally"] for n in range(2, row["count"] + 1, 2))
    return [] if there == expected else [f"handed over {dict(there)}, expected once each {sorted(expected)}"]


def _dead(records: Sequence[tuple[int, Entry]], reads: Sequence[Read]) -> list[str]:
    """Every bad record is told at one of its places at least, and nobody else."""
    places = {
        ids.dead_id(NAME, READS.name, one.part, one.offset): one.added.event_id if one.added else (one.part, one.offset)
        for one in reads
        if one.added is None or one.added.do
    }
    dead = {dict(entry.headers)["ce_id"].decode() for _, entry in records}
    found = [f"a dead letter from nowhere: {id_}" for id_ in dead - places.keys()]
    missing = set(places.values()) - {places[id_] for id_ in dead & places.keys()}
    return found + [f"no dead letter of {one}" for one in missing]
