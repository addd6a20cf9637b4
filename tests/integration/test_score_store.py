"""Score's store on a real Postgres: what load brings, what save keeps, and that batches through it come to what the fold says."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from services.score import main
from services.score.domain.fold import fold
from services.score.domain.lead import Lead, State
from services.score.store import history
from shared import database
from shared.outcome import Decision
from shared.stage import Input
from tests.integration.score import Store, opened
from tests.unit.score.builders import NOON, READY, RULESET, a_record, an_activity, enriched, outcome, ruleset

IN_FORCE = ruleset()


@pytest.fixture
async def score(store: str) -> AsyncIterator[Store]:
    async with opened(store) as made:
        yield made


CLOCKED = """
format: 1
id: clocked
timezone: UTC
fit:
  rules:
    - {id: business, when: 'profile.email.kind == "business"', points: 10}
engagement:
  rules:
    - {id: contact, match: {kind: form}, points: 40, half_life: 30d}
    - {id: seen, match: {kind: page}, points: 1, window: 30d}
stages:
  MQL: {enter: 15, leave: 15}
  SQL: {enter: 45, leave: 30}
"""


async def test_a_lead_falls_due_before_the_clock_changes_it_and_tells_the_change_at_its_moment(score: Store) -> None:
    score.use(ruleset(CLOCKED))
    (told,) = await score.tell(an_activity(1), profile=READY)
    assert told["stage"] == "SQL"
    assert await score.due(NOON) == []
    changes: list[dict[str, Any]] = []
    while (due := await score.due(NOON + timedelta(days=60))) and len(changes) < 5:
        assert len(due) == 1
        changes += await score.run(due)
    assert [(one["cause"], one["previous_stage"], one["stage"]) for one in changes] == [("clock", "SQL", "MQL")]
    later = await score.due(NOON + timedelta(days=4000))
    assert later[0].now > NOON + timedelta(days=60)
    assert later[0].part == 3


async def test_a_lead_to_which_much_happens_is_written_to_be_looked_at_once(score: Store) -> None:
    score.use(ruleset(CLOCKED))
    await score.tell(an_activity(1), profile=READY)
    (first,) = await score.due(NOON + timedelta(days=60))
    await score.tell(*(an_activity(number, at=NOON) for number in range(2, 20)), profile=READY)
    (still,) = await score.due(NOON + timedelta(days=60))
    assert still == first
    await score.batch([("lead.merged", {"event_id": first.event_id, "survivor": "ld_else", "absorbed": "ld_jo"})])
    assert await score.due(NOON + timedelta(days=60)) == []


async def test_windows_with_more_activities_than_a_state_has_room_for_are_read_again_when_they_leave(
    score: Store,
) -> None:
    score.use(ruleset(CLOCKED))
    pages = [an_activity(number, kind="page", at=NOON + timedelta(minutes=number - 500)) for number in range(200)]
    for first in range(0, 200, 50):
        await score.tell(*pages[first : first + 50], profile={})
    for days, points in ((29, 200), (30 - 400 / 1440, 99), (30 - 340 / 1440, 39), (30, 0)):
        at = NOON + timedelta(days=days)
        while due := await score.due(at):
            await score.run(due)
        async with score.pool.acquire() as connection, connection.transaction():
            sent_back = score.stage.decode(a_record(outcome("rejected"), type_="lead.command", now=at))
            assert isinstance(sent_back, Input)
            world = await score.stage.load(connection, [sent_back])
            decided = score.stage.decide(world, sent_back)
            assert isinstance(decided, Decision)
            said = msgspec.json.decode(msgspec.json.encode(decided.emit[-1].data))
        assert said["score"]["total"] == points, days


def an_hour(number: float) -> datetime:
    return NOON + timedelta(hours=number)


async def test_batches_of_random_stories_come_to_what_the_fold_says(score: Store) -> None:
    chance = random.Random(7)
    told: dict[str, list[dict[str, Any]]] = {}
    said: dict[tuple[str, str, int], dict[str, Any]] = {}
    for _ in range(40):
        batch = []
        for _ in range(chance.randint(1, 25)):
            lead_id = f"ld_{chance.randint(0, 5)}"
            number, revision = chance.randint(0, 30), chance.choice([0, 0, 0, 1, 2])
            activity = an_activity(
                number + 100 * int(lead_id[3:]),
                at=an_hour(chance.randint(0, 80)),
                revision=revision,
                kind=chance.choice(["form", "page"]),
                name=chance.choice(["contact", "magnet-a", "demo", "page"]),
                path=chance.choice([None, "/pricing", "/careers/it"]),
                human=chance.choice([0.1, 1.0, 1.0]),
                withdrawn=chance.choice([None, None, None, True]),
            )
            activity = said.setdefault((lead_id, activity["id"], revision), activity)
            batch.append(("lead.enriched", enriched(activity, lead_id=lead_id, profile=READY)))
        emitted = await score.batch(batch)
        for (_, event), scored in zip(batch, emitted, strict=True):
            so_far = told.setdefault(event["lead_id"], [])
            so_far.append(event["activity"])
            expected = fold(IN_FORCE.ruleset, so_far, READY, now=NOON)
            assert scored["score"]["total"] == float(expected.total)
            assert [(one["rule"], one["points"]) for one in scored["contributions"]] == [
                (part.rule, float(part.points)) for part in expected.parts
            ]


async def test_activities_in_order_are_counted_without_loading_those_before(score: Store) -> None:
    await score.tell(*(an_activity(number, at=an_hour(number), name="enquiry") for number in range(5)))
    late = an_activity(99, at=an_hour(2.5), name="enquiry")
    for activity, loads in (
        (an_activity(6, at=an_hour(6)), None),
        (an_activity(7, at=an_hour(1), kind="page", name="page"), None),  # late, and falls under no rule
        (late, 5),
        (an_activity(3, at=an_hour(3), revision=1), 5),
    ):
        inputs = [score.stage.decode(a_record(enriched(activity)))]
        async with score.pool.acquire() as connection, connection.transaction():
            world = await score.stage.load(connection, inputs)  # type: ignore[arg-type]
        lead: Lead = world["ld_jo"]
        assert (lead.bodies and len(lead.bodies)) == loads


async def test_a_batch_needs_one_round_trip_to_load_and_one_to_save(score: Store) -> None:
    asked: list[str] = []
    records = [a_record(enriched(an_activity(n, at=an_hour(n)), lead_id=f"ld_{n % 7}")) for n in range(50)]
    inputs = [one for record in records if isinstance(one := score.stage.decode(record), Input)]
    async with score.pool.acquire() as connection, connection.transaction():
        await score.stage.save(
            connection, await score.stage.load(connection, inputs[:1])
        )  # asyncpg learns the types once
        with connection.query_logger(lambda query: asked.append(query.query)):
            world = await score.stage.load(connection, inputs)
            for input_ in inputs:
                decided = score.stage.decide(world, input_)
                assert isinstance(decided, Decision)
                world.update(decided.changes)
            await score.stage.save(connection, world)
    assert len(asked) == 2


async def test_of_an_absorbed_lead_nothing_counts_any_more_and_what_comes_for_it_later_is_dropped(score: Store) -> None:
    await score.tell(an_activity(1), lead_id="ld_old")
    merged = {"event_id": enriched({})["event_id"], "survivor": "ld_jo", "absorbed": "ld_old", "because": "same mail"}
    late = enriched(an_activity(2), lead_id="ld_old")
    assert await score.batch([("lead.merged", merged), ("lead.enriched", late)]) == []
    assert await score.tell(an_activity(3), lead_id="ld_old") == []
    assert await score.pool.fetchval("SELECT count(*) FROM activity") == 1
    known = await history.known(score.pool, "ld_old", at=NOON)
    assert known is not None
    assert (known.decided.absorbed_into, known.profiled.profile, known.activities) == ("ld_jo", b"", ())
    (scored,) = await score.tell(an_activity(1, revision=1), joined=["ld_old"])
    assert scored["absorbed"] == ["ld_old"]
    (scored,) = await score.tell(an_activity(4))
    assert scored["absorbed"] == ["ld_old"]


async def test_another_ruleset_counts_a_lead_again_from_what_is_kept(score: Store) -> None:
    await score.tell(*(an_activity(number, at=an_hour(24 * number)) for number in range(2)))
    score.use(ruleset(RULESET.replace("points: 60", "points: 41")))
    (scored,) = await score.batch([("lead.command", outcome("rejected"))])
    assert scored["score"]["engagement"] == 82
    (scored,) = await score.tell(an_activity(5, at=an_hour(24 * 5)))
    assert scored["score"]["engagement"] == 123


async def test_state_survives_the_store(score: Store) -> None:
    (scored,) = await score.tell(an_activity(1), profile=READY)
    assert (scored["stage"], scored["previous_stage"], scored["episode"], scored["score_version"]) == (
        "MQL",
        "raw",
        0,
        1,
    )
    (scored,) = await score.tell(an_activity(2, name="demo", at=an_hour(1)), profile=READY)
    assert (scored["stage"], scored["previous_stage"], scored["episode"], scored["score_version"]) == (
        "SQL",
        "MQL",
        1,
        2,
    )
    (scored,) = await score.batch([("lead.command", outcome("rejected", at=an_hour(-1), handover_id="ho_ld_jo_1_1"))])
    assert (scored["stage"], scored["cause"], scored["score_version"]) == ("MQL", "outcome", 3)


async def test_one_more_activity_costs_the_same_after_ten_and_after_three_thousand(score: Store) -> None:
    def pages(first: int, count: int) -> list[dict[str, Any]]:
        return [
            an_activity(n, kind="page", name="page", path="/pricing", at=an_hour(n / 10))
            for n in range(first, first + count)
        ]

    async def cost(lead_id: str, first: int) -> float:
        took = []
        for activity in pages(first, 40):
            began = time.perf_counter()
            await score.tell(activity, lead_id=lead_id)
            took.append(time.perf_counter() - began)
        return sorted(took)[len(took) // 2]

    await score.tell(*pages(0, 10), lead_id="ld_few")
    for first in range(0, 3000, 1000):
        await score.tell(*pages(first, 1000), lead_id="ld_many")
    await score.pool.execute("ANALYZE")
    few, many = await cost("ld_few", 3000), await cost("ld_many", 3000)
    assert many < 3 * few


async def test_what_postgres_refuses_is_told_as_the_rows_fault(score: Store) -> None:
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)) as refused:
        await score.tell(an_activity(1), lead_id="ld_\x00")
    assert database.is_rows_fault(refused.value)


async def test_leads_kept_column_by_column_are_carried_over_into_documents(store: str, tmp_path: Path) -> None:
    pool = await database.connect(store)
    folder = tmp_path / "score" / "migrations"
    folder.mkdir(parents=True)
    first, *_ = sorted(main.MIGRATIONS.glob("*.sql"))
    (folder / first.name).write_text(first.read_text())
    await database.migrate(pool, folder)
    state = State(fingerprint="f", total=1234, stage="MQL", stage_since=NOON)
    for lead_id, profile in (("ld_jo", b'{"country":"DE"}'), ("ld_big", b"x" * 70_000)):
        await pool.execute(
            """
            INSERT INTO lead (lead_id, part, profile_version, profile, first_touch, last_touch, state, fingerprint, stage, total)
            VALUES ($1, 3, $2, $3, $4, '', $5, 'f', 'MQL', 1234)
            """,
            lead_id,
            2**62,
            profile,
            b'{"channel":"direct"}',
            msgspec.msgpack.encode(state),
        )
    await database.migrate(pool, main.MIGRATIONS)
    for lead_id, profile in (("ld_jo", b'{"country":"DE"}'), ("ld_big", b"x" * 70_000)):
        lead = await history.lead(pool, lead_id)
        assert lead == Lead(
            lead_id=lead_id,
            part=3,
            profile_version=2**62,
            profile=profile,
            first_touch=b'{"channel":"direct"}',
            state=state,
        )
    await pool.close()
