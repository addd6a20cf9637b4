"""Trying a document on what came before."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from services.route import main
from services.route.api import queue
from services.route.domain.routing import Routing
from services.route.domain.simulating import Case, Given, simulate
from services.route.settings import SHIPPED_ROUTING
from services.route.store import queue as queue_store
from shared.database import Pool
from tests.unit.route.builders import NOON, Desk, routing, scored, two_free_owners

FR = {"country": "FR"}


def cases(count: int = 4) -> list[Case]:
    """What the document in force made of some leads of nobody's company, and one that waits."""
    desk = Desk(two_free_owners())
    desk.reads(*(scored(f"ld_{number}", profile=FR) for number in range(count)))
    held = [desk.handover(f"ho_ld_{number}_1_1") for number in range(count)]
    made = [Case(one.lead_id, 1, one.created_at, one.document, one.handover_id, one.owner) for one in held]
    waits = msgspec.json.encode(scored("ld_w", profile={"country": "DE"}))
    return [*made, Case("ld_w", 1, NOON + timedelta(hours=1), waits)]


def test_the_document_that_was_in_force_gives_what_was_given() -> None:
    found = simulate(two_free_owners(), cases())
    assert [(one.was, one.would) for one in found] == [
        ("ann", "ann"),
        ("bob", "bob"),
        ("ann", "ann"),
        ("bob", "bob"),
        (None, "ann"),
    ]


def test_another_document_gives_leads_to_others_and_says_by_which_rule() -> None:
    found = simulate(routing(), cases())
    assert [one.would for one in found] == ["cleo", "desk", "cleo", "desk", "anna"]
    assert [step.rule for step in found[0].path if step.matched] == ["world", "pool:world"]


def test_who_would_wait_is_given_when_somebody_comes_and_it_is_said_how_long() -> None:
    text = """
format: 1
id: night
owners: [{id: ann, name: Ann, email: ann@us.example, timezone: UTC, hours: {mon-sun: "18:00-19:00"}, capacity: {per_day: 2}}]
rules: [{id: everybody, when: 'true', to: {owner: ann}}]
"""
    found = simulate(routing(text), cases())
    assert [one.would for one in found] == ["ann"] * 5
    assert found[0].waited_seconds == timedelta(hours=6).total_seconds() - 1
    assert found[2].waited_seconds > timedelta(hours=24).total_seconds()


def test_who_nobody_would_get_is_said_to_wait() -> None:
    text = """
format: 1
id: nobody
owners: [{id: ann, name: Ann, email: ann@us.example}]
rules: [{id: nobody, when: 'false', to: {owner: ann}}]
"""
    assert {(one.would, one.reason) for one in simulate(routing(text), cases())} == {(None, "no routing rule matches")}


async def test_a_trial_has_a_document_of_its_own_since_conditions_remember_what_they_are_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    routings = main.routings_in(SHIPPED_ROUTING)
    used: list[Routing] = []

    async def no_cases(*_: object) -> list[Case]:
        return []

    def noted(routing: Routing, _: object) -> list[Given]:
        used.append(routing)
        return []

    monkeypatch.setattr(queue_store, "cases", no_cases)
    monkeypatch.setattr(queue, "simulate", noted)
    app = FastAPI()
    app.include_router(queue.routes(cast(Pool, None), routings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://route") as client:
        assert (await client.post("/v1/routes/simulate", json={})).status_code == 200
    in_force = routings.latest(0).document
    assert used[0].id == in_force.id
    assert used[0] is not in_force
