"""The textbook's score: a Faust agent, one event at a time."""

from __future__ import annotations

from typing import Any

import msgspec

from services.score import decode
from services.score.domain.decide import decide
from services.score.domain.inforce import InForce
from services.score.domain.lead import Lead, Told
from services.score.domain.load import load
from services.score.settings import SHIPPED
from shared import contracts, topology
from shared.outcome import Reject
from tests.bench.textbook import settings
from tests.bench.textbook.worker import Worker, record

worker = Worker("score")
app = worker.app
enriched, scored = worker.topic(settings.ENRICHED), worker.topic(settings.SCORED)
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Lead).decode
_in_force = InForce(load(SHIPPED.read_text(), source=SHIPPED.name))
_read = decode.decoder(_in_force)

_LATEST = "SELECT lead FROM scored WHERE lead_id = $1 ORDER BY version DESC LIMIT 1"
_ACTIVITIES = "SELECT activity FROM scored WHERE lead_id = $1"
_INSERT = (
    "INSERT INTO scored (event_id, lead_id, version, lead, activity) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
)


@app.agent(enriched)  # type: ignore[untyped-decorator]
async def score(stream: Any) -> None:
    """Scores the lead of each event anew."""
    async for event in stream.events():
        found = _read(record(event, topic=topology.ENRICHED))
        if isinstance(found, Reject) or not isinstance(found.event, Told):
            continue
        store, told = await worker.connection(), found.event
        known = await store.fetchval(_LATEST, told.lead_id)
        lead = _decode(known) if known is not None else Lead(lead_id=told.lead_id, part=found.part)
        try:
            decision = decide(lead, told, _in_force, now=found.now, input_id=found.event_id)
        except LookupError:  # out of order: counted from all activities
            rows = await store.fetch(_ACTIVITIES, told.lead_id)
            lead = msgspec.structs.replace(lead, bodies=tuple(row["activity"] for row in rows))
            decision = decide(lead, told, _in_force, now=found.now, input_id=found.event_id)
        after = msgspec.structs.replace(decision.changes[told.lead_id], kept=(), known={}, bodies=None, facts=None)
        done = await store.execute(
            _INSERT, found.event_id, told.lead_id, after.state.score_version, _encode(after), told.activity
        )
        if done != "INSERT 0 1":
            continue  # a repeat
        for out in decision.emit:
            await scored.send(key=out.key.encode(), value=contracts.encode(out.data))
