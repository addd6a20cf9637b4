"""Score over HTTP: what a lead's score is and why, now or as of a moment, under the ruleset in force or another one. Reads the store; what is
asked of it here is a command; it stands behind the operator's token.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from services.score.domain.account import account
from services.score.domain.answer import answer
from services.score.domain.inforce import InForce
from services.score.domain.known import Known
from services.score.domain.publications import Rulesets
from services.score.domain.ruleset import Ruleset
from services.score.store import history
from shared import clock, commands
from shared.commands import Send
from shared.database import Pool
from shared.documents import reading
from shared.documents import store as documents
from shared.documents.inforce import Unusable, version_of
from shared.problem import Mistake, Problem, declared

_AHEAD = timedelta(hours=1)  # the broker's clock may be ahead of ours: what it has told already is known now
_MOST_MERGES = 100


class Disqualified(BaseModel):
    """Why a lead is none, and who says so."""

    model_config = {"extra": "forbid"}

    reason: str | None = Field(default=None, max_length=500, pattern=r"^[^\x00]*$")
    by: str | None = Field(default=None, max_length=200, pattern=r"^[^\x00]*$")


def routes(pool: Pool, send: Send, rulesets: Rulesets) -> APIRouter:
    """`GET /v1/leads/{id}/score`, and the command that disqualifies a lead."""
    router = APIRouter(tags=["score"])
    # A thread of its own, so that a long history holds up no lead; and rulesets of its own, since what one remembers is not for two threads.
    thread = ThreadPoolExecutor(1, "account")
    apart: dict[str, InForce] = {}

    def explained(known: Known, ruleset: Ruleset, is_other: bool) -> bytes:
        in_force = apart.get(ruleset.fingerprint)
        if in_force is None:
            in_force = apart[ruleset.fingerprint] = InForce(ruleset)
        told = account(known, in_force, is_other=is_other)
        return msgspec.json.encode(answer(known, ruleset, told))

    @router.get("/v1/leads/{lead_id}/score", responses=declared(404, 422))
    async def score(
        lead_id: str,
        as_of: Annotated[
            str | None,
            Query(description="A moment (RFC 3339): what was known then, under the rules of then. Absent: now."),
        ] = None,
        ruleset: Annotated[
            str | None,
            Query(description="A version of a ruleset, as /v1/rulesets lists them: what it makes of what was known."),
        ] = None,
    ) -> Response:
        """Points with all contributions, all activities that count and those that don't with why, grade, stage and why, and what the clock will
        change next. What is said adds up: the total can be recomputed from it. An absorbed lead is answered with the one that it went into.

        Under another `ruleset` the stage is the one in which the lead would be if it were published at that moment."""
        now = clock.now()
        at, other = _read(as_of, now), await _other(pool, rulesets, ruleset)
        mistakes = [one for one in (at, other) if isinstance(one, Mistake)]
        if isinstance(at, Mistake) or isinstance(other, Mistake):
            raise Problem(422, "invalid", "The request is not valid", "Correct what `errors` names.", mistakes)
        known = None if "\x00" in lead_id else await _surviving(pool, lead_id, at or now + _AHEAD)
        if known is None or known.profiled.profile_version < 0:
            raise _missing(
                "knew no lead of this id at that moment. Leave as_of out to ask about now." if at else _UNKNOWN
            )
        if at is None:
            known = msgspec.structs.replace(known, at=now)
        await documents.refresh(pool, rulesets, parts=[known.part])
        then = rulesets.at(known.part, known.at).document.ruleset
        chosen = then if other is None else other.ruleset
        loop = asyncio.get_running_loop()
        body = await loop.run_in_executor(thread, explained, known, chosen, chosen.fingerprint != then.fingerprint)
        return Response(body, media_type="application/json")

    @router.post("/v1/leads/{lead_id}/disqualify", status_code=202)
    async def disqualify(
        lead_id: Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")], given: Disqualified
    ) -> dict[str, str]:
        """The lead's stage is disqualified from now on, whatever it does; its open handover is taken back. A customer stays one."""
        known = await history.known(pool, lead_id, at=clock.now())
        if known is None:
            raise _missing()
        command_id = await commands.give_about_lead(
            pool,
            send,
            kind="disqualify",
            lead_id=known.decided.absorbed_into or lead_id,
            by=given.by,
            payload={"reason": given.reason} if given.reason else {},
            source="score-api",
            if_lost="; it may still be carried out. Send it again.",
        )
        return {"command_id": command_id}

    return router


_UNKNOWN = "knows no lead of this id. Enrich's GET /v1/leads?email=... finds ids."


def _missing(why: str = _UNKNOWN) -> Problem:
    return Problem(404, "no-such-lead", "No such lead", f"Score {why}")


def _read(as_of: str | None, now: datetime) -> datetime | Mistake | None:
    if as_of is None:
        return None
    text = clock.moment(as_of.replace(" ", "+") if as_of.count(" ") == 1 and "T" in as_of else as_of)
    if text is None:
        return Mistake("/as_of", "is no moment since 1970 as RFC 3339 has it, for example 2026-11-27T09:00:00Z")
    at = datetime.fromisoformat(text)
    if at > now:
        return Mistake("/as_of", "lies ahead: what will be known then, nobody knows; leave it out to ask about now")
    return at


async def _other(pool: Pool, rulesets: Rulesets, version: str | None) -> InForce | Mistake | None:
    if version is None:
        return None
    found = None
    if "\x00" not in version:
        found = await reading.version(pool, kind=rulesets.kind, version=version)
    if found is None and version != version_of(rulesets.first):
        return Mistake("/ruleset", "is no version that is kept here; GET /v1/rulesets lists them")
    try:
        return rulesets.document(rulesets.first if found is None else found["text"])
    except Unusable:
        return Mistake("/ruleset", "is a version that this release can't use any more")


async def _surviving(pool: Pool, lead_id: str, at: datetime) -> Known | None:
    """What was known at a moment of a lead, or of the one that it had gone into by then."""
    for _ in range(_MOST_MERGES):
        known = await history.known(pool, lead_id, at=at)
        if known is None or known.decided.absorbed_into is None:
            return known
        lead_id = known.decided.absorbed_into
    return None
