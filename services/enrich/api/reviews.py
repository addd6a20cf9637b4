"""The review queue: what did not join by itself, and an operator's answers. What an answer does is decided where its command is read."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

from asyncpg import Record as Row
from fastapi import APIRouter, Query, Response

from services.enrich.api.answers import (
    LEADS,
    PAGE,
    Limit,
    as_json,
    identifier_shown,
    lead_shown,
    no_such_page,
    place,
    placed,
)
from services.enrich.api.commands import Accepted, Answer, give
from shared import cloudevent, problem
from shared.commands import Send
from shared.database import Pool
from shared.problem import Problem

# Questions, with the leads that the two are of now.
_ASKED = """
SELECT r.review_id, r.rule, r.at, r.event_id, r.phone, r.strong, p.lead_id AS phone_lead, s.lead_id AS strong_lead
  FROM review AS r LEFT JOIN identifier AS p ON p.name = r.phone LEFT JOIN identifier AS s ON s.name = r.strong
"""

# What is asked, the longest waiting first, after the last one of the page before.
OPEN = f"""{_ASKED}
 WHERE (r.at, r.review_id) > ($1, $2::uuid) ORDER BY r.at, r.review_id LIMIT $3
"""

# What is asked about these identifiers.
ABOUT = f"""{_ASKED}
 WHERE r.phone = ANY ($1::text[]) OR r.strong = ANY ($1::text[]) ORDER BY r.at, r.review_id LIMIT 100
"""

_FIRST = datetime(1, 1, 1, tzinfo=UTC), str(uuid.UUID(int=0))


def routes(pool: Pool, send: Send) -> APIRouter:
    """`/v1/reviews`."""
    router = APIRouter(prefix="/v1/reviews", tags=["reviews"], responses=problem.declared(401, 422))

    @router.get("")
    async def open_(
        limit: Limit = PAGE,
        after: Annotated[str | None, Query(max_length=80, description="`next` of the page before.")] = None,
    ) -> Response:
        """Questions that wait for an operator, the longest waiting first: are these two one person? `rule` says why they did not join by
        themselves: `names` disagree, or `limit`, too many joined already. With the leads that the two are of."""
        at, id_ = placed(after, first=_FIRST)
        if not cloudevent.is_uuid(id_):
            raise no_such_page()
        total = await pool.fetchval("SELECT count(*) FROM review")  # how many wait in all
        rows = await pool.fetch(OPEN, at, id_, limit)
        last = rows[-1] if len(rows) == limit else None
        reviews = await shown(pool, rows)
        return as_json(
            {"total": total, "reviews": reviews, "next": place(last["at"], str(last["review_id"])) if last else None}
        )

    async def answered(review_id: uuid.UUID, asked: Answer | None, response: Response, *, accept: bool) -> Accepted:
        # Whether it is asked still, and a lead that it is about.
        about = await pool.fetchrow(
            "SELECT i.lead_id FROM review AS r LEFT JOIN identifier AS i ON i.name = r.strong WHERE r.review_id = $1",
            review_id,
        )
        if about is None:
            raise Problem(
                404, "unknown-review", "There is no such question", "GET /v1/reviews lists those that are open."
            )
        payload = {"id": str(review_id), "accept": accept}
        return await give(
            pool,
            send,
            response,
            kind="review",
            about=about["lead_id"] or str(review_id),
            asked=asked or Answer(),
            payload=payload,
        )

    @router.post("/{review_id}/accept", status_code=202, responses=problem.declared(400, 404, 503))
    async def accept(review_id: uuid.UUID, response: Response, asked: Answer | None = None) -> Accepted:
        """Yes, they are one person."""
        return await answered(review_id, asked, response, accept=True)

    @router.post("/{review_id}/reject", status_code=202, responses=problem.declared(400, 404, 503))
    async def reject(review_id: uuid.UUID, response: Response, asked: Answer | None = None) -> Accepted:
        """No, and they never are: nothing joins them by itself from now on."""
        return await answered(review_id, asked, response, accept=False)

    return router


async def about(pool: Pool, names: list[str]) -> list[dict[str, Any]]:
    """What is asked about these identifiers."""
    return await shown(pool, await pool.fetch(ABOUT, names))


async def shown(pool: Pool, rows: list[Row]) -> list[dict[str, Any]]:
    """Questions as they are shown, each with its two identifiers and their leads."""
    wanted = {row[side] for row in rows for side in ("phone_lead", "strong_lead") if row[side] is not None}
    # The leads that they are about.
    leads = {row["lead_id"]: lead_shown(row) for row in await pool.fetch(LEADS, sorted(wanted))}
    return [
        {
            "id": str(row["review_id"]),
            "rule": row["rule"],
            "at": row["at"],
            "event_id": str(row["event_id"]),
            "sides": [
                {"identifier": identifier_shown(row[side]), "lead": leads.get(row[f"{side}_lead"])}
                for side in ("phone", "strong")
            ],
        }
        for row in rows
    ]
