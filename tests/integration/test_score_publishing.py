"""A ruleset is published, in the middle of traffic and kills: no lead is lost, doubled or left on the old version, and a replay gives the same store."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from services.score.domain.fold import fold
from services.score.domain.publications import read
from shared import clock
from shared.documents.inforce import version_of
from shared.topology import COMMANDS, ENRICHED, SCORED
from tests.integration.service_process import PARTITIONS, ServiceProcess, made
from tests.unit.score.builders import BUSINESS, activity_id

OLD = """
format: 1
id: rules
timezone: UTC
fit: {rules: [{id: business, when: 'profile.email.kind == "business"', points: 10}]}
engagement:
  rules:
    - {id: contact, match: {kind: form}, points: 20, half_life: 30d}
    - {id: seen, match: {kind: page}, points: 1, window: 30d}
stages:
  MQL: {enter: 15, leave: 12}
  SQL: {enter: 100, leave: 80}
"""
NEW = """
format: 1
id: rules
timezone: UTC
fit: {rules: [{id: business, when: 'profile.email.kind == "business"', points: 20}]}
engagement:
  rules:
    - {id: seen, match: {kind: page}, points: 4, half_life: 10d}
    - {id: contact, match: {kind: form}, points: 30, limit: 2 per day, fade: 60d}
stages:
  MQL: {enter: 15, leave: 12}
  SQL: {enter: 60, leave: 40}
"""
LEADS = 300
LEFT = "SELECT count(*) FROM lead WHERE ruled < (SELECT max(seq) FROM publication p WHERE p.part = lead.part AND NOT is_draft)"


@pytest.fixture
async def score(kafka: str, store: str, tmp_path: Path) -> AsyncIterator[ServiceProcess]:
    file = tmp_path / "old.yaml"
    file.write_text(OLD)
    async with made(
        kafka, store, "score", using=(ENRICHED, COMMANDS, SCORED), seconds=120, score_ruleset=str(file)
    ) as process:
        yield process


class Crowd:
    """People who did things in the last weeks, and go on doing them."""

    def __init__(self) -> None:
        self._random = random.Random(7)
        self.done = 0
        self._began = clock.now()

    def did(self, leads: range, times: int) -> list[dict[str, Any]]:
        """So many things that each of these leads did, one more each."""
        return [self._one(f"ld_{number}") for _ in range(times) for number in leads]

    def _one(self, lead_id: str) -> dict[str, Any]:
        self.done += 1
        at = self._began - timedelta(minutes=self._random.randrange(60 * 24 * 40))
        kind = self._random.choice(["form", "page", "page"])
        activity = {
            "id": activity_id(self.done),
            "revision": 0,
            "kind": kind,
            "name": kind,
            "occurred_at": at.isoformat(),
            "property": "www",
            "channel": "direct",
            "direction": "inbound",
            "human": 1.0,
        }
        profile = {**BUSINESS, "name": {"full": lead_id}}
        return {
            "event_id": str(uuid.uuid5(uuid.NAMESPACE_OID, str(activity["id"]))),
            "lead_id": lead_id,
            "profile_version": 1,
            "activity": activity,
            "profile": profile,
            "first_touch": {},
            "last_touch": {},
        }


@pytest.mark.timeout(600)  # by the clock; of CPU it takes some 20 s
async def test_a_publication_under_traffic_and_kills_scores_every_lead_again_once(score: ServiceProcess) -> None:
    crowd = Crowd()
    await score.start()
    await score.tell(ENRICHED, crowd.did(range(LEADS), 2))
    await score.ready()
    await score.until("SELECT count(*) FROM activity", 2 * LEADS)

    accepted = await score.post("/v1/rulesets/publish", text=NEW, by="Ada", note="pages count more")
    waves = 0
    for point in ("before_commit:2", "in_emit:3", "after_commit:4"):
        await score.kill()
        process = await score.start(CRASH_AT=point)
        while process.returncode is None:
            await score.tell(ENRICHED, crowd.did(range(waves % 7, LEADS, 40), 1))
            waves += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 0.5)
        assert process.returncode == -signal.SIGKILL
    await score.start()
    await score.ready()
    assert (await score.done(accepted))["result"] == version_of(NEW)
    await score.until(LEFT, 0)
    await score.until("SELECT count(*) FROM activity", crowd.done)
    await score.until("SELECT count(*) FROM outbox", 0)

    status = await _status(score)
    assert [one["version"] for one in status["in_force"]] == [version_of(NEW)]
    assert status["before"] == version_of(OLD)
    assert (status["rescore"]["waiting"], status["rescore"]["leads"]) == (0, LEADS)
    told = await _last_told(score)
    assert set(told) == {f"ld_{number}" for number in range(LEADS)}
    await _each_was_told_once(score)
    await _all_equal_the_fold(score, told)
    await _what_is_published_takes_effect_without_a_restart(score)
    await _a_replay_gives_the_same(score)


async def _status(score: ServiceProcess) -> dict[str, Any]:
    """What is in force, and how far leads have come."""
    found: dict[str, Any] = (await score.client.get("/v1/rulesets/status")).json()
    return found


async def _last_told(score: ServiceProcess) -> dict[str, dict[str, Any]]:
    """What was said of each lead last."""
    found: dict[str, dict[str, Any]] = {}
    for record in await score.on(SCORED):
        one = msgspec.json.decode(record.value)
        if one["score_version"] > found.get(one["lead_id"], {"score_version": 0})["score_version"]:
            found[one["lead_id"]] = one
    return found


async def _each_was_told_once(score: ServiceProcess) -> None:
    """By id: the topic may repeat one after a kill. Each entry into SQL is an episode of its own, told once."""
    by_id = {one["event_id"]: one for record in await score.on(SCORED) for one in [msgspec.json.decode(record.value)]}
    by_ruleset = Counter(one["lead_id"] for one in by_id.values() if one["cause"] == "ruleset")
    assert set(by_ruleset.values()) == {1}
    assert len(by_ruleset) == LEADS
    entered = Counter(
        (one["lead_id"], one["episode"]) for one in by_id.values() if one["stage"] == "SQL" != one["previous_stage"]
    )
    assert len(entered) > 30
    assert set(entered.values()) == {1}
    assert {one["ruleset"]["document"] for one in by_id.values()} == {version_of(OLD), version_of(NEW)}


async def _all_equal_the_fold(score: ServiceProcess, told: dict[str, dict[str, Any]]) -> None:
    """Totals and contributions of all leads, against the reference fold over leads.enriched.v1 alone."""
    ruleset = read(NEW).ruleset
    activities: dict[str, list[Any]] = defaultdict(list)
    known_at: dict[str, datetime] = {}
    for record in await score.on(ENRICHED):
        one = msgspec.json.decode(record.value)
        activities[one["lead_id"]].append(one["activity"])
        known_at[one["activity"]["id"]] = clock.from_ms(record.timestamp_ms)
    published = {record.part: clock.from_ms(record.timestamp_ms) for record in await score.on(COMMANDS)}
    assert len(published) == PARTITIONS
    parts = {row["lead_id"]: row["part"] for row in await score.rows("SELECT lead_id, part FROM lead")}
    for lead_id, one in told.items():
        now = published[parts[lead_id]] if one["cause"] == "ruleset" else known_at[one["cause"]]
        folded = fold(ruleset, activities[lead_id], one["profile"], now=now)
        assert Decimal(str(one["score"]["total"])) == folded.total, lead_id
        assert one["ruleset"]["document"] == version_of(NEW)
        expected = {(part.rule, part.by): (float(part.points), part.activities) for part in folded.parts}
        found = {
            (c["rule"], c.get("by", "")): (c["points"], tuple(c.get("activities", ()))) for c in one["contributions"]
        }
        assert {key: points for key, (points, _) in found.items()} == {
            key: points for key, (points, _) in expected.items()
        }
        for key, (_, ids) in found.items():
            assert ids == expected[key][1][-20:]


async def _what_is_published_takes_effect_without_a_restart(score: ServiceProcess) -> None:
    assert (await score.done(await score.post("/v1/rulesets/rollback", by="Bob")))["result"] == version_of(OLD)
    await score.until(LEFT, 0)
    told = await _last_told(score)
    assert {one["ruleset"]["document"] for one in told.values()} == {version_of(OLD)}
    assert (await _status(score))["before"] == version_of(NEW)


async def _a_replay_gives_the_same(score: ServiceProcess) -> None:
    before = await _contents(score)
    said = {topic: len(await score.on(topic)) for topic in (SCORED, COMMANDS)}
    await score.kill()
    connection = await asyncpg.connect(score.dsn)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()
    await score.start()
    await score.ready()
    await score.until("SELECT count(*) FROM publication", len(before["publication"]))
    await score.until("SELECT count(*) FROM activity", len(before["activity"]))
    await score.until(LEFT, 0)
    await score.until("SELECT count(*) FROM outbox", 0)
    after = await _contents(score)
    for table, rows in before.items():
        assert after[table] == rows, table
    assert {topic: len(await score.on(topic)) for topic in (SCORED, COMMANDS)} == said


async def _contents(score: ServiceProcess) -> dict[str, Any]:
    """The tables that a replay must fill alike, by their keys. (`review` has when a lead is looked at at the latest: that depends on what came
    in one batch.)"""
    tables = {
        "lead": "lead_id",
        "activity": "lead_id, activity_id, revision",
        "document": "kind, version",
        "publication": "kind, part, seq",
        "command": "command_id",
        "former": "lead_id, kind, known_at",
    }
    return {
        table: [tuple(row.values()) for row in await score.rows(f"SELECT * FROM {table} ORDER BY {key}")]
        for table, key in tables.items()
    }
