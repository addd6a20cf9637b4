"""Documents over HTTP, the same for every kind: lint, list, show, difference, draft, publish, roll back, where which is in force.

Nothing here changes what is in force: that is decided where the record is read.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field, StringConstraints

from shared import clock, commands, problem
from shared.commands import Send
from shared.contracts import Document
from shared.database import Pool
from shared.documents import reading, record
from shared.documents.difference import differences
from shared.documents.inforce import MOST_BYTES, Documents, version_of
from shared.problem import Mistake, Problem
from shared.topology import COMMANDS

Text = Annotated[str, StringConstraints(max_length=MOST_BYTES, pattern=r"^[^\x00]*$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12}$")]
VersionPath = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]
Options = Mapping[str, Any]


class Linted(BaseModel):
    """A document's text."""

    model_config = {"extra": "forbid"}
    text: Text


class Drafted(Linted):
    """A text to keep, who wrote it and why."""

    by: Words | None = None
    note: Words | None = None


class Published(BaseModel):
    """What to put in force: a text, or a version that is kept."""

    model_config = {"extra": "forbid"}
    text: Text | None = None
    version: Version | None = None
    by: Words | None = None
    note: Words | None = None
    instead_of: Version | None = Field(
        default=None, description="refused with 409 when another version is in force by now"
    )
    options: dict[str, str | int | float | bool] = Field(default={}, max_length=20)


class RolledBack(BaseModel):
    """The earlier version to put in force again; without one that before the present."""

    model_config = {"extra": "forbid"}
    version: Version | None = None
    by: Words | None = None
    note: Words | None = None
    options: dict[str, str | int | float | bool] = Field(default={}, max_length=20)


class Accepted(BaseModel):
    """A command that is on its way: `GET /v1/commands/{command_id}` says when every number has it."""

    command_id: uuid.UUID
    version: str


def routes(
    documents: Documents[Any],
    *,
    pool: Pool,
    send: Send,
    partitions: int,
    path: str,
    source: str,
    check: Callable[[Options], list[Mistake]] | None = None,
    status: Callable[[], Awaitable[Mapping[str, Any]]] | None = None,
    lints: bool = True,
) -> APIRouter:
    """The routes of one kind under `path`. `check` says what is wrong with a publication's options; `status` what more there is to tell of what
    a publication has set going. `source` names the service's API. `lints`: False where the service has a route of its own for that."""
    router = APIRouter(prefix=path, tags=["documents"], responses=problem.declared(400, 401, 404, 409, 422, 503))
    kind = documents.kind

    async def lint(asked: Linted) -> dict[str, Any]:
        """Whether a text can be used, and every mistake in it."""
        mistakes = await asyncio.to_thread(documents.mistakes, asked.text)
        return {"version": version_of(asked.text), "usable": not mistakes, "mistakes": list(mistakes)}

    if lints:
        router.post("/lint")(lint)

    @router.get("")
    async def list_() -> dict[str, Any]:
        """Every version that is kept, the latest first: drafts, what was published and when, what is in force."""
        return {"versions": await reading.versions(pool, kind=kind, first=documents.first)}

    @router.get("/status")
    async def in_force() -> dict[str, Any]:
        """Which version is in force in which numbers, since when, and which was `before`."""
        more = await status() if status is not None else {}
        return {"in_force": await _in_force(), "before": await _before(), **more}

    @router.get("/{version}")
    async def show(version: VersionPath) -> dict[str, Any]:
        """One version: its text, who gave it and why, and when it came into force."""
        return await _found(version)

    @router.get("/{version}/diff")
    async def diff(version: VersionPath, to: Annotated[str, Query(pattern=r"^[0-9a-f]{12}$")]) -> dict[str, Any]:
        """What version `to` says another way than this one, in words."""
        before, after = await _found(version), await _found(to)
        return {"before": version, "after": to, "differences": differences(before["text"], after["text"])}

    @router.post("", status_code=202)
    async def draft(asked: Drafted) -> Accepted:
        """Keeps a text. It comes not into force."""
        return await _give(asked.text, published=False, by=asked.by, note=asked.note, options={})

    @router.post("/publish", status_code=202)
    async def publish(asked: Published) -> Accepted:
        """Puts a text, or a version that is kept, in force in every number."""
        if (asked.text is None) == (asked.version is None):
            raise Problem(422, "invalid", "The request is not valid", "Name a text or a version, one of them.")
        _raise((check or _no_options)(asked.options))
        text = asked.text if asked.text is not None else (await _found(str(asked.version)))["text"]
        async with _alone(asked.instead_of):
            return await _give(text, published=True, by=asked.by, note=asked.note, options=asked.options)

    @router.post("/rollback", status_code=202)
    async def rollback(asked: RolledBack) -> Accepted:
        """Puts an earlier version in force again: that before the present one, or any that is kept."""
        _raise((check or _no_options)(asked.options))
        async with _alone(None):
            version = asked.version or await _before()
            if version is None:
                raise Problem(409, "nothing-before", "Nothing was in force before", f"GET {path} lists all versions.")
            text = (await _found(version))["text"]
            return await _give(text, published=True, by=asked.by, note=asked.note, options=asked.options)

    async def _give(text: str, *, published: bool, by: str | None, note: str | None, options: Options) -> Accepted:
        # In a thread: the largest text takes a second to read, and leads don't wait for it.
        mistakes = await asyncio.to_thread(documents.mistakes, text)
        _raise([Mistake("/text", said) for said in mistakes], "The document has mistakes")
        name = await asyncio.to_thread(documents.name, text)
        command_id, now, version = str(uuid.uuid4()), clock.now(), version_of(text)
        told = Document(
            kind=kind,
            version=version,
            id=name,
            text=text,
            published=published,
            numbers=partitions,
            note=note,
            options=dict(options),
        )
        await commands.give(
            pool,
            send,
            COMMANDS.name,
            command_id=command_id,
            key=record.KEY.decode(),
            value=record.made(told, command_id=command_id, author=by, at=now),
            type_="lead.command",
            source=source,
            at=now,
            lost=commands.not_durable(
                "The document could not be kept",
                f"; some numbers may have it. GET {path}/status tells; to give it again does no harm.",
            ),
        )
        return Accepted(command_id=uuid.UUID(command_id), version=version)

    @asynccontextmanager
    async def _alone(instead_of: str | None) -> AsyncIterator[None]:
        """One publication at a time, so that the last one is the same in every number."""
        async with pool.acquire() as connection:
            # Held by the session: the record is on its way for seconds, longer than a transaction may idle.
            if not await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 1))", kind):
                raise _busy("Somebody else publishes in this moment")
            try:
                if await reading.is_under_way(pool, kind=kind):
                    raise _busy("A publication is on its way and not in every number yet")
                now_there = {one["version"] for one in await _in_force()}
                if instead_of is not None and now_there != {instead_of}:
                    raise _busy(f"In force is {', '.join(sorted(now_there))} by now")
                yield
            finally:
                await connection.execute("SELECT pg_advisory_unlock(hashtextextended($1, 1))", kind)

    def _busy(what: str) -> Problem:
        return Problem(409, "published-meanwhile", what, f"Look at GET {path}/status, then publish again.")

    async def _in_force() -> list[dict[str, Any]]:
        return await reading.in_force(pool, kind=kind, partitions=partitions, first=version_of(documents.first))

    async def _before() -> str | None:
        return await reading.previous(pool, kind=kind, first=version_of(documents.first))

    async def _found(version: str) -> dict[str, Any]:
        found = await reading.version(pool, kind=kind, version=version)
        if found is None and version == version_of(documents.first):
            found = {"version": version, "id": documents.name(documents.first), "text": documents.first, "file": True}
        if found is None:
            raise Problem(404, "no-such-version", "There is no such version", f"GET {path} lists those that are kept.")
        return found

    return router


def _no_options(options: Options) -> list[Mistake]:
    return [Mistake("/options", "this kind of document takes none")] if options else []


def _raise(mistakes: list[Mistake], title: str = "The request is not valid") -> None:
    if mistakes:
        raise Problem(422, "invalid", title, "Correct the places that `errors` names.", mistakes)
