"""What the store is asked for, statement by statement; what Postgres makes of it, the integration tests say."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from services.score import store
from services.score.domain.lead import Absorbed, Restored
from shared.outcome import Decision
from shared.stage import Input, Tx
from tests.unit.score.builders import NOON, Desk, an_activity, days, enriched


class _Said:
    def __init__(self) -> None:
        self.statements: list[tuple[str, Any]] = []

    async def execute(self, statement: str, *arguments: Any) -> None:
        self.statements.append((statement.split()[0], arguments))


def test_what_a_lead_had_counts_no_more_though_it_was_absorbed_and_restored_in_one_batch() -> None:
    """Else what stays with the survivor would count for both. It is kept all the same: it was known."""
    desk, tx = Desk(), _Said()
    first = desk.tell(enriched(an_activity(1)))
    world: dict[Any, Any] = dict(desk.leads)
    for event in (Absorbed("ld_jo", "ld_al"), Restored("ld_jo")):
        decided = desk.decide(Input("x", event, NOON + days(1), 3))
        assert isinstance(decided, Decision)
        world |= decided.changes
    asyncio.run(store.save(cast(Tx, tx), world))
    assert [word for word, _ in tx.statements] == ["WITH"]
    again = desk.tell(enriched(an_activity(2, at=NOON + days(2))), now=NOON + days(2))
    assert first is not None
    assert again is not None
    assert again.score == first.score
    before = desk.known(NOON)
    assert before is not None
    assert len(before.activities) == 1
