"""What operators ask of enrich: merge, split, say how human, answer a question. Each is a record on leads.commands.v1; what it does is
decided where it is read, and `GET /v1/commands/{id}` says what came of it."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from services.enrich.api.answers import LeadId, unknown_lead
from services.enrich.domain import email, identity, phone
from shared import commands, problem
from shared.commands import Send
from shared.database import Pool
from shared.problem import Problem

_MOST = 100  # leads, identifiers or events of one command
_Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
_Lead = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]+$")]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]

# A lead, or an activity of it.
KNOWN = "SELECT EXISTS (SELECT FROM lead WHERE lead_id = $1)"
THEIRS = """
SELECT EXISTS (SELECT FROM lead AS l JOIN activity AS a ON a.lead_id = coalesce(l.absorbed_into, l.lead_id)
                WHERE l.lead_id = $1 AND a.event_id = $2)
"""


def _no(what: str) -> PydanticCustomError:
    # The kind of a mistake is all of it that an answer tells.
    return PydanticCustomError(what.replace(" ", "_"), "{what}", {"what": what})


def _no_activity() -> Problem:
    detail = "GET /v1/leads/{id} lists the activities of a lead."
    return Problem(404, "unknown-activity", "This lead has no such activity", detail)


def _address(text: str) -> str:
    if email.read(text) is None:
        raise _no("no e-mail address that could be sent to")
    return text


def _number(text: str) -> str:
    dialled = phone.read(text)
    if dialled is None or phone.identifier(dialled) is None:
        raise _no("no phone number with its country: +44 20 7946 0018")
    return text


def _id(text: str) -> str:
    if identity.legal(text) is None:
        raise _no("no id that could tell one person from another")
    return text


class Answer(BaseModel):
    """What every command may say: why, and who asks."""

    model_config = {"extra": "forbid"}

    reason: _Text | None = Field(default=None, description="why, for those who look later")
    by: _Text | None = Field(default=None, description="who asks")


class EmailGiven(BaseModel):
    """An e-mail address, in any spelling."""

    model_config = {"extra": "forbid"}
    kind: Literal["email"]
    value: Annotated[_Name, AfterValidator(_address)]


class PhoneGiven(BaseModel):
    """A phone number with its country code; where several are known by it alone, the one who is called so."""

    model_config = {"extra": "forbid"}
    kind: Literal["phone"]
    value: Annotated[_Name, AfterValidator(_number)]
    given: _Name | None = None
    family: _Name | None = None


class UserGiven(BaseModel):
    """A user id of a property."""

    model_config = {"extra": "forbid"}
    kind: Literal["user_id"]
    property: _Name
    value: Annotated[_Name, AfterValidator(_id)]


class ExternalGiven(BaseModel):
    """A vendor's or CRM's id; `property` where the system numbers each account anew."""

    model_config = {"extra": "forbid"}
    kind: Literal["external_id"]
    system: _Name
    property: _Name | None = None
    value: Annotated[_Name, AfterValidator(_id)]


Given = Annotated[EmailGiven | PhoneGiven | UserGiven | ExternalGiven, Field(discriminator="kind")]


class Merge(Answer):
    """Which leads are one person with this one."""

    lead_ids: list[_Lead] = Field(min_length=1, max_length=_MOST - 1)  # with this one
    survivor: _Lead | None = Field(default=None, description="the lead that remains; else the one made first")


class Split(Answer):
    """What is not this person's: identifiers leave with all that hangs on them alone, events to a lead of their own."""

    identifiers: list[Given] = Field(default=[], max_length=_MOST)
    event_ids: list[uuid.UUID] = Field(default=[], max_length=_MOST)

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.identifiers and not self.event_ids:
            raise _no("nothing leaves: name identifiers or events")
        return self


class Human(Answer):
    """How human an activity is, whatever it seemed: 0 a machine's, 1 a person's."""

    human: float = Field(ge=0, le=1, allow_inf_nan=False)


class Accepted(BaseModel):
    """A command that is on its way: `GET /v1/commands/{command_id}` says what came of it."""

    command_id: uuid.UUID


def routes(pool: Pool, send: Send) -> APIRouter:
    """The routes that change leads. `send(topic, key, value, headers)` returns when the broker has the record, else raises TimeoutError."""
    router = APIRouter(prefix="/v1/leads", tags=["commands"], responses=problem.declared(400, 401, 404, 422, 503))

    @router.post("/{lead_id}/merge", status_code=202)
    async def merge(lead_id: LeadId, asked: Merge, response: Response) -> Accepted:
        """These leads are one person. All ids go on to lead to the one that remains, and a split undoes it."""
        for one in (lead_id, *asked.lead_ids, *([asked.survivor] if asked.survivor else [])):
            if not await pool.fetchval(KNOWN, one):
                raise unknown_lead()
        payload = {"lead_ids": [lead_id, *asked.lead_ids], "survivor": asked.survivor}
        return await give(pool, send, response, kind="merge", about=lead_id, asked=asked, payload=payload)

    @router.post("/{lead_id}/split", status_code=202)
    async def split(lead_id: LeadId, asked: Split, response: Response) -> Accepted:
        """What is named leaves this lead and never joins it again by itself. A lead that was merged and leaves has its old id again."""
        if not await pool.fetchval(KNOWN, lead_id):
            raise unknown_lead()
        payload = {
            "lead_id": lead_id,
            "identifiers": [one.model_dump(exclude_none=True) for one in asked.identifiers],
            "event_ids": [str(one) for one in asked.event_ids],
        }
        return await give(pool, send, response, kind="split", about=lead_id, asked=asked, payload=payload)

    @router.post("/{lead_id}/activities/{event_id}/human", status_code=202)
    async def human(lead_id: LeadId, event_id: uuid.UUID, asked: Human, response: Response) -> Accepted:
        """How human this activity is from now on: the lead is scored again with it."""
        if not await pool.fetchval(THEIRS, lead_id, event_id):
            raise unknown_lead() if not await pool.fetchval(KNOWN, lead_id) else _no_activity()
        payload = {"event_id": str(event_id), "human": asked.human}
        return await give(pool, send, response, kind="human", about=lead_id, asked=asked, payload=payload)

    return router


async def give(
    pool: Pool, send: Send, response: Response, *, kind: str, about: str, asked: Answer, payload: dict[str, Any]
) -> Accepted:
    """Puts a command on its topic, keyed by what it is about. Raises a Problem (503) when Kafka does not take it in time."""
    if asked.reason is not None:
        payload["reason"] = asked.reason
    command_id = await commands.give_about_lead(
        pool,
        send,
        kind=kind,
        lead_id=about,
        by=asked.by,
        payload={name: value for name, value in payload.items() if value is not None},
        source="enrich-api",
        if_lost="; it may still be carried out. Look at the lead before you send it again.",
    )
    response.headers["Location"] = f"/v1/commands/{command_id}"
    return Accepted(command_id=uuid.UUID(command_id))
