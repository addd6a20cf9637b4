"""Errors over HTTP as application/problem+json (RFC 9457): one shape for all services. Which errors there are, each service says itself."""

from __future__ import annotations

import http
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import uuid_utils
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from shared import logs

MEDIA_TYPE = "application/problem+json"

# What `application/problem+json` holds, for OpenAPI documents.
SCHEMA: dict[str, object] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:leadflow:problem:wrong-key"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened and what to do next. Never echoes what was sent."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
        "request_id": {"type": "string"},
    },
}


def declared(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The errors that a route may answer, for its OpenAPI: each as a problem."""
    content = {MEDIA_TYPE: {"schema": SCHEMA}}
    return {status: {"description": http.HTTPStatus(status).phrase, "content": content} for status in statuses}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong with a request: where (a JSON Pointer, RFC 6901) and what. Never holds what was sent."""

    pointer: str
    detail: str


@dataclass(eq=False)  # not frozen: Python itself writes on an exception that flies
class Problem(Exception):
    """An error that a caller sees. `slug` names its kind for ever, `title` is the same for each of a kind, `detail` says
    what happened here and what to do next; none of them echoes input or tells internals."""

    status: int
    slug: str
    title: str
    detail: str
    errors: Sequence[Mistake] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def encode(problem: Problem, *, request_id: str, more: Mapping[str, str] | None = None) -> bytes:
    """The body of the answer; `more` are members beside those that every problem has (RFC 9457, section 3.2)."""
    document: dict[str, object] = {
        "type": f"urn:leadflow:problem:{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        document["errors"] = [{"pointer": mistake.pointer, "detail": mistake.detail} for mistake in problem.errors]
    document["request_id"] = request_id
    if more:
        document |= more
    return msgspec.json.encode(document)


def new_request_id() -> str:
    """The name of one failed request, for the caller's report and our log."""
    return str(uuid_utils.uuid7())


def respond(problem: Problem) -> Response:
    """The whole answer, for FastAPI routes."""
    request_id = new_request_id()
    return Response(
        encode(problem, request_id=request_id),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={**problem.headers, "x-request-id": request_id},
    )


def install(app: FastAPI) -> None:
    """From here on every error that leaves `app` is a problem: ours, FastAPI's, the framework's 404 and 405, and the unexpected."""
    app.add_exception_handler(Problem, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return respond(error)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # pydantic's messages may quote the input: only its kind of mistake and the place are passed on.
    mistakes = [Mistake(_pointer(found["loc"]), str(found["type"]).replace("_", " ")) for found in error.errors()]
    broken = any(found["type"] == "json_invalid" for found in error.errors())
    if broken:
        return respond(Problem(400, "broken-json", "The body is not JSON", "Send one valid JSON document.", mistakes))
    return respond(
        Problem(422, "invalid", "The request is not valid", "Correct the places that `errors` names.", mistakes)
    )


async def _framework(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = http.HTTPStatus(error.status_code).phrase
    detail = error.detail if isinstance(error.detail, str) and error.detail else phrase
    if error.status_code == 404 and detail == phrase:
        detail = "There is nothing at this path. /docs lists what there is."
    if error.status_code == 405:
        detail = "This path does not take this method. /docs lists what it takes."
    return respond(
        Problem(error.status_code, phrase.lower().replace(" ", "-"), phrase, detail, headers=dict(error.headers or {}))
    )


async def _unexpected(request: Request, error: Exception) -> Response:
    request_id = new_request_id()
    route = request.scope.get("route")
    logs.get().error(
        "a request failed",
        request_id=request_id,
        route=getattr(route, "path", "?"),
        error=type(error).__name__,
    )
    problem = Problem(500, "internal", "Something failed on our side", "Try again; name request_id when you report it.")
    return Response(
        encode(problem, request_id=request_id), 500, media_type=MEDIA_TYPE, headers={"x-request-id": request_id}
    )


def _pointer(location: Sequence[object]) -> str:
    """FastAPI's location of a mistake as a JSON Pointer into the body; of a query or path parameter: its name."""
    parts = [str(part) for part in location if part != "body"]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
