"""A flood of posts under one address on a real Postgres: what is kept of the lead, and with it the cost of the next event, has an end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.enrich import main
from shared import contracts
from shared.database import CORE_MIGRATIONS, Pool
from shared.topology import ENRICHED
from tests.integration.enrich import batch
from tests.integration.stores import migrated
from tests.unit.enrich.memory import event
from tests.unit.enrich.test_floods import ADA, post


@pytest.fixture
async def pool(request: pytest.FixtureRequest) -> AsyncIterator[Pool]:
    async with migrated(request.getfixturevalue("store"), CORE_MIGRATIONS, main.MIGRATIONS) as made:
        yield made


async def test_a_lead_under_a_flood_stops_growing_and_its_person_is_heard(pool: Pool) -> None:
    await batch(pool, [event("before", email=ADA, traits={"hubspot_id": "7"})])
    sizes = []
    for begin in range(0, 120, 20):
        for number in range(begin, begin + 20, 4):
            await batch(pool, [post(one, at=one, size=20) for one in range(number, number + 4)])
        # The lead and its address as they are kept.
        sizes.append(
            await pool.fetchval(
                "SELECT octet_length(state) + octet_length(ties) FROM lead JOIN identifier USING (lead_id) WHERE name = $1",
                f"email\x1f{ADA}",
            )
        )
    assert sizes[-1] < 1.05 * sizes[2]

    sent = await batch(
        pool, [event("after", at=1_000, email=ADA), event("by id", at=1_001, traits={"hubspot_id": "7"})]
    )
    assert [one.type for one in sent] == ["lead.enriched"] * 2
    assert len({one.key for one in sent}) == 1
    assert max(len(contracts.encode(one.data)) for one in sent) < ENRICHED.max_message_bytes / 2
