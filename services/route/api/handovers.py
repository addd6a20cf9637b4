"""Handovers over HTTP: where each stands, what was said of it, how long it took; and the queue."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as PathParameter

from services.route.domain import intake, pace
from services.route.domain.lifecycle import State
from services.route.domain.routing import Routing
from services.route.store import reading
from shared import clock
from shared.database import Pool

Id = Annotated[str, PathParameter(max_length=240, pattern=r"^[^\x00]+$")]

After = Annotated[str, Query(max_length=300, pattern=r"^[^\x00]*$", description="`next` of the page before")]
Limit = Annotated[int, Query(ge=1, le=1000)]

_FIRST_PAGE = (datetime(1970, 1, 1, tzinfo=UTC), "")
_LAST_PAGE = (datetime(9999, 1, 1, tzinfo=UTC), "")


def routes(pool: Pool, routing: Callable[[], Routing]) -> APIRouter:
    """What can be looked at; nothing here changes anything."""
    router = APIRouter()

    @router.get("/v1/leads/{lead_id}/handovers")
    async def handovers_of(lead_id: Id) -> dict[str, Any]:
        """A lead's handovers, oldest first, each with its path and outcomes; empty for a lead that was never handed over. States and
        verdicts are by all that is known so far, in the order in which it happened: what arrives later may change them."""
        rows = await reading.handovers_of(pool, lead_id)
        said = await reading.outcomes(pool, [row["handover_id"] for row in rows])
        return {
            "lead_id": lead_id,
            "merged_into": await reading.survivor(pool, lead_id),
            "handovers": [_handover(row, said, routing()) for row in rows],
            "waiting_outcomes": [_shown(row) for row in await reading.waiting(pool, lead_id)],
        }

    @router.get("/v1/handovers")
    async def handovers(
        owner: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None,
        state: State | None = None,
        after: After = "",
        limit: Limit = 100,
    ) -> dict[str, Any]:
        """Handovers, the newest first: of one owner, in one state, or all."""
        rows = await reading.handovers(pool, owner=owner, state=state, after=_place(after, _LAST_PAGE), limit=limit)
        return {
            "handovers": [_shown(row) for row in rows],
            "next": f"{rows[-1]['created_at'].isoformat()}~{rows[-1]['handover_id']}" if len(rows) == limit else None,
        }

    @router.get("/v1/handovers/{handover_id}")
    async def handover(handover_id: Id) -> dict[str, Any]:
        """One handover: as it was written to the topic, where it stands, and everything that was said about it, with its verdict. State and
        verdicts are by all that is known so far, in the order in which it happened: what arrives later may change them."""
        row = await reading.handover(pool, handover_id)
        if row is None:
            raise HTTPException(404, "There is no handover of this id. GET /v1/leads/{id}/handovers lists a lead's.")
        return _handover(row, await reading.outcomes(pool, [handover_id]), routing())

    @router.get("/v1/queue")
    async def queue(
        after: After = "",
        limit: Limit = 100,
    ) -> dict[str, Any]:
        """Leads in SQL that nobody could be given to, the longest waiting first, with the rules that were tried."""
        total, rows = await reading.queue(pool, after=_place(after, _FIRST_PAGE), limit=limit)
        return {
            "total": total,
            "leads": [{**_shown(row), "path": msgspec.json.decode(row["path"])} for row in rows],
            "next": f"{rows[-1]['since'].isoformat()}~{rows[-1]['lead_id']}" if len(rows) == limit else None,
        }

    return router


def _handover(row: Mapping[str, Any], outcomes: Sequence[Mapping[str, Any]], routing: Routing) -> dict[str, Any]:
    """A handover as it was written, with where it stands now. `lead_id` is whose it is now."""
    document: dict[str, Any] = msgspec.json.decode(row["document"])
    said = [_shown(one) for one in outcomes if one["handover_id"] == row["handover_id"]]
    for one in said:
        if not intake.is_listed(one["outcome"], one.get("reason"), routing.reject_reasons):
            one["remark"] = "the reason is none of the routing document's reject_reasons"
    escalated = [deadline for deadline in ("accept", "contact") if row[f"{deadline}_escalated"]]
    owner = routing.owners.get(row["owner"])
    return {
        **document,
        "lead_id": row["lead_id"],
        "opened_for": row["opened_for"],
        "state": row["state"],
        "state_at": clock.text(row["state_at"]),
        **({"escalated": escalated} if escalated else {}),
        "human_seconds": {
            step: pace.human(row["created_at"], row[f"{step}_at"], owner)
            for step in ("accepted", "contacted")
            if row[f"{step}_at"] is not None
        },
        "outcomes": said,
    }


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON has it: what is not known is absent."""
    return {name: _plain(value) for name, value in row.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.text(value)
    return str(value) if isinstance(value, uuid.UUID) else value


def _place(after: str, first: tuple[datetime, str]) -> tuple[datetime, str]:
    """The place in a list that a page's `next` names; `first` where there was no page before."""
    if not after:
        return first
    since, _, lead_id = after.partition("~")
    try:
        at = datetime.fromisoformat(since)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise HTTPException(422, "`after` is the `next` of an earlier page, as it is.")
    return at, lead_id
