"""Nurture over HTTP, behind the operator's token: a lead's steps, who is suppressed, and audiences for ad platforms. Documents are shared/documents'."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, HTTPException, Query, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel, Field

from services.route.domain.nurture import suppressing
from services.route.store import audiences
from shared import clock, commands
from shared.commands import Send
from shared.database import Pool

LeadId = Annotated[str, PathParameter(max_length=200, pattern=r"^[^\x00]+$")]
Name = Annotated[str, PathParameter(max_length=64, pattern=r"^[a-z0-9][a-z0-9_-]*$")]

_CURSOR = re.compile(r"([0-9]{1,19})~([^\x00]{0,200})")
_COLUMNS = ("change", "email_sha256", "phone_sha256", "phone_digits_sha256", "lead_id", "at")
_DAY = timedelta(days=1)


class Suppress(BaseModel):
    """What is not sent any more, and why."""

    model_config = {"extra": "forbid"}

    channel: str = Field(
        default="",
        max_length=70,
        pattern=r"^((track:)?[a-z0-9][a-z0-9_-]*)?$",
        description="none: all of them; `track:` and its id: what one track sends",
    )
    why: str = Field(default=suppressing.OPERATOR, max_length=64, pattern=r"^[a-z0-9][a-z0-9_-]*$")
    by: str | None = Field(default=None, max_length=200, pattern=r"^[^\x00]*$")


def routes(pool: Pool, send: Send) -> APIRouter:
    """Nurture's routes."""
    router = APIRouter(tags=["nurture"])

    @router.get("/v1/leads/{lead_id}/nurture")
    async def nurture_of(lead_id: LeadId, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> dict[str, Any]:
        """Where a lead is in tracks, what it got and what was skipped and why (the newest last), and what is suppressed for it."""
        return _shown(await audiences.lead(pool, lead_id, limit=limit))

    @router.post("/v1/leads/{lead_id}/suppress", status_code=202)
    async def suppress(lead_id: LeadId, asked: Suppress) -> dict[str, str]:
        """Sends nothing more to a lead by nurture, from the moment at which the command is read. What a form asks for is still sent to who
        merely unsubscribed (`why: unsubscribed`)."""
        return await _give(lead_id, suppressing.SUPPRESS, asked)

    @router.post("/v1/leads/{lead_id}/unsuppress", status_code=202)
    async def unsuppress(lead_id: LeadId, asked: Suppress) -> dict[str, str]:
        """Lifts what was suppressed by this channel (or all, where none is named). What was skipped stays so."""
        return await _give(lead_id, suppressing.LIFT, asked)

    @router.get("/v1/audiences")
    async def all_audiences() -> dict[str, Any]:
        """The audiences: segments of the ruleset, and what tracks add to. Who is in them consents to the `ads` channel's purpose."""
        return {"audiences": [_shown(row) for row in await audiences.audiences(pool)]}

    @router.get("/v1/audiences/{audience}", response_class=Response)
    async def audience(
        audience: Name,
        since: Annotated[str, Query(max_length=230, description="the header `Next-Since` of the export before")] = "",
        format: Literal["jsonl", "csv"] = "jsonl",
        limit: Annotated[int, Query(ge=1, le=100_000)] = 10_000,
    ) -> Response:
        """Who came in and who left since a cursor, oldest first, hashed as ad platforms take it: `email_sha256` of the trimmed address in small
        letters, `phone_sha256` of E.164 with its + (Google), `phone_digits_sha256` of its digits (Meta). Without `since`: who is in it.
        `Next-Since` is where to go on; an export that is shorter than `limit` was the last for now. 410: the store was built anew, begin again."""
        after, begun = await _place(since), await audiences.now(pool)
        rows = await audiences.changes(pool, audience, after=after, limit=limit)
        told = [one for row in rows if (one := _change(row)) is not None]
        next_ = f"{rows[-1]['saved_in']}~{rows[-1]['lead_id']}" if rows else since or f"{begun}~"
        body = _csv(told) if format == "csv" else b"".join(msgspec.json.encode(one) + b"\n" for one in told)
        kind = "text/csv; charset=utf-8" if format == "csv" else "application/jsonl"
        return Response(body, media_type=kind, headers={"Next-Since": next_, "Cache-Control": "no-store"})

    async def _give(lead_id: str, kind: str, asked: Suppress) -> dict[str, str]:
        command_id = await commands.give_about_lead(
            pool,
            send,
            kind=kind,
            lead_id=lead_id,
            by=asked.by,
            payload={"channel": asked.channel, "why": asked.why},
            source="route-api",
            if_lost=". Give it again: it does no harm twice.",
        )
        return {"command_id": command_id}

    async def _place(since: str) -> tuple[int, str] | None:
        if not since:
            return None
        found = _CURSOR.fullmatch(since)
        if found is None:
            raise HTTPException(422, "`since` is the header Next-Since of an earlier export, as it is.")
        if not await audiences.is_of_here(pool, int(found[1])):
            raise HTTPException(
                410, "This cursor is of another store. Export without `since`, and replace the list by that."
            )
        return int(found[1]), found[2]

    return router


async def status(pool: Pool) -> Mapping[str, Any]:
    """What there is to tell of nurture beside its documents: how many leads are where, and what the steps of a day came to."""
    return _shown(await audiences.status(pool, since=clock.now() - _DAY))


def _change(row: Mapping[str, Any]) -> dict[str, str] | None:
    """One line of an export; None where nothing of who left is to be taken away."""
    if not row["email"] and not row["phone"]:
        return None
    digits = row["digits"] if row["phone"] else ""
    values = (
        "add" if row["is_member"] else "remove",
        row["email"],
        row["phone"],
        digits,
        row["lead_id"],
        clock.text(row["at"]),
    )
    return {name: value for name, value in zip(_COLUMNS, values, strict=True) if value}


def _csv(rows: Iterable[Mapping[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, _COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON has it: what is not known is absent."""
    return {name: _plain(one) for name, one in row.items() if one is not None}


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return _shown(value)
        case list():
            return [_plain(one) for one in value]
        case datetime():
            return clock.text(value)
        case uuid.UUID():
            return str(value)
        case _:
            return value
