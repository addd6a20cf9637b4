"""Backtests over HTTP, with their worker processes and a real Postgres: what they say, and what becomes of them when something goes wrong."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
import psutil
import pytest
from fastapi import FastAPI

from services.score.backtest import routes, runs
from services.score.domain.fold import fold
from services.score.domain.publications import rulesets
from services.score.store import backtests, history
from shared import problem
from tests.integration.score import Store, opened
from tests.unit.score.builders import NOON, READY, RULESET, an_activity, enriched, outcome, ruleset

PATH = "/v1/rulesets/backtest"
DRAFT = (
    RULESET.replace("points: 60", "points: 41").replace("id: phone", "id: telephone").replace("enter: 100", "enter: 90")
)


@pytest.fixture
async def score(store: str) -> AsyncIterator[Store]:
    async with opened(store) as made:
        yield made


@pytest.fixture
async def client(score: Store, store: str) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problem.install(app)
    app.include_router(routes.routes(score.pool, store, 4, rulesets(RULESET)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://score") as made:
        yield made


async def many(score: Store, leads: int) -> None:
    """Leads with a form and a page each, some of whom sales took."""
    for begin in range(0, leads, 500):
        told: list[tuple[str, Mapping[str, Any]]] = []
        for number in range(begin, min(leads, begin + 500)):
            lead_id = f"ld_{number:06}"
            told.append(("lead.enriched", enriched(an_activity(2 * number), lead_id=lead_id, profile=READY)))
            page = an_activity(2 * number + 1, kind="page", name="page", path="/pricing")
            told.append(("lead.enriched", enriched(page, lead_id=lead_id, profile=READY)))
            if number % 10 == 0:
                told.append(("lead.command", outcome("won" if number % 20 else "accepted", lead_id=lead_id)))
        await score.batch(told)


async def ended(client: httpx.AsyncClient, backtest_id: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while (found := (await client.get(f"{PATH}/{backtest_id}")).json())["status"] in backtests.OPEN:
            await asyncio.sleep(0.05)
    return dict(found)


async def asked(client: httpx.AsyncClient, **body: Any) -> str:
    answer = await client.post(PATH, json={"text": DRAFT, **body})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["backtest_id"])


async def rows(client: httpx.AsyncClient, backtest_id: str) -> dict[str, dict[str, Any]]:
    lines = (await client.get(f"{PATH}/{backtest_id}/leads")).text.splitlines()
    found = [msgspec.json.decode(line) for line in lines]
    assert [one["lead_id"] for one in found] == sorted(one["lead_id"] for one in found)
    return {one["lead_id"]: one for one in found}


async def test_every_lead_is_told_as_it_is_and_as_the_fold_says_under_the_draft(
    score: Store, client: httpx.AsyncClient
) -> None:
    chance = random.Random(3)
    for number in range(40):
        told = []
        for step in range(chance.randint(1, 8)):
            activity = an_activity(
                100 * number + step,
                at=NOON - timedelta(hours=chance.randint(0, 200)),
                kind=(kind := chance.choice(["form", "page"])),
                name=chance.choice(["contact", "demo", "magnet-a"]) if kind == "form" else "page",
                path=chance.choice(["/pricing", "/careers", "/"]) if kind == "page" else None,
                human=chance.choice([1.0, 1.0, 0.1]),
            )
            told.append(("lead.enriched", enriched(activity, lead_id=f"ld_{number:02}", profile=READY)))
        await score.batch(told)
    found = await ended(client, await asked(client))
    rows_ = await rows(client, found["backtest_id"])
    report = found["report"]
    assert (found["status"], report["leads"], len(rows_)) == ("done", 40, 40)
    assert sum(one["leads"] for one in report["stages"]) == 40
    assert sum(one["after"] for one in report["buckets"]) == 40
    draft, at = ruleset(DRAFT).ruleset, datetime.fromisoformat(found["at"])
    for lead_id, row in rows_.items():
        known = await history.known(score.pool, lead_id, at=at)
        assert known is not None
        profile = msgspec.json.decode(known.profiled.profile)
        before, after = (
            fold(one, map(msgspec.json.decode, known.activities), profile, now=at)
            for one in (score.in_force.ruleset, draft)
        )
        assert (row["before"]["total"], row["before"]["stage"]) == (float(before.total), known.decided.stage)
        assert row["after"]["total"] == float(after.total)
    assert (
        sum("afresh" in row["before"] or "afresh" in row["after"] for row in rows_.values())
        == (report["resting_on_earlier_decisions"])
    )
    moved = [one for one in report["moved"] if one["before"]["total"] != one["after"]["total"]]
    assert moved == report["moved"] != []
    for one in moved:
        difference = sum(rule["after"] - rule["before"] for rule in one["rules"])
        assert difference == pytest.approx(one["after"]["total"] - one["before"]["total"])


async def test_two_at_once_are_run_one_after_the_other_and_say_the_same(
    score: Store, client: httpx.AsyncClient
) -> None:
    await many(score, 60)
    first, second = await asked(client), await asked(client)
    ends = [await ended(client, one) for one in (first, second)]
    assert [one["status"] for one in ends] == ["done", "done"]
    assert ends[0]["report"] == ends[1]["report"]
    assert ends[0]["report"]["outcomes"]["won"]["leads"] == 3
    assert await rows(client, first) == await rows(client, second)


async def test_a_worker_that_is_killed_is_told_and_nothing_of_it_is_left(
    score: Store, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many(score, 300)
    monkeypatch.setattr(runs, "_LEADS_A_PIECE", 1)
    backtest_id = await asked(client)
    workers = await begun(client, backtest_id)
    workers[0].send_signal(signal.SIGKILL)
    found = await ended(client, backtest_id)
    assert (found["status"], "report" in found) == ("failed", False)
    assert "signal 9" in found["reason"]
    await gone(workers)
    assert (await ended(client, await asked(client)))["status"] == "done"


async def test_a_backtest_that_is_cancelled_ends_at_once(
    score: Store, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await many(score, 300)
    monkeypatch.setattr(runs, "_LEADS_A_PIECE", 1)
    backtest_id = await asked(client)
    workers = await begun(client, backtest_id)
    assert (await client.delete(f"{PATH}/{backtest_id}")).status_code == 204
    await gone(workers)
    assert (await ended(client, backtest_id))["status"] == "cancelled"
    assert (await client.get(f"{PATH}/{backtest_id}/leads")).status_code == 409


async def begun(client: httpx.AsyncClient, backtest_id: str) -> list[psutil.Process]:
    """The workers, once the first leads are done."""
    async with asyncio.timeout(30):
        while not (await client.get(f"{PATH}/{backtest_id}")).json()["done"]:
            await asyncio.sleep(0.05)
    return [one for one in psutil.Process().children() if backtest_id in one.cmdline()]


async def gone(workers: list[psutil.Process]) -> None:
    assert workers
    async with asyncio.timeout(10):
        while any(one.is_running() for one in workers):
            await asyncio.sleep(0.05)


async def test_a_backtest_whose_instance_has_gone_is_told_as_lost(score: Store, client: httpx.AsyncClient) -> None:
    await many(score, 2)
    backtest_id = await asked(client)
    await ended(client, backtest_id)
    await score.pool.execute("UPDATE backtest SET status = 'running', beat_at = now() - interval '31 s'")
    found = (await client.get(f"{PATH}/{backtest_id}")).json()
    assert found["status"] == "failed"
    assert "ask for it again" in found["reason"]


async def test_what_cannot_be_run_is_refused_with_all_that_is_wrong(score: Store, client: httpx.AsyncClient) -> None:
    wrong = DRAFT.replace("points: 25", "points: none").replace("profile.company.size", "profile.company.sizes")
    body = {"text": wrong, "against": "0" * 12, "at": "2999-01-01T00:00:00Z"}
    answer = await client.post(PATH, json=body)
    assert answer.status_code == 422
    pointers = [one["pointer"] for one in answer.json()["errors"]]
    assert (pointers.count("/text"), pointers.count("/against"), pointers.count("/at")) == (2, 1, 1)
    assert (await client.post(PATH, json={"text": DRAFT})).status_code == 409  # nothing is known of anybody
    assert (await client.post(PATH, json={})).status_code == 422
    assert (await client.get(f"{PATH}/{'0' * 8}-0000-4000-8000-{'0' * 12}")).status_code == 404


async def test_at_a_moment_before_the_first_record_it_says_that_nothing_was_known(
    score: Store, client: httpx.AsyncClient
) -> None:
    await many(score, 2)
    found = await ended(client, await asked(client, at="2001-01-01T00:00:00Z"))
    assert (found["status"], found["reason"]) == (
        "failed",
        "nothing was known of any lead at that moment; choose a later one",
    )
