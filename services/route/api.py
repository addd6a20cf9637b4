"""Route over HTTP, behind the operator's token: handovers, the queue, and outcomes. What an outcome does is decided where it is read."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as PathParameter
from pydantic import AwareDatetime, BaseModel, Field

from services.route.domain import events, intake
from services.route.store import reading
from shared import clock, commands, contracts
from shared.commands import Send
from shared.contracts import OutcomeReported
from shared.database import Pool
from shared.topology import OUTCOMES

Id = Annotated[str, PathParameter(max_length=240, pattern=r"^[^\x00]+$")]

_FIRST_PAGE = (datetime(1970, 1, 1, tzinfo=UTC), "")


class OutcomeGiven(BaseModel):
    """What sales says came of a handover."""

    model_config = {"extra": "forbid"}

    outcome: Literal["accepted", "rejected", "contacted", "meeting", "opportunity", "won", "lost", "recycled"]
    reason: str | None = Field(default=None, max_length=intake.REASON_CHARACTERS, pattern=r"^[^\x00]*$")
    amount: float | None = Field(default=None, ge=0, le=intake.LARGEST_AMOUNT, allow_inf_nan=False)
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    occurred_at: AwareDatetime | None = Field(
        default=None, description="when it happened; the same outcome at the same time counts once"
    )
    by: str | None = Field(default=None, max_length=intake.BY_CHARACTERS, pattern=r"^[^\x00]*$")


def routes(pool: Pool, send: Send) -> APIRouter:
    """Route's routes. `send(topic, key, value, headers)` returns when the broker has the record, else raises TimeoutError."""
    router = APIRouter(tags=["route"])

    @router.get("/v1/leads/{lead_id}/handovers")
    async def handovers_of(lead_id: Id) -> dict[str, Any]:
        """A lead's handovers, oldest first, each with its path and outcomes; empty for a lead that was never handed over. States and
        verdicts are by all that is known so far, in the order in which it happened: what arrives later may change them."""
        rows = await reading.handovers_of(pool, lead_id)
        said = await reading.outcomes(pool, [row["handover_id"] for row in rows])
        return {
            "lead_id": lead_id,
            "merged_into": await reading.survivor(pool, lead_id),
            "handovers": [_handover(row, said) for row in rows],
            "waiting_outcomes": [_shown(row) for row in await reading.waiting(pool, lead_id)],
        }

    @router.get("/v1/handovers/{handover_id}")
    async def handover(handover_id: Id) -> dict[str, Any]:
        """One handover: as it was written to the topic, where it stands, and everything that was said about it, with its verdict. State and
        verdicts are by all that is known so far, in the order in which it happened: what arrives later may change them."""
        row = await reading.handover(pool, handover_id)
        if row is None:
            raise HTTPException(404, "There is no handover of this id. GET /v1/leads/{id}/handovers lists a lead's.")
        return _handover(row, await reading.outcomes(pool, [handover_id]))

    @router.get("/v1/queue")
    async def queue(
        after: Annotated[
            str, Query(max_length=300, pattern=r"^[^\x00]*$", description="`next` of the page before")
        ] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        """Leads in SQL that nobody could be given to, the longest waiting first, with the rules that were tried."""
        total, rows = await reading.queue(pool, after=_place(after), limit=limit)
        return {
            "total": total,
            "leads": [{**_shown(row), "path": msgspec.json.decode(row["path"])} for row in rows],
            "next": f"{rows[-1]['since'].isoformat()}~{rows[-1]['lead_id']}" if len(rows) == limit else None,
        }

    @router.post("/v1/handovers/{handover_id}/outcome", status_code=202)
    async def outcome(handover_id: Id, given: OutcomeGiven) -> dict[str, str]:
        """Takes an outcome, as leads.outcomes.v1 does. `GET /v1/commands/{command_id}` says what it came to so far: outcomes count in the
        order in which they happened, so an earlier one that arrives later may change the verdict."""
        if events.named(handover_id) is None:
            raise HTTPException(404, "This is no handover's id. A handover's id begins with ho_.")
        reported = OutcomeReported(**given.model_dump(), handover_id=handover_id)
        command_id = intake.content_id(reported) if given.occurred_at else str(uuid.uuid4())
        now = clock.now()
        reported = msgspec.structs.replace(reported, event_id=command_id, occurred_at=given.occurred_at or now)
        await commands.give(
            pool,
            send,
            OUTCOMES.name,
            command_id=command_id,
            key=handover_id,
            value=contracts.encode(reported),
            type_="lead.outcome",
            source="route-api",
            at=now,
            lost=commands.not_durable(
                "The outcome could not be kept", ". Send it again with the same occurred_at: it counts once."
            ),
        )
        return {"command_id": command_id}

    return router


def _handover(row: Mapping[str, Any], outcomes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A handover as it was written, with where it stands now. `lead_id` is whose it is now."""
    document: dict[str, Any] = msgspec.json.decode(row["document"])
    return {
        **document,
        "lead_id": row["lead_id"],
        "opened_for": row["opened_for"],
        "state": row["state"],
        "state_at": clock.text(row["state_at"]),
        "outcomes": [_shown(one) for one in outcomes if one["handover_id"] == row["handover_id"]],
    }


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON has it: what is not known is absent."""
    return {name: _plain(value) for name, value in row.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.text(value)
    return str(value) if isinstance(value, uuid.UUID) else value


def _place(after: str) -> tuple[datetime, str]:
    """The place in the queue that a page's `next` names."""
    if not after:
        return _FIRST_PAGE
    since, _, lead_id = after.partition("~")
    try:
        at = datetime.fromisoformat(since)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise HTTPException(422, "`after` is the `next` of an earlier page, as it is.")
    return at, lead_id
