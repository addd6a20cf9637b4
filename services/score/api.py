"""Score over HTTP: what a lead's score is and why. Reads the store; what is asked of it here is a command; it stands behind the operator's token."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from services.score.domain.advice import fresh
from services.score.domain.fold import Folded, fold
from services.score.domain.inforce import InForce
from services.score.domain.known import Known
from services.score.domain.publications import Rulesets
from services.score.store import history
from shared import clock, commands, contracts
from shared.commands import Send
from shared.database import Pool
from shared.documents import store as documents
from shared.problem import Problem, respond
from shared.topology import COMMANDS


class Disqualified(BaseModel):
    """Why a lead is none, and who says so."""

    model_config = {"extra": "forbid"}

    reason: str | None = Field(default=None, max_length=500, pattern=r"^[^\x00]*$")
    by: str | None = Field(default=None, max_length=200, pattern=r"^[^\x00]*$")


def routes(pool: Pool, send: Send, rulesets: Rulesets) -> APIRouter:
    """`GET /v1/leads/{id}/score`, and the command that disqualifies a lead."""
    router = APIRouter(tags=["score"])

    @router.get(
        "/v1/leads/{lead_id}/score",
        responses={308: {"description": "this lead was merged into another one"}, 404: {"description": "no such lead"}},
    )
    async def score(lead_id: str) -> Response:
        """Points with all contributions and all activities that count, grade, stage and ruleset of one lead."""
        now = clock.now()
        known = None if "\x00" in lead_id else await history.known(pool, lead_id, at=now)
        if known is not None and known.decided.absorbed_into is not None:
            return Response(status_code=308, headers={"location": f"/v1/leads/{known.decided.absorbed_into}/score"})
        if known is None or known.profiled.profile_version < 0:
            return respond(_missing())
        await documents.refresh(pool, rulesets, parts=[known.part])
        in_force = rulesets.at(known.part, now).document
        return Response(msgspec.json.encode(explained(known, in_force, now)), media_type="application/json")

    @router.post("/v1/leads/{lead_id}/disqualify", status_code=202)
    async def disqualify(
        lead_id: Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")], given: Disqualified
    ) -> dict[str, str]:
        """The lead's stage is disqualified from now on, whatever it does; its open handover is taken back. A customer stays one."""
        known = await history.known(pool, lead_id, at=clock.now())
        if known is None:
            raise _missing()
        command_id = str(uuid.uuid4())
        now = clock.now()
        about = known.decided.absorbed_into or lead_id
        asked = contracts.Command(
            event_id=command_id,
            kind="disqualify",
            issued_at=now,
            lead_id=about,
            by=given.by,
            payload={"reason": given.reason} if given.reason else {},
        )
        await commands.give(
            pool,
            send,
            COMMANDS.name,
            command_id=command_id,
            key=about,
            value=contracts.encode(asked),
            type_="lead.command",
            source="score-api",
            at=now,
            subject=about,
            lost=commands.not_durable("The command could not be kept", "; it may still be carried out. Send it again."),
        )
        return {"command_id": command_id}

    return router


def _missing() -> Problem:
    return Problem(
        404,
        "no-such-lead",
        "No such lead",
        "Score knows no lead of this id. Enrich's GET /v1/leads?email=... finds ids.",
    )


def explained(known: Known, in_force: InForce, now: datetime) -> dict[str, Any]:
    """What the API says of a lead, from all that was known of it."""
    decided, ruleset = known.decided, in_force.ruleset
    folded = fold(
        ruleset,
        map(msgspec.json.decode, known.activities),
        msgspec.json.decode(known.profiled.profile),
        now=now,
        sent_back_at=decided.sent_back_at,
        recycled=decided.recycled,
        customer_since=decided.customer_since,
        signals=fresh(known.advice, now) if in_force.signals else {},
    )
    return {
        "lead_id": known.lead_id,
        "score": {"total": float(folded.total), "fit": float(folded.fit), "engagement": float(folded.engagement)},
        "grade": ruleset.grades.of(int(folded.fit * 100), int(folded.engagement * 100)),
        "stage": decided.stage,
        "previous_stage": decided.previous_stage,
        "stage_since": clock.text(decided.stage_since) if decided.stage_since is not None else None,
        "episode": decided.episode,
        "recycled": decided.recycled,
        "ruleset": {"id": ruleset.id, "version": ruleset.version, "fingerprint": ruleset.fingerprint},
        "contributions": _contributions(folded, in_force),
        "absorbed": list(decided.absorbed),
    }


def _contributions(folded: Folded, in_force: InForce) -> list[dict[str, Any]]:
    reasons = {f"exclude:{rule.id}": rule.reason for rule in in_force.ruleset.exclude}
    found = []
    for part in folded.parts:
        entry: dict[str, Any] = {"rule": part.rule, "version": in_force.ruleset.version, "points": float(part.points)}
        if part.by:
            entry["by"] = part.by
        if part.base is not None:
            entry["base"] = float(part.base)
            if part.points != part.base:
                entry["decay"] = float(part.points - part.base)
        if part.activities:
            entry |= {"count": len(part.activities), "activities": list(part.activities)}
        if part.rule in reasons:
            entry["reason"] = reasons[part.rule]
        found.append(entry)
    return found
