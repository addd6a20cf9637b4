"""`GET /v1/leads/{id}/score` on a real Postgres: explained, as of a moment, under another ruleset, and what it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.score import api
from services.score.domain import publications
from shared import problem
from shared.documents.inforce import version_of
from shared.stage import Input
from tests.integration.score import Store, opened
from tests.unit.score.builders import NOON, READY, RULESET, a_record, activity_id, an_activity, days, enriched
from tests.unit.score.outsider import recomputed

DEARER = RULESET.replace("points: 60", "points: 41")
HOUR = timedelta(hours=1)


async def _never(*_: Any, **__: Any) -> None:
    raise AssertionError("who only asks sends nothing")


class Asked:
    """Score's store, and its API over it. What is told comes at a moment of its own."""

    def __init__(self, store: Store, client: httpx.AsyncClient) -> None:
        self.store, self.client = store, client

    async def tell(self, value: Mapping[str, Any], *, at: datetime, type_: str = "lead.enriched") -> None:
        input_ = self.store.stage.decode(a_record(value, type_=type_, now=at))
        assert isinstance(input_, Input)
        await self.store.run([input_])

    async def score(self, lead_id: str = "ld_jo", **query: str) -> dict[str, Any]:
        answered = await self.client.get(f"/v1/leads/{lead_id}/score", params=query)
        assert answered.status_code == 200, answered.text
        found: dict[str, Any] = answered.json()
        assert {name: float(points) for name, points in recomputed(found).items()} == found["score"]
        return found

    async def refused(self, lead_id: str = "ld_jo", **query: str) -> tuple[int, list[str]]:
        answered = await self.client.get(f"/v1/leads/{lead_id}/score", params=query)
        assert answered.headers["content-type"] == "application/problem+json"
        return answered.status_code, [one["pointer"] for one in answered.json().get("errors", ())]


@pytest.fixture
async def asked(store: str) -> AsyncIterator[Asked]:
    async with opened(store) as made:
        app = FastAPI()
        problem.install(app)
        app.include_router(api.routes(made.pool, _never, publications.rulesets(RULESET)))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://score") as client:
            yield Asked(made, client)


async def test_a_score_is_explained_with_every_activity(asked: Asked) -> None:
    for number in range(30):
        page = an_activity(number, kind="page", name="page", path="/pricing", at=NOON + number * HOUR)
        await asked.tell(enriched(page, profile=READY), at=NOON)
    found = await asked.score()
    assert found["score"] == {"total": 49.5, "fit": 37.5, "engagement": 12.0}
    pricing, cap = (part for part in found["contributions"] if part["rule"].startswith("pricing"))
    assert (pricing["count"], len(pricing["activities"]), pricing["base"], pricing["each"]) == (30, 30, 93.0, 3.1)
    assert (cap["points"], cap["bound"], cap["bounds_rule"]) == (-81.0, 12.0, "pricing")
    assert (found["stage"], found["grade"], found["ruleset"]["id"]) == ("IQL", "A3", "test")
    assert [one["kind"] for one in found["because"]] == ["condition", "below"]
    assert found["activities"][activity_id(29)]["page"] == "/pricing"


async def test_a_late_activity_is_not_seen_before_it_became_known(asked: Asked) -> None:
    await asked.tell(enriched(an_activity(1), profile=READY), at=NOON)
    await asked.tell(enriched(an_activity(2, at=NOON - days(3)), profile=READY), at=NOON + days(2))
    now, then = await asked.score(), await asked.score(as_of="2026-06-19T11:59:59.999Z")
    assert (now["score"]["total"], then["score"]["total"]) == (157.5, 97.5)
    assert (now["stage"], then["stage"]) == ("SQL", "MQL")
    assert activity_id(2) not in then["activities"]
    assert (await asked.score(as_of="2026-06-19T14:00:00+02:00"))["score"] == now["score"]
    assert await asked.refused(as_of="2026-06-17T11:00:00Z") == (404, [])


async def test_another_version_says_what_it_makes_of_what_was_known_then(asked: Asked) -> None:
    await asked.tell(enriched(an_activity(1), profile=READY), at=NOON)
    await asked.tell(enriched(an_activity(2, at=NOON + days(1)), profile=READY), at=NOON + days(1))
    await asked.store.pool.execute(
        "INSERT INTO document VALUES ('ruleset', $1, 'test', $2, NULL, NULL, $3)", version_of(DEARER), DEARER, NOON
    )
    now, other = await asked.score(), await asked.score(ruleset=version_of(DEARER))
    assert (now["stage"], now["score"]["total"]) == ("SQL", 157.5)
    assert (other["stage"], other["score"]["total"], other["ruleset"]["document"]) == ("SQL", 119.5, version_of(DEARER))
    then = await asked.score(ruleset=version_of(DEARER), as_of=(NOON + HOUR).isoformat())
    assert (then["stage"], then["score"]["total"]) == ("MQL", 78.5)
    same = await asked.score(ruleset=version_of(RULESET))
    assert {**same, "as_of": ""} == {**now, "as_of": ""}


async def test_a_moment_is_answered_under_the_rules_of_then(asked: Asked) -> None:
    await asked.tell(enriched(an_activity(1), profile=READY), at=NOON)
    pool, version = asked.store.pool, version_of(DEARER)
    await pool.execute("INSERT INTO document VALUES ('ruleset', $1, 'test', $2, NULL, NULL, $3)", version, DEARER, NOON)
    await pool.execute(
        "INSERT INTO publication VALUES ('ruleset', 3, 7, $1, $2, false, $3, NULL, NULL, '{}')",
        version,
        NOON + HOUR,
        activity_id(91),
    )
    for at, total, document in (
        (NOON, 97.5, version_of(RULESET)),
        (NOON + HOUR, 78.5, version),
        (NOON + days(1), 78.5, version),
    ):
        then = await asked.score(as_of=at.isoformat())
        assert (then["score"]["total"], then["ruleset"]["document"]) == (total, document)


async def test_an_absorbed_lead_answers_with_the_survivor_and_before_the_merge_with_itself(asked: Asked) -> None:
    await asked.tell(enriched(an_activity(1), lead_id="ld_old", profile=READY), at=NOON)
    await asked.tell(enriched(an_activity(2), lead_id="ld_jo"), at=NOON)
    merged = {"event_id": activity_id(90), "survivor": "ld_jo", "absorbed": "ld_old", "because": ""}
    await asked.tell(merged, at=NOON + HOUR, type_="lead.merged")
    again = enriched(an_activity(1, revision=1), lead_id="ld_jo", joined=["ld_old"], profile_version=2)
    await asked.tell(again, at=NOON + HOUR)
    assert ((found := await asked.score("ld_old"))["lead_id"], found["absorbed"]) == ("ld_jo", ["ld_old"])
    before = await asked.score("ld_old", as_of=NOON.isoformat())
    assert (before["lead_id"], before["score"]["total"]) == ("ld_old", 97.5)
    assert (await asked.score("ld_jo", as_of=NOON.isoformat()))["absorbed"] == []


async def test_what_is_asked_wrongly_is_named_all_at_once(asked: Asked) -> None:
    await asked.tell(enriched(an_activity(1)), at=NOON)
    assert await asked.refused("ld_nobody") == (404, [])
    assert await asked.refused("%00") == (404, [])
    assert await asked.refused(as_of="yesterday", ruleset="none") == (422, ["/as_of", "/ruleset"])
    assert await asked.refused(as_of="9999-01-01T00:00:00Z") == (422, ["/as_of"])
    assert await asked.refused(ruleset="\x00") == (422, ["/ruleset"])
