"""What was known of leads at any moment, on a real Postgres: nothing of it is lost, and nothing is known before its time."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.score import main
from services.score.domain.known import Known
from services.score.store import history
from shared import database
from shared.stage import Input
from tests.integration.score import Store, opened
from tests.unit.score.builders import (
    BUSINESS,
    NOON,
    READY,
    Desk,
    a_record,
    activity_id,
    an_activity,
    enriched,
    outcome,
)
from tests.unit.score.stories import happening

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def score(store: str) -> AsyncIterator[Store]:
    async with opened(store) as made:
        yield made


def comparable(known: Known | None) -> Any:
    """What was known, whatever the order of its activities."""
    if known is None:
        return None
    return sorted(known.activities), known.profiled, known.decided, sorted(known.reported, key=lambda one: one.event_id)


async def test_at_every_moment_the_store_knows_what_had_been_told_by_then_however_it_came_in_batches(
    score: Store,
) -> None:
    chance = random.Random(11)
    desk = Desk(score.in_force)
    now, moments = NOON, [NOON - MINUTE]
    said: dict[tuple[str, int], dict[str, Any]] = {}
    for _ in range(60):
        batch: list[Input] = []
        for _ in range(chance.randint(1, 12)):
            now += chance.choice([timedelta(), MINUTE])
            moments.append(now)
            type_, value = happening(chance, now, said)
            input_ = score.stage.decode(a_record(value, type_=type_, now=now))
            assert isinstance(input_, Input)
            batch.append(input_)
            desk.decide(input_)
        await score.run(batch)
    for at in sorted(set(moments))[::7]:
        ours = {known.lead_id: known async for known in history.all_known(score.pool, at=at, upto="ld_~", page=2)}
        for number in range(5):
            expected = comparable(desk.known(at, f"ld_{number}"))
            assert comparable(ours.get(f"ld_{number}")) == expected
            assert comparable(await history.known(score.pool, f"ld_{number}", at=at)) == expected


async def test_what_came_late_is_not_known_before_it_came(score: Store) -> None:
    await score.tell(an_activity(1), profile=BUSINESS)
    late = enriched(an_activity(2, at=NOON - timedelta(days=3)), profile=READY, profile_version=2)
    known_at = NOON + timedelta(days=2)
    input_ = score.stage.decode(a_record(late, now=known_at))
    assert isinstance(input_, Input)
    await score.run([input_])
    before = await history.known(score.pool, "ld_jo", at=known_at - timedelta(milliseconds=1))
    after = await history.known(score.pool, "ld_jo", at=known_at)
    assert before is not None
    assert after is not None
    assert (len(before.activities), len(after.activities)) == (1, 2)
    assert (b"phone" in before.profiled.profile, b"phone" in after.profiled.profile) == (False, True)
    assert await history.known(score.pool, "ld_jo", at=NOON - MINUTE) is None


async def test_the_leads_can_be_read_in_pieces_by_several_and_each_comes_once(score: Store) -> None:
    for number in range(23):
        await score.tell(an_activity(number), lead_id=f"ld_{number:02}")
    assert await history.cuts(score.pool, 40) == [
        (f"ld_{number - 1:02}" if number else "", f"ld_{number:02}") for number in range(23)
    ]
    found = []
    for after, upto in await history.cuts(score.pool, 3):
        piece = [
            known.lead_id async for known in history.all_known(score.pool, at=NOON, after=after, upto=upto, page=3)
        ]
        assert 7 <= len(piece) <= 8
        found += piece
    assert found == [f"ld_{number:02}" for number in range(23)]


async def test_outcomes_are_kept_each_once_whatever_they_say(score: Store) -> None:
    await score.tell(an_activity(1), profile=READY)
    told = [("lead.command", outcome(word)) for word in ("accepted", "meeting", "won", "nonsense")]
    await score.batch(told)
    await score.batch(told[:1])
    known = await history.known(score.pool, "ld_jo", at=NOON)
    assert known is not None
    assert sorted(one.outcome for one in known.reported) == ["accepted", "meeting", "won"]


async def test_what_was_kept_before_moments_were_written_down_was_always_known(store: str, tmp_path: Path) -> None:
    folder = tmp_path / "score" / "migrations"
    folder.mkdir(parents=True)
    for migration in sorted(main.MIGRATIONS.glob("*.sql"))[:4]:
        (folder / migration.name).write_text(migration.read_text())
    pool = await database.connect(store, max_size=1)
    await database.migrate(pool, folder)
    await pool.execute(
        "INSERT INTO activity VALUES ('ld_jo', $1, 2, $2, '{\"id\":\"x\"}')", activity_id(1), NOON - timedelta(days=9)
    )
    # A lead of then: its document without life and moments, [profile_version, profile, first_touch, last_touch, state].
    old = b'\x95\x07\xc4\x0f{"country":"X"}\xc4\x00\xc4\x00\x91\xa1f'
    await pool.execute("INSERT INTO lead (lead_id, part, data) VALUES ('ld_jo', 3, $1)", old)
    await database.migrate(pool, main.MIGRATIONS)
    for days, activities in ((10, 0), (9, 1), (0, 1)):
        known = await history.known(pool, "ld_jo", at=NOON - timedelta(days=days))
        assert known is not None
        assert (len(known.activities), known.profiled.profile_version) == (activities, 7)
    await pool.close()
