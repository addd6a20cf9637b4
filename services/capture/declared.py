"""The hot routes for OpenAPI: what they take and every answer they give, as data. tests/unit/capture shows that it agrees with door/."""

from __future__ import annotations

from typing import Any

import msgspec

from services.capture.domain.segment import SdkBatch, SdkEvent
from services.capture.door import forms, sdk
from shared import problem

Schema = dict[str, Any]

_TITLES = {400: "The body can't be read", 401: "No write key, or an unknown one", 405: "Not a POST", 408: "The body came too slowly",
           413: "The body (512 KiB), the event (32 KiB) or the batch (500 events) is too large", 415: "Content type or encoding is not taken",
           422: "The event is not accepted; it is kept as a dead letter", 503: "Nothing can be kept now; Retry-After says when to come back"}  # fmt: skip
PROBLEMS: tuple[int, ...] = tuple(_TITLES)

_ACCEPTED: Schema = {
    "type": "object",
    "required": ["success", "accepted", "rejected"],
    "properties": {
        "success": {"const": True},
        "accepted": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "event_id"],
                "properties": {"index": {"type": "integer"}, "event_id": {"type": "string", "format": "uuid"}},
            },
        },
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "reason", "pointer"],
                "properties": {
                    "index": {"type": "integer"},
                    "reason": {"type": "string"},
                    "detail": {"type": "string"},
                    "pointer": {"type": "string"},
                },
            },
        },
    },
}
_PREFLIGHT: Schema = {
    "summary": "A browser's question whether its script may post here (CORS)",
    "tags": ["capture"],
    "responses": {"204": {"description": "Yes, where it names the origin again; else no"}},
}


def paths() -> tuple[Schema, Schema]:
    """(the paths, the component schemas) of the hot routes."""
    (event, batch), components = msgspec.json.schema_components(
        (SdkEvent, SdkBatch), ref_template="#/components/schemas/{name}"
    )
    found: Schema = {}
    for path, kind in {**sdk.CALLS, sdk.BATCH: "batch"}.items():
        one = path != sdk.BATCH
        summary = f"Segment's {kind} call" if one else "Many Segment calls, each judged on its own"
        content = {media: {"schema": event if one else batch} for media in ("application/json", "text/plain")}
        ok = {"200": {"description": "Durable", "content": {"application/json": {"schema": _ref("Judged")}}}}
        found[path] = {"post": _post(summary, f"v1_{kind}", content, ok), "options": _PREFLIGHT}
    fields: Schema = {"schema": {"type": "object", "additionalProperties": True}}
    form = _post(
        "A form post",
        "v1_forms",
        dict.fromkeys(("application/json", "application/x-www-form-urlencoded", "multipart/form-data"), fields),
        {
            "202": {
                "description": "Durable. A browser whose property has no thank-you URL gets a line of HTML",
                "content": {"application/json": {"schema": _ref("Judged")}, "text/html": {}},
            },
            "303": {"description": "Durable; to a browser: go on to the property's thank-you URL"},
        },
    )
    name: Schema = {"name": "form", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"}}  # fmt: skip
    key: Schema = {"name": "key", "in": "query", "schema": {"type": "string"}, "description": "The write key"}
    found[forms.FORMS + "{form}"] = {"post": form, "options": _PREFLIGHT, "parameters": [name, key]}
    return found, {**components, "Judged": _ACCEPTED, "Problem": problem.SCHEMA}


def security() -> Schema:
    """How a write key is sent."""
    return {
        "writeKeyBasic": {"type": "http", "scheme": "basic", "description": "The write key as user name, no password"},
        "writeKeyBearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "The write key; or `writeKey` in the body",
        },
    }


def complete(document: Schema) -> Schema:
    """FastAPI's OpenAPI document with the hot routes in it."""
    hot_paths, schemas = paths()
    document["paths"] = {**hot_paths, **document.get("paths", {})}
    components = document.setdefault("components", {})
    components["schemas"] = {**components.get("schemas", {}), **schemas}
    components["securitySchemes"] = {**components.get("securitySchemes", {}), **security()}
    return document


def _post(summary: str, operation: str, content: Schema, ok: Schema) -> Schema:
    problems = {
        str(status): {"description": title, "content": {problem.MEDIA_TYPE: {"schema": _ref("Problem")}}}
        for status, title in _TITLES.items()
        if status != 405
    }
    return {
        "summary": summary,
        "operationId": operation,
        "tags": ["capture"],
        "security": [{"writeKeyBasic": []}, {"writeKeyBearer": []}, {}],
        "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}],
        "requestBody": {"required": True, "content": content},
        "responses": {**ok, **problems},
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
