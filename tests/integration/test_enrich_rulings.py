"""Operators' rulings on a real Postgres: carried out, undone, and kept, also while another instance works on the same people."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from services.enrich import main
from services.enrich.domain import command
from shared import clock, database
from shared.database import CORE_MIGRATIONS, Pool
from shared.outcome import Outgoing
from shared.stage import Input, Record
from shared.topology import COMMANDS
from tests.integration.enrich import batch, decided, of, people
from tests.integration.stores import migrated
from tests.unit.enrich.memory import event, page

ADA, BEN, CLEO = "ada@acme.example", "ben@acme.example", "cleo@acme.example"
PHONE = "+4930901820"


@pytest.fixture
async def pool(request: pytest.FixtureRequest) -> AsyncIterator[Pool]:
    async with migrated(request.getfixturevalue("store"), CORE_MIGRATIONS, main.MIGRATIONS, max_size=8) as made:
        yield made


def asked(kind: str, *, at_ms: int = 1_795_000_100_000, **payload: Any) -> Input:
    said = {"event_id": str(uuid.uuid4()), "kind": kind, "issued_at": clock.from_ms(at_ms), "payload": payload}
    read = command.decode(Record(COMMANDS.name, 0, 0, at_ms, None, msgspec.json.encode(said), {}))
    assert isinstance(read, Input)
    return read


async def lead_of(pool: Pool, email: str) -> str:
    lead_id: str = await pool.fetchval("SELECT lead_id FROM identifier WHERE name = $1", f"email\x1f{email}")
    return lead_id


async def patiently(pool: Pool, inputs: list[Input]) -> list[Outgoing]:
    """As the shell does it: again, where it met another instance."""
    for _ in range(50):
        try:
            return await decided(pool, inputs)
        except Exception as error:
            if not database.is_worlds_fault(error):
                raise
            await asyncio.sleep(0.05)
    raise AssertionError("never got through")


async def test_a_merge_holds_for_later_events_and_a_split_gives_both_leads_back(pool: Pool) -> None:
    await batch(pool, [event("a1", email=ADA, anonymous_id="c1"), page("a2", "c1", at=1)])
    await batch(pool, [event("b1", email=BEN, user_id="u1", at=2)], at_ms=1_795_000_001_000)
    two = [await lead_of(pool, ADA), await lead_of(pool, BEN)]
    merge = asked("merge", lead_ids=two)
    sent = await decided(pool, [merge])

    assert [one.type for one in sent] == ["lead.merged", "lead.enriched"]
    assert await decided(pool, [merge]) == [], "a command counts once"
    await batch(pool, [event("b2", user_id="u1", at=5)], at_ms=1_795_000_200_000)
    assert await people(pool) == {of("a1", "a2", "b1", "b2")}

    gone = [{"kind": "email", "value": BEN}]
    sent = await decided(pool, [asked("split", lead_id=two[0], identifiers=gone, at_ms=1_795_000_300_000)])
    assert await people(pool) == {of("a1", "a2"), of("b1", "b2")}
    assert sorted(one.type for one in sent) == ["lead.enriched"] * 4 + ["lead.split"]
    assert [await lead_of(pool, ADA), await lead_of(pool, BEN)] == two
    assert await pool.fetchval("SELECT count(*) FROM judgement") == 2


async def test_events_that_were_split_away_stay_away(pool: Pool) -> None:
    await batch(pool, [event("a1", email=ADA), event("a2", email=ADA, anonymous_id="c1", at=1), page("a3", "c1", at=2)])
    (left,) = of("a2")
    await decided(pool, [asked("split", lead_id=await lead_of(pool, ADA), event_ids=[left])])
    assert await people(pool) == {of("a1"), of("a2", "a3")}
    await batch(pool, [page("a4", "c1", at=3), event("a5", email=ADA, at=-5), page("a0", "c1", at=0)])
    assert await people(pool) == {of("a1", "a5"), of("a0", "a2", "a3", "a4")}


async def test_a_question_is_kept_until_it_is_answered(pool: Pool) -> None:
    ada = {"first_name": "Ada", "last_name": "Lovelace", "phone": PHONE}
    await batch(pool, [event("e1", email=ADA, traits=ada)])
    await batch(pool, [event("e2", traits={**ada, "first_name": "Ben"}, at=1)])
    (question,) = await pool.fetch("SELECT review_id, rule FROM review")
    assert question["rule"] == "names"
    await decided(pool, [asked("review", id=str(question["review_id"]), accept=True)])
    assert await people(pool) == {of("e1", "e2")}
    assert await pool.fetchval("SELECT count(*) FROM review") == 0


async def test_who_comes_while_two_are_merged_waits_and_goes_to_the_survivor(pool: Pool) -> None:
    await batch(pool, [event("a1", email=ADA)])
    await batch(pool, [event("b1", email=BEN, at=1)], at_ms=1_795_000_001_000)
    two = [await lead_of(pool, ADA), await lead_of(pool, BEN)]
    pause = asyncio.Event()
    merging = asyncio.create_task(decided(pool, [asked("merge", lead_ids=two)], pause=pause))
    await asyncio.sleep(0.3)
    coming = asyncio.create_task(batch(pool, [event("b2", email=BEN, at=2)], at_ms=1_795_000_200_000))
    await asyncio.sleep(0.2)
    assert not coming.done()
    pause.set()
    await merging

    assert [one.key for one in await coming] == [two[0]]
    assert await people(pool) == {of("a1", "b1", "b2")}


async def test_merges_that_cross_at_the_same_moment_make_one_person(pool: Pool) -> None:
    emails = [f"{number}@acme.example" for number in range(6)]
    for place, address in enumerate(emails):
        await batch(pool, [event(f"e{place}", email=address)], at_ms=1_795_000_000_000 + place)
    leads = [await lead_of(pool, address) for address in emails]
    pairs = list(pairwise(leads))
    events = [batch(pool, [event(f"f{place}", email=address, at=9)]) for place, address in enumerate(emails)]
    merges = [patiently(pool, [asked("merge", lead_ids=pair)]) for pair in (*pairs[::2], *pairs[1::2])]
    told = await asyncio.gather(*merges, *events)

    assert len(await people(pool)) == 1
    absorbed = [one.data.absorbed for sent in told for one in sent if one.type == "lead.merged"]  # type: ignore[union-attr]
    assert sorted(absorbed) == sorted(set(leads) - {leads[0]})
    assert await pool.fetchval("SELECT count(*) FROM lead WHERE absorbed_into = $1", leads[0]) == 5
