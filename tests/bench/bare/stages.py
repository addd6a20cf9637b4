"""The three bare stages: what names a record comes in, one small row and one record of the product's size go out. Starts nothing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import Any

import msgspec

from shared import ids, topology
from shared.clock import from_ms
from shared.outcome import Decision, Outgoing
from shared.stage import Input, Record, Stage, Tx, World
from shared.topology import Topic

ENRICHED = Topic("bare.enriched.v1", "lead_id", (), (), ("lead.enriched",))
SCORED = Topic("bare.scored.v1", "lead_id", (), (), ("lead.scored",))
HANDOVER = Topic("bare.handover.v1", "lead_id", (), (), ("lead.handover",), transactional=True)
TOPICS = (ENRICHED, SCORED, HANDOVER)

_HANDED = 10  # one lead in so many is handed over, as of the benchmark's forms
# What the product's records hold beside the submission: its profile, touches, contributions and path, in bytes.
_ADDED = {"enrich": b"-" * 950, "score": b"-" * 1400, "route": b"-" * 1800}
_RECORD = (
    b'{"event_id":"%s","handover_id":"%s","lead_id":"%s","stage":"%s","previous_stage":"MQL","episode":%d,'
    b'"activity":%s,"added":"%s"}'
)


class Told(msgspec.Struct, frozen=True):
    """What names a record. `activity` is the submission, which goes along as it came; capture's record is one itself."""

    event_id: str
    lead_id: str = ""
    stage: str = ""
    episode: int = 0
    activity: msgspec.Raw = msgspec.Raw()


_read = msgspec.json.Decoder(Told).decode


def stage(name: str) -> Stage:
    """enrich, score or route without a thought."""
    reads = {"enrich": topology.CAPTURED, "score": ENRICHED, "route": SCORED}[name]
    writes = {"enrich": ENRICHED, "score": SCORED, "route": HANDOVER}[name]
    return Stage(
        name=f"bare-{name}",
        reads=(reads,),
        writes=(writes,),
        decode=decode,
        load=_nothing,
        decide=partial(decide, name=name, writes=writes),
        save=partial(_save, stage=name),
        same_part=name != "enrich",
    )


def decode(record: Record) -> Input:
    """The record's names. A lead is whoever capture's key stands for."""
    told = _read(record.value)
    if not told.lead_id:
        activity = msgspec.Raw(b'{"id":"%s",%s' % (told.event_id.encode(), record.value[1:]))
        told = Told(told.event_id, (record.key or b"").decode(), activity=activity)
    return Input(told.event_id, told, from_ms(record.timestamp_ms), record.part, record)


def decide(_: World, input_: Input, *, name: str, writes: Topic) -> Decision:
    """One small row; and one record, by route for those alone that score let through."""
    told: Told = input_.event
    row: dict[Hashable, str] = {told.lead_id: told.event_id}
    if name == "route" and told.stage != "SQL":
        return Decision(row)
    (type_,) = writes.events
    event_id = ids.event_id(name, told.event_id, told.lead_id, 1, type_)
    reached, episode = told.stage, told.episode
    if name == "score":
        episode = int(event_id[:8], 16)
        reached = "MQL" if episode % _HANDED else "SQL"
    data = _RECORD % (
        event_id.encode(),
        event_id.encode(),
        told.lead_id.encode(),
        reached.encode(),
        episode,
        told.activity,
        _ADDED[name],
    )
    return Decision(row, (Outgoing(writes, told.lead_id, type_, event_id, data),))


async def _nothing(_: Tx, __: Sequence[Input]) -> MutableMapping[Any, Any]:
    return {}


async def _save(tx: Tx, changes: Mapping[Any, Any], *, stage: str) -> None:
    # One small row a lead, in one order.
    await tx.execute(
        """
        INSERT INTO lead (stage, lead_id, event_id)
        SELECT $1, lead_id, event_id FROM unnest($2::text[], $3::uuid[]) AS l(lead_id, event_id)
        ON CONFLICT (lead_id, stage) DO UPDATE SET event_id = excluded.event_id
        """,
        stage,
        sorted(changes),
        [changes[lead_id] for lead_id in sorted(changes)],
    )
