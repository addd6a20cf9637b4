"""Commands: what became of one, and noting that one was asked for. What they do is decided where the record is read."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, HTTPException

from shared import problem
from shared.database import Pool


async def pending(pool: Pool, command_id: str) -> None:
    """Notes that a command is on its way, so that it can be asked for before it is done."""
    # A command that is done already (the same request again) stays done.
    await pool.execute(
        "INSERT INTO command (command_id, status) VALUES ($1, 'pending') ON CONFLICT DO NOTHING", command_id
    )


def routes(pool: Pool) -> APIRouter:
    """`GET /v1/commands/{id}`: pending, done or refused, and why."""
    router = APIRouter(tags=["commands"], responses=problem.declared(401, 404, 422))

    @router.get("/v1/commands/{command_id}")
    async def command(command_id: uuid.UUID) -> dict[str, Any]:
        # One row a command; it is written by the batch that carried the command out.
        row = await pool.fetchrow("SELECT status, result, reason FROM command WHERE command_id = $1", command_id)
        if row is None:
            raise HTTPException(404, "No command of this id was given to this service.")
        return {"status": row["status"], "result": row["result"], "reason": row["reason"]}

    return router
