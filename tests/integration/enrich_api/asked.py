"""Two leads, and what an operator asks of them. For tests."""

from __future__ import annotations

import uuid
from datetime import timedelta

from services.enrich.domain import command
from shared import contracts, ids
from shared.contracts import Command
from shared.database import Pool
from shared.stage import Input, Record
from tests.integration.enrich import batch, decided
from tests.unit.enrich.memory import MONDAY, SECRET, event


async def two(pool: Pool) -> tuple[str, str]:
    """Two leads, Jo and Mo."""
    await batch(pool, [event("e1", email="jo@acme.example"), event("e2", email="mo@acme.example", anonymous_id="c1")])
    jo, mo = (ids.lead_id(SECRET, f"email\x1f{name}@acme.example") for name in ("jo", "mo"))
    return jo, mo


async def asked(pool: Pool, kind: str, lead_id: str, payload: dict[str, object], *, second: int = 0) -> str:
    """Carries out a command as its record asks for it; its id."""
    said = Command(
        event_id=str(uuid.uuid4()),
        kind=kind,
        issued_at=MONDAY + timedelta(days=1, seconds=second),
        lead_id=lead_id,
        by="ann",
        payload={**payload, "reason": "she told us"},
    )
    record = Record("leads.commands.v1", 0, 0, 1_795_000_100_000, lead_id.encode(), contracts.encode(said), {})
    read = command.decode(record)
    assert isinstance(read, Input)
    await decided(pool, [read])
    return said.event_id
