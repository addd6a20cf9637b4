"""Commands: giving one, and what became of it. What they do is decided where the record is read."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, HTTPException

from shared import clock, cloudevent, contracts, problem
from shared.database import Pool
from shared.problem import Problem
from shared.topology import COMMANDS

# Sends one record (topic, key, value, headers), and returns when Kafka has it. Raises TimeoutError when that takes too long.
Send = Callable[[str, str, bytes, list[tuple[str, bytes]]], Awaitable[None]]


async def give(
    pool: Pool,
    send: Send,
    topic: str,
    *,
    command_id: str,
    key: str,
    value: bytes,
    type_: str,
    source: str,
    at: datetime,
    lost: Problem,
    subject: str | None = None,
) -> None:
    """Puts a command's record on its topic; from then on it can be asked for. Raises `lost` when Kafka does not take it in time."""
    headers = cloudevent.headers(event_id=command_id, type_=type_, source=source, time=clock.text(at), subject=subject)
    await _pending(pool, command_id)
    try:
        await send(topic, key, value, headers)
    except TimeoutError:
        raise lost from None


async def give_about_lead(
    pool: Pool,
    send: Send,
    *,
    kind: str,
    lead_id: str,
    by: str | None,
    payload: Mapping[str, Any],
    source: str,
    if_lost: str,
) -> str:
    """Gives a command about a lead on leads.commands.v1, and returns its id. `if_lost` says what to do when Kafka did not take it in time: a Problem (503)."""
    command_id, now = str(uuid.uuid4()), clock.now()
    said = contracts.Command(
        event_id=command_id, kind=kind, issued_at=now, lead_id=lead_id, by=by, payload=dict(payload)
    )
    await give(
        pool,
        send,
        COMMANDS.name,
        command_id=command_id,
        key=lead_id,
        value=contracts.encode(said),
        type_="lead.command",
        source=source,
        at=now,
        subject=lead_id,
        lost=not_durable("The command could not be kept", if_lost),
    )
    return command_id


def not_durable(title: str, detail: str) -> Problem:
    """For a command that Kafka did not take in time."""
    return Problem(503, "not-durable", title, f"Kafka did not take it in time{detail}", headers={"Retry-After": "2"})


async def _pending(pool: Pool, command_id: str) -> None:
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
