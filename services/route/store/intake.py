"""What the intake of outcomes looks up in route's store: whose a handover is now. It writes nothing: commands go out by the outbox."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from typing import Any

from services.route.domain import intake
from services.route.domain.state import Key
from shared.stage import Input, Tx

# The lead that each named handover belongs to now, and the survivor of each named lead that is another one by now.
PRESENT_LEADS = """
SELECT 'handover' AS kind, handover_id AS id, lead_id FROM handover WHERE handover_id = ANY ($1::text[])
UNION ALL
SELECT 'absorbed', lead_id, survivor FROM absorbed WHERE lead_id = ANY ($2::text[])
"""


async def load(tx: Tx, inputs: Sequence[Input]) -> MutableMapping[Hashable, Any]:
    """Where the outcomes of a batch have to go."""
    rows = await tx.fetch(PRESENT_LEADS, *intake.named_in(inputs))
    return {Key(kind, id_): lead_id for kind, id_, lead_id in rows}


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    """Nothing changes here."""
