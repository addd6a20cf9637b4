"""The textbook's enrich: a Faust agent, one event at a time."""

from __future__ import annotations

from typing import Any

import msgspec

from services.enrich.domain import emission, intake, profile
from services.enrich.domain.leads import raised
from services.enrich.domain.world import Kept, Lead
from shared import contracts, ids, topology
from shared.outcome import Reject
from tests.bench.textbook import settings
from tests.bench.textbook.worker import Worker, record

worker = Worker("enrich")
app = worker.app
captured, enriched = worker.topic(settings.CAPTURED), worker.topic(settings.ENRICHED)
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Lead).decode

_LATEST = "SELECT lead FROM enriched WHERE lead_id = $1 ORDER BY version DESC LIMIT 1"
_INSERT = "INSERT INTO enriched (event_id, lead_id, version, lead) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"


@app.agent(captured)  # type: ignore[untyped-decorator]
async def enrich(stream: Any) -> None:
    """Normalises each event and adds it to its lead."""
    async for event in stream.events():
        found = intake.decode(record(event, topic=topology.CAPTURED))
        if isinstance(found, Reject):
            continue
        store, happened = await worker.connection(), found.event
        name = happened.person or happened.cookie
        lead_id = ids.lead_id(settings.SECRET, name)
        known = await store.fetchval(_LATEST, lead_id)
        lead = _decode(known) if known is not None else Lead(lead_id, found.now, name)
        lead = msgspec.structs.replace(
            lead, version=raised(lead.version, found.now), state=profile.add(lead.state, happened, {})
        )
        if await store.execute(_INSERT, happened.event_id, lead_id, lead.version, _encode(lead)) != "INSERT 0 1":
            continue  # a repeat
        for out in emission.enriched(lead, [Kept(happened, lead_id, 1)]):
            await enriched.send(key=out.key.encode(), value=contracts.encode(out.data))
