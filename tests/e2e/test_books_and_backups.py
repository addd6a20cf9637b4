"""What an operator does against loss: the books name what a stage dropped, a rebuild brings it back, and stores of a while ago catch up."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local import drills, stack
from deploy.local.layout import SERVICES, Layout
from services.console import reading
from shared.topology import ENRICHED
from tests.e2e.console import Operator, eventually
from tests.e2e.ledger import Ledger, check, publish
from tests.e2e.shop import Shop, opened, somebody


@pytest.fixture(scope="module")
def shop(leadflow: Layout) -> Shop:
    return opened(leadflow)


def books(operator: Operator, shop: Shop) -> dict[str, Any]:
    """What `leads books` says of this property: exit code 1 where something is missing."""
    done = operator.run("books", "--property", shop.property, "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (1 if found["missing"] else 0)
    return found


def balances(found: dict[str, Any]) -> bool:
    """Whether each hour adds up and nothing is on its way."""
    ends = ("scored", "noted", "dead", "in_flight")
    return not found["in_flight"] and all(one["accepted"] == sum(one[name] for name in ends) for one in found["books"])


def _ends(shop: Shop) -> dict[tuple[str, int], int]:
    return asyncio.run(reading.ends(shop.kafka, [ENRICHED.name]))


async def _skip(dsn: str, part: int, until: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "UPDATE cursor SET next_offset = $3 WHERE topic = $1 AND part = $2", ENRICHED.name, part, until
        )
    finally:
        await connection.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_a_stage_dropped_is_named_within_a_minute_and_a_rebuild_brings_it_back(
    leadflow: Layout, shop: Shop
) -> None:
    operator, email = shop.operator, somebody()
    drills.stop(leadflow, "score")
    before = _ends(shop)
    answer = shop.posts("/v1/forms/contact", json={"email": email, "name": "Jo Fields"})
    event_id = answer.json()["accepted"][0]["event_id"]
    ((_, part), end) = eventually(
        lambda: next(iter(_ends(shop).items() - before.items()), None), what="enrich's record"
    )
    described: Any = stack.describe(leadflow)
    asyncio.run(_skip(described["stores"]["score"], part, end))  # as if score had lost it
    drills.start(leadflow, "score")

    named = eventually(lambda: books(operator, shop)["named"], what="the books", within_seconds=60)
    assert [(one["event_id"], one["last_seen"]) for one in named] == [(event_id, ENRICHED.name)]
    assert "leads rebuild score" in named[0]["to_do"]
    operator.says("rebuild", "score")
    eventually(lambda: balances(books(operator, shop)), what="the books", within_seconds=60)
    assert shop.lead(email, with_handover=False)["score"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_stores_that_are_restored_from_a_while_ago_read_the_topics_again_and_lose_and_double_nothing(
    leadflow: Layout, shop: Shop, tmp_path: Path
) -> None:
    operator, folder = shop.operator, str(tmp_path / "backup")
    ledger = Ledger()
    asyncio.run(_people(shop, ledger, seed=1))
    operator.says("backup", folder)
    asyncio.run(_people(shop, ledger, seed=2))  # what the backup knows nothing of
    eventually(lambda: balances(books(operator, shop)), what="the books", within_seconds=90)
    refused = operator.run("restore", folder)
    assert refused.returncode == 1
    assert "leads stack stop route" in refused.stderr

    verdict = asyncio.run(check(shop.kafka, 4, ledger))
    with ThreadPoolExecutor() as all_at_once:
        list(all_at_once.map(lambda service: drills.stop(leadflow, service), SERVICES))
        operator.says("restore", folder)
        list(all_at_once.map(lambda service: drills.start(leadflow, service), SERVICES))
    asyncio.run(_people(shop, ledger, seed=3))
    eventually(lambda: balances(books(operator, shop)), what="the books", within_seconds=90)
    after = asyncio.run(check(shop.kafka, 4, ledger))
    assert after.lost == set()
    assert after.doubled == {}
    assert after.unexpected == set()
    assert after.handovers >= verdict.handovers > 0


async def _people(shop: Shop, ledger: Ledger, *, seed: int) -> None:
    stop = asyncio.Event()
    publishing = asyncio.create_task(
        publish(shop.urls["capture"], shop.key, ledger, per_second=20, stop=stop, seed=seed)
    )
    await asyncio.sleep(4)
    stop.set()
    await publishing
