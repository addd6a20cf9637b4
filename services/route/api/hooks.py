"""Webhooks over HTTP, behind the operator's token: who subscribes, what was delivered, and sending again."""

from __future__ import annotations

import base64
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as PathParameter
from pydantic import BaseModel, Field

from services.route.domain.webhooks import address, told
from services.route.domain.webhooks.told import TEST, Told
from services.route.store import hooks, webhooks
from shared import problem
from shared.database import Pool
from shared.problem import Mistake, Problem

OLD_SECRET_HOURS = 24

HookId = Annotated[str, PathParameter(pattern=r"^hk_[0-9a-f]{16}$")]
Event = Literal["lead.handover", "lead.handover.withdrawn", "lead.handover.escalated"]


class Wanted(BaseModel):
    """A subscription."""

    model_config = {"extra": "forbid"}

    url: str = Field(max_length=2000, description="https://..., a public address")
    events: list[Event] = Field(default=[], max_length=10, description="none: all")
    note: str = Field(default="", max_length=500, pattern=r"^[^\x00]*$")


def routes(pool: Pool) -> APIRouter:
    """Hooks and their messages."""
    router = APIRouter(tags=["hooks"], responses=problem.declared(401, 404, 422))

    @router.post("/v1/hooks", status_code=201)
    async def add(wanted: Wanted) -> dict[str, Any]:
        """Tells this address of handovers from now on. The secret that messages are signed with (Standard Webhooks) is shown this once."""
        if wrong := address.mistake(wanted.url):
            raise Problem(422, "invalid", "The hook is not made", "Correct `url`.", errors=[Mistake("/url", wrong)])
        hook_id, secret = f"hk_{secrets.token_hex(8)}", _secret()
        await hooks.add(
            pool, hook_id, url=wanted.url, events=wanted.events, note=wanted.note, secret=secret, now=_now()
        )
        return {"hook_id": hook_id, "url": wanted.url, "events": wanted.events, "secret": secret}

    @router.get("/v1/hooks")
    async def all_hooks() -> dict[str, Any]:
        """All hooks, with what waits for them and what failed. Never a secret."""
        return {"hooks": await hooks.listed(pool)}

    @router.delete("/v1/hooks/{hook_id}", status_code=204)
    async def remove(hook_id: HookId) -> None:
        """Tells it nothing more, and forgets its messages."""
        _found(await hooks.remove(pool, hook_id))

    @router.post("/v1/hooks/{hook_id}/rotate")
    async def rotate(hook_id: HookId) -> dict[str, Any]:
        """A new secret, shown this once. The one before signs beside it for a day, so that the subscriber can change over."""
        secret, ends_at = _secret(), _now() + timedelta(hours=OLD_SECRET_HOURS)
        _found(await hooks.rotate(pool, hook_id, secret=secret, old_ends_at=ends_at, now=_now()))
        return {"hook_id": hook_id, "secret": secret, "old_ends_at": ends_at}

    @router.post("/v1/hooks/{hook_id}/enable", status_code=204)
    async def enable(hook_id: HookId) -> None:
        """Tells it again, what waited first."""
        _found(await hooks.enable(pool, hook_id, now=_now()))

    @router.post("/v1/hooks/{hook_id}/disable", status_code=204)
    async def disable(hook_id: HookId) -> None:
        """Holds its messages back until it is enabled."""
        _found(await hooks.disable(pool, hook_id, now=_now()))

    @router.post("/v1/hooks/{hook_id}/test", status_code=202)
    async def test(hook_id: HookId) -> dict[str, str]:
        """Sends a message of type `hook.test`, signed like all."""
        event_id, now = str(uuid.uuid4()), _now()
        body = told.body(TEST, now, b"{}")
        _found(await webhooks.test(pool, hook_id, Told(event_id, TEST, f"test_{event_id}", "", now, body)))
        return {"hook_id": hook_id, "event_id": event_id}

    @router.get("/v1/hooks/{hook_id}/deliveries")
    async def deliveries(
        hook_id: HookId,
        state: Literal["waiting", "delivered", "failed"] | None = None,
        before: Annotated[int | None, Query(ge=1, lt=2**63, description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        """Its messages, the newest first, each with its tries. `due_at` is null while an earlier message of its lead waits."""
        rows = await hooks.deliveries(pool, hook_id, state=state, before=before, limit=limit)
        return {
            "deliveries": [{name: value for name, value in row.items() if name != "number"} for row in rows],
            "next": rows[-1]["number"] if len(rows) == limit else None,
        }

    @router.post("/v1/hooks/{hook_id}/deliveries/{event_id}/resend", status_code=202)
    async def resend(hook_id: HookId, event_id: uuid.UUID) -> dict[str, str]:
        """Sends a message again that was delivered or failed, under the same idempotency key."""
        _found(await hooks.resend(pool, hook_id, str(event_id), now=_now()))
        return {"hook_id": hook_id, "event_id": str(event_id)}

    return router


def _found(is_there: bool) -> None:
    if not is_there:
        raise HTTPException(
            404, "There is no such hook or message. GET /v1/hooks lists hooks, .../deliveries messages."
        )


def _secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _now() -> datetime:
    return datetime.now(UTC)
