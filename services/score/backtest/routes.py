"""Backtests over HTTP: asked for, watched, read, cancelled. They change nothing but what is kept of backtests themselves."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, StringConstraints

from services.score.backtest.runs import Runs
from services.score.domain.publications import KIND, Rulesets
from services.score.store import backtests
from shared import clock, problem
from shared.database import Pool
from shared.documents import reading
from shared.documents.api import Text, Version
from shared.documents.inforce import version_of
from shared.problem import Mistake, Problem

_PATH = "/v1/rulesets/backtest"
_NO_SUCH = Problem(
    404,
    "no-such-backtest",
    "No such backtest",
    f"POST {_PATH} asks for one; the latest {backtests.KEPT} are kept.",
)
Moment = Annotated[str, StringConstraints(max_length=40)]


class Asked(BaseModel):
    """A draft, as its text or as a version that is kept; with what it is compared (what is in force, where nothing is named); and as of when
    (now)."""

    model_config = {"extra": "forbid"}
    text: Text | None = None
    version: Version | None = None
    against: Version | None = None
    at: Moment | None = Field(
        default=None, description="RFC 3339; not in the future", examples=["2026-11-01T00:00:00Z"]
    )


class Accepted(BaseModel):
    """A backtest that will be run: `GET /v1/rulesets/backtest/{backtest_id}` says how far it is, and what it found."""

    backtest_id: uuid.UUID
    at: str
    before: str
    after: str


def routes(pool: Pool, store: str, partitions: int, rulesets: Rulesets) -> APIRouter:
    """`/v1/rulesets/backtest...`; `store` is the address under which workers find the store."""
    router = APIRouter(prefix=_PATH, tags=["backtest"], responses=problem.declared(400, 401, 404, 409, 422))
    runs = Runs(pool, store)

    @router.post("", status_code=202)
    async def ask(asked: Asked) -> Accepted:
        """Begins a backtest. One runs at a time, others wait for it. All mistakes of the draft are told at once."""
        now = clock.now()
        at, wrong = _moment(asked.at, now)
        after = await _text(asked, wrong)
        before = await _against(asked.against, wrong)
        if wrong:
            raise Problem(
                422,
                "invalid",
                "The backtest can't be run",
                "Mend what is named; `leads rules lint FILE` shows a draft's mistakes in their places.",
                wrong,
            )
        if not await backtests.leads(pool):
            raise Problem(
                409,
                "no-history",
                "There is nothing to look at yet",
                "Score knows no lead. Send some (leads send), then ask again.",
            )
        backtest_id = uuid.uuid4()
        await backtests.ask(pool, backtest_id, now=now, at=at, before=before, after=after)
        runs.start(backtest_id)
        return Accepted(backtest_id=backtest_id, at=clock.text(at), before=version_of(before), after=version_of(after))

    @router.get("/{backtest_id}")
    async def watch(backtest_id: uuid.UUID) -> Response:
        """How far it is: `status` (waiting, running, done, failed, cancelled), `done` of `leads`; when it is done, `report`."""
        found = await _found(backtest_id)
        told: dict[str, Any] = {
            "backtest_id": str(backtest_id),
            "at": clock.text(found.at),
            "before": _named(found.before),
            "after": _named(found.after),
            **backtests.shown(found, clock.now()),
        }
        if found.report is not None:
            told["report"] = msgspec.Raw(found.report)
        return Response(msgspec.json.encode(told), media_type="application/json")

    @router.get("/{backtest_id}/leads", response_class=StreamingResponse)
    async def leads(backtest_id: uuid.UUID) -> Response:
        """Every lead in order of its id, one line of JSON each: `{lead_id, before {total, stage}, after {total, stage}}`. Beside a stage that
        rests on earlier decisions (`leave`, `dwell`, or sales sent the lead back) stands `afresh`, the one that its points alone give."""
        found = await _found(backtest_id)
        if found.status != "done":
            raise Problem(409, "not-done", "The backtest is not done", f"GET {_PATH}/{backtest_id} says how far it is.")
        return StreamingResponse(backtests.rows(pool, backtest_id), media_type="application/x-ndjson")

    @router.delete("/{backtest_id}", status_code=204)
    async def cancel(backtest_id: uuid.UUID) -> None:
        """Ends a backtest that is not done yet; within a second nothing of it runs any more."""
        await _found(backtest_id)
        await backtests.end(pool, backtest_id, status="cancelled", now=clock.now())

    async def _found(backtest_id: uuid.UUID) -> backtests.Backtest:
        found = await backtests.one(pool, backtest_id)
        if found is None:
            raise _NO_SUCH
        return found

    async def _text(asked: Asked, wrong: list[Mistake]) -> str:
        if (asked.text is None) == (asked.version is None):
            wrong.append(Mistake("/text", "name a text or a version, one of them"))
            return ""
        if asked.version is not None:
            return await _version(asked.version, "/version", wrong)
        text = asked.text or ""
        wrong += [Mistake("/text", said) for said in rulesets.mistakes(text)]
        return text

    async def _against(version: str | None, wrong: list[Mistake]) -> str:
        if version is None:
            first = version_of(rulesets.first)
            version = (await reading.in_force(pool, kind=KIND, partitions=partitions, first=first))[0]["version"]
        return await _version(version, "/against", wrong)

    async def _version(version: str, pointer: str, wrong: list[Mistake]) -> str:
        if version == version_of(rulesets.first):
            return rulesets.first
        found = await reading.version(pool, kind=KIND, version=version)
        if found is None:
            wrong.append(Mistake(pointer, "no such version is kept; `leads rules list` shows them"))
            return ""
        return str(found["text"])

    def _named(text: str) -> dict[str, str]:
        return {"version": version_of(text), "id": rulesets.name(text)}

    return router


def _moment(text: str | None, now: datetime) -> tuple[datetime, list[Mistake]]:
    """The moment that was asked for, in whole milliseconds; this one where none was."""
    now = clock.from_ms(clock.to_ms(now))
    if text is None:
        return now, []
    said = clock.moment(text)
    if said is None:
        return now, [Mistake("/at", "this is no moment; for example 2026-11-01T00:00:00Z")]
    at = datetime.fromisoformat(said)
    return at, [Mistake("/at", "this moment lies in the future")] if at > now else []
