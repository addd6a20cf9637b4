"""Taking over a number: claim it in Postgres, fence the old producer, recall what a store does not know, send what was left."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared import logs, outbox, ownership, recall
from shared.crash import point
from shared.database import Pool
from shared.message import Message
from shared.once import OnceWriter
from shared.producer import Emitter
from shared.reader import OffsetGone, Reader
from shared.stage import Stage


@dataclass(slots=True)
class Held:
    """The numbers that this instance owns: their epochs, how far each topic is read, and what is known of our own output."""

    epochs: dict[int, int] = field(default_factory=dict)
    next_offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    read_up_to: dict[tuple[str, int], int] = field(default_factory=dict)  # timestamp (ms) of the last record read
    known: dict[tuple[str, int], int] = field(
        default_factory=dict
    )  # of transactional output, not yet written to Postgres
    recalling: set[int] = field(default_factory=set)
    rounds: dict[int, int] = field(default_factory=dict)  # which assignment was claimed

    def drop(self, part: int) -> None:
        """Forgets number `part`: somebody else has it, or will."""
        self.epochs.pop(part, None)
        self.rounds.pop(part, None)
        self.recalling.discard(part)
        for table in (self.next_offsets, self.known, self.read_up_to):
            for place in [place for place in table if place[1] == part]:
                del table[place]


async def take_over(
    pool: Pool,
    stage: Stage,
    part: int,
    *,
    reader: Reader,
    once: OnceWriter,
    emitter: Emitter,
    kafka: str,
    owner: str,
    partitions: int,
    held: Held,
) -> None:
    """Makes `part` ours, in the order that keeps the promises: claim; fence; recall; send what is left; only then seek.

    Raises OffsetGone when a cursor and its topic do not fit, and the world's faults; then the number is not held.
    """
    begins = await reader.begins(part)
    transactional = [topic.name for topic in stage.writes if topic.transactional]
    claim = await ownership.claim(
        pool, stage=stage.name, part=part, owner=owner, begin={**begins, **dict.fromkeys(transactional, 0)}
    )
    point("after_claim")
    ends = {topic: offset for (topic, _), offset in (await reader.ends([part])).items()}
    offsets = {topic: claim.next_offsets[topic] for topic in stage_topics(stage)}
    for topic, offset in offsets.items():
        if not begins[topic] <= offset <= ends[topic]:
            raise OffsetGone(
                f"{stage.name} has read {topic}/{part} up to {offset}, but the topic keeps {begins[topic]} to {ends[topic]}. "
                f"Restore the topic, or rebuild the store from what is kept: leads rebuild {stage.name}"
            )
    left = await outbox.left(pool, stage=stage.name, part=part, epoch=claim.epoch)
    recalling = bool(claim.recall_until)
    known: dict[tuple[str, int], int] = {}
    if transactional:
        tail = await once.open(part, {topic: claim.next_offsets[topic] for topic in transactional})
        ours = {message.event_id for _, messages in left for message in messages}
        unknown = [record for record in tail if record.headers.get("ce_id", b"").decode() not in ours]
        if unknown:
            recalling = True
            await recall.remember(pool, stage=stage, part=part, records=unknown, with_value=True)
        for record in tail:
            known[record.topic, part] = record.offset + 1
    committed = await reader.committed(part)
    fresh = bool(claim.fresh & set(offsets))
    if any(committed.get(topic, 0) > offset for topic, offset in offsets.items()) or (fresh and any(ends.values())):
        logs.get().warning(
            "the store is older than its topics: what was decided before is kept", stage=stage.name, part=part
        )
        recalling = True
        await recall.read_own_output(pool, kafka, stage=stage, part=part, partitions=partitions, empty=fresh)
    if recalling:
        await recall.begin(pool, stage=stage.name, part=part, until=ends)
    elif claim.fresh:
        await recall.nothing(pool, stage=stage.name, part=part)
    point("after_recall")
    for row, messages in left:
        await send(messages, part=part, once=once, emitter=emitter, transactional=frozenset(transactional), known=known)
        await outbox.sweep(pool, acknowledged=[row])
    reader.seek(part, offsets)
    held.epochs[part] = claim.epoch
    held.next_offsets.update({(topic, part): offset for topic, offset in offsets.items()})
    held.known.update(known)
    if recalling:
        held.recalling.add(part)


async def send(
    messages: list[Message],
    *,
    part: int,
    once: OnceWriter,
    emitter: Emitter,
    transactional: frozenset[str],
    known: dict[tuple[str, int], int],
) -> None:
    """Sends one number's messages: the ordinary ones in batches, those of transactional topics once. Notes how far these are known."""
    ordinary = [message for message in messages if message.topic not in transactional]
    await emitter.send(ordinary)
    strict = [message for message in messages if message.topic in transactional]
    if strict:
        now_known = await once.send(part, strict)
        known.update({(topic, part): offset for topic, offset in now_known.items()})


def stage_topics(stage: Stage) -> list[str]:
    """The names of the topics that a stage reads."""
    return [topic.name for topic in stage.reads]
