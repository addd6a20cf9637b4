"""The textbook's route: a Faust agent, one event at a time. Pools and accounts are in its memory."""

from __future__ import annotations

from collections import ChainMap
from typing import Any

import msgspec

import services.route
from services.route.domain import document
from services.route.domain.decide import decide_scored
from services.route.domain.decode import decode
from services.route.domain.state import Key, Lead
from shared import topology
from shared.outcome import Reject
from tests.bench.textbook import settings
from tests.bench.textbook.worker import Worker, record

worker = Worker("route")
app = worker.app
scored, handover = worker.topic(settings.SCORED), worker.topic(settings.HANDOVER)
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Lead).decode
_shipped = f"{services.route.__path__[0]}/routing/default.yaml"
with open(_shipped, encoding="utf-8") as _file:
    _routing = document.read(_file.read(), name=_shipped)
_shared: dict[Any, Any] = {}

_LATEST = "SELECT lead FROM routed WHERE lead_id = $1 ORDER BY version DESC LIMIT 1"
_INSERT = (
    "INSERT INTO routed (event_id, lead_id, version, lead, handover) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"
)


@app.agent(scored)  # type: ignore[untyped-decorator]
async def route(stream: Any) -> None:
    """Hands a lead over when it enters SQL."""
    async for event in stream.events():
        found = decode(record(event, topic=topology.SCORED))
        if isinstance(found, Reject):
            continue
        store, lead_id = await worker.connection(), found.event.lead_id
        known = await store.fetchval(_LATEST, lead_id)
        world: Any = ChainMap({lead_id: _decode(known)} if known is not None else {}, _shared)
        decision = decide_scored(_routing, world, found)
        if isinstance(decision, Reject) or lead_id not in decision.changes:
            continue
        after = decision.changes[lead_id]
        sent = [out.data for out in decision.emit]
        done = await store.execute(
            _INSERT, found.event_id, lead_id, after.version, _encode(after), sent[0] if sent else None
        )
        if done != "INSERT 0 1":
            continue  # a repeat
        _shared.update(
            {
                key: value
                for key, value in decision.changes.items()
                if isinstance(key, Key) and key.kind in ("pool", "account")
            }
        )
        for out in decision.emit:
            await handover.send(key=out.key.encode(), value=out.data)
