"""What is asked of route over HTTP: outcomes, and a lead's owner. What becomes of it is decided where the record is read."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, HTTPException
from fastapi import Path as PathParameter
from pydantic import AwareDatetime, BaseModel, Field

from services.route.domain import events, intake
from services.route.domain.routing import Routing
from services.route.store import reading
from shared import clock, commands, contracts
from shared.commands import Send
from shared.contracts import OutcomeReported
from shared.database import Pool
from shared.topology import OUTCOMES

Id = Annotated[str, PathParameter(max_length=240, pattern=r"^[^\x00]+$")]
Said = Annotated[str | None, Field(max_length=intake.REASON_CHARACTERS, pattern=r"^[^\x00]*$")]
By = Annotated[str | None, Field(max_length=intake.BY_CHARACTERS, pattern=r"^[^\x00]*$")]


class OutcomeGiven(BaseModel):
    """What sales says came of a handover."""

    model_config = {"extra": "forbid"}

    outcome: Literal["accepted", "rejected", "contacted", "meeting", "opportunity", "won", "lost", "recycled"]
    reason: Said = Field(default=None, description="of a rejection: one of the routing document's reject_reasons")
    amount: float | None = Field(default=None, ge=0, le=intake.LARGEST_AMOUNT, allow_inf_nan=False)
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    occurred_at: AwareDatetime | None = Field(
        default=None, description="when it happened; the same outcome at the same time counts once"
    )
    by: By = None


class Assignment(BaseModel):
    """Whose a lead is from now on."""

    model_config = {"extra": "forbid"}

    owner: str = Field(max_length=200, pattern=r"^[^\s\x00]+$", description="an owner of the routing document")
    reason: Said = None
    by: By = None


def routes(pool: Pool, send: Send, routing: Callable[[], Routing]) -> APIRouter:
    """Commands. Each is answered 202 with an id, and `GET /v1/commands/{id}` tells what became of it."""
    router = APIRouter()

    @router.post("/v1/handovers/{handover_id}/outcome", status_code=202)
    async def outcome(handover_id: Id, given: OutcomeGiven) -> dict[str, str]:
        """Takes an outcome, as leads.outcomes.v1 does. `GET /v1/commands/{command_id}` says what it came to so far: outcomes count in the
        order in which they happened, so an earlier one that arrives later may change the verdict."""
        if events.named(handover_id) is None:
            raise HTTPException(404, "This is no handover's id. A handover's id begins with ho_.")
        reasons = routing().reject_reasons
        if not intake.is_listed(given.outcome, given.reason, reasons):
            raise HTTPException(
                422, f"A rejection's reason is one of {', '.join(reasons)}: the routing document's reject_reasons."
            )
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

    @router.post("/v1/leads/{lead_id}/assign", status_code=202)
    async def assign(lead_id: Id, given: Assignment) -> dict[str, str]:
        """Gives a lead to an owner: its open handover is passed on to them as the next attempt, and who had it is told. Without an open one
        the owner is noted as the lead's, and the next handover goes there where the document's `sticky` has `owner`."""
        known = routing().owners
        if given.owner not in known:
            raise HTTPException(422, f"owner is one of the routing document's: {', '.join(known)}.")
        survivor = await reading.survivor(pool, lead_id) or lead_id
        if not await reading.is_known(pool, survivor):
            raise HTTPException(404, "Route knows no lead of this id. Enrich's GET /v1/leads?email=... finds ids.")
        command_id = await commands.give_about_lead(
            pool,
            send,
            kind="assign",
            lead_id=survivor,
            by=given.by,
            payload={"owner": given.owner, **({"reason": given.reason} if given.reason else {})},
            source="route-api",
            if_lost="; it may still be carried out. Look at the lead before you send it again.",
        )
        return {"command_id": command_id}

    return router
