"""Score over HTTP: what a lead's score is and why. Reads the store, changes nothing; it stands behind the operator's token."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from fastapi import APIRouter, Response

from services.score.domain.fold import Folded, fold
from services.score.domain.inforce import InForce
from services.score.domain.lead import Lead
from services.score.store import history
from shared import clock
from shared.database import Pool
from shared.problem import Problem, respond


def routes(pool: Pool, in_force: InForce) -> APIRouter:
    """`GET /v1/leads/{id}/score`."""
    router = APIRouter(tags=["score"])

    @router.get(
        "/v1/leads/{lead_id}/score",
        responses={308: {"description": "this lead was merged into another one"}, 404: {"description": "no such lead"}},
    )
    async def score(lead_id: str) -> Response:
        """Points with all contributions and all activities that count, grade, stage and ruleset of one lead."""
        lead = None if "\x00" in lead_id else await history.lead_with_activities(pool, lead_id)
        if lead is not None and lead.state.absorbed_into is not None:
            return Response(status_code=308, headers={"location": f"/v1/leads/{lead.state.absorbed_into}/score"})
        if lead is None or lead.profile_version < 0:
            missing = Problem(
                404,
                "no-such-lead",
                "No such lead",
                "Score knows no lead of this id. Enrich's GET /v1/leads?email=... finds ids.",
            )
            return respond(missing)
        return Response(msgspec.json.encode(explained(lead, in_force, clock.now())), media_type="application/json")

    return router


def explained(lead: Lead, in_force: InForce, now: datetime) -> dict[str, Any]:
    """What the API says of a lead, from all that is kept of it."""
    state, ruleset = lead.state, in_force.ruleset
    folded = fold(
        ruleset,
        map(msgspec.json.decode, lead.bodies or ()),
        msgspec.json.decode(lead.profile),
        now=now,
        sent_back_at=state.sent_back_at,
        recycled=state.recycled,
        customer_since=state.customer_since,
    )
    return {
        "lead_id": lead.lead_id,
        "score_version": state.score_version,
        "score": {"total": float(folded.total), "fit": float(folded.fit), "engagement": float(folded.engagement)},
        "grade": ruleset.grades.of(int(folded.fit * 100), int(folded.engagement * 100)),
        "stage": state.stage,
        "previous_stage": state.previous_stage,
        "stage_since": clock.text(state.stage_since) if state.stage_since is not None else None,
        "episode": state.episode,
        "recycled": state.recycled,
        "ruleset": {"id": ruleset.id, "version": ruleset.version, "fingerprint": ruleset.fingerprint},
        "contributions": _contributions(folded, in_force),
        "absorbed": list(state.absorbed),
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
