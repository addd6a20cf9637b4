"""What the store is asked for, statement by statement; what Postgres makes of it, the integration tests say."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from services.score import store
from services.score.domain.lead import Absorbed, Restored
from shared.outcome import Decision
from shared.stage import Input, Tx
from tests.unit.score.builders import NOON, Desk, an_activity, enriched


class _Said:
    def __init__(self) -> None:
        self.statements: list[tuple[str, Any]] = []

    async def execute(self, statement: str, *arguments: Any) -> None:
        self.statements.append((statement.split()[0], arguments[0]))


def test_what_a_lead_had_goes_though_it_was_absorbed_and_restored_in_one_batch() -> None:
    """Else what stays with the survivor would count for both."""
    desk, tx = Desk(), _Said()
    desk.tell(enriched(an_activity(1)))
    world: dict[Any, Any] = dict(desk.leads)
    for event in (Absorbed("ld_jo", "ld_al"), Restored("ld_jo")):
        decided = desk.stage.decide(world, Input("x", event, NOON, 3))
        assert isinstance(decided, Decision)
        world |= decided.changes
    asyncio.run(store.save(cast(Tx, tx), world))
    assert tx.statements[0] == ("DELETE", ["ld_jo"])
    assert tx.statements[1][0] == "WITH"
