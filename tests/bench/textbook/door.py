"""The textbook's HTTP door: FastAPI, a pydantic model, one awaited send for each event."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from aiokafka import AIOKafkaProducer
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from services.capture.domain import form, segment
from services.capture.domain.captured import Scribe
from services.capture.domain.verdict import Arrival, Refused, Submission
from tests.bench.textbook import settings


class FormPost(BaseModel):
    """A lead from a form; what is not named here is kept as it came."""

    model_config = ConfigDict(extra="allow")

    messageId: str | None = None
    anonymousId: str | None = None
    email: str | None = None
    firstName: str | None = None
    lastName: str | None = None
    phone: str | None = None
    company: str | None = None
    employees: int | None = None
    country: str | None = Field(default=None, max_length=60)
    pageUrl: str | None = None
    pageTitle: str | None = None
    referrer: str | None = None
    message: str | None = None


class Event(BaseModel):
    """One event of a batch, as Segment's SDKs send it."""

    model_config = ConfigDict(extra="allow")

    type: str
    messageId: str | None = None
    event: str | None = None
    userId: str | None = None
    anonymousId: str | None = None
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}


class Batch(BaseModel):
    """Many events in one request."""

    batch: list[Event] = Field(max_length=500)


class Accepted(BaseModel):
    """The answer for what Kafka has."""

    event_ids: list[str]


class Sender:
    """The producer, from the start of the app to its end."""

    producer: AIOKafkaProducer


_sender = Sender()
_scribe = Scribe(secret=settings.SECRET, partitions=settings.PARTITIONS, new_id=lambda: str(uuid.uuid4()))


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    _sender.producer = AIOKafkaProducer(bootstrap_servers=settings.KAFKA, acks="all", enable_idempotence=True)
    await _sender.producer.start()
    yield
    await _sender.producer.stop()


def arrival(request: Request, authorization: Annotated[str, Header()] = "") -> Arrival:
    """Whose key it is, when, and from where."""
    if authorization != f"Bearer {settings.KEY}":
        raise HTTPException(status_code=401, detail="The write key is not known.")
    client = request.client
    return Arrival("textbook", datetime.now(UTC), client.host if client else None, request.headers.get("user-agent"))


app = FastAPI(title="Textbook", lifespan=_lifespan)


@app.post("/v1/forms/{name}", status_code=202)
async def post_form(name: str, post: FormPost, come: Annotated[Arrival, Depends(arrival)]) -> Accepted:
    """One lead."""
    found = form.submission(name, post.model_dump(exclude_none=True), come)
    return Accepted(event_ids=[await _send(found, come)])


@app.post("/v1/batch")
async def post_batch(batch: Batch, come: Annotated[Arrival, Depends(arrival)]) -> Accepted:
    """Many events; what names nobody is left out."""
    accepted = []
    for one in batch.batch:
        event = msgspec.convert(one.model_dump(exclude_none=True), segment.SdkEvent)
        try:
            accepted.append(await _send(segment.submission(event, one.type, come), come))
        except HTTPException:
            continue
    return Accepted(event_ids=accepted)


async def _send(found: Submission | Refused, come: Arrival) -> str:
    message = found if isinstance(found, Refused) else _scribe.captured(found, come)
    if isinstance(message, Refused):
        raise HTTPException(status_code=422, detail=message.detail)
    await _sender.producer.send_and_wait(
        settings.CAPTURED.name, message.value, key=message.key, partition=message.part, headers=message.headers
    )
    return message.event_id
