"""The hot routes for OpenAPI: what they take and every answer they give, as data. tests/unit/capture shows that it agrees with door/."""

from __future__ import annotations

from typing import Any

import msgspec

from services.capture.domain.segment import SdkBatch, SdkEvent
from services.capture.door import assets, forms, hooks, mail, pixel, sdk, sources
from shared import problem

Schema = dict[str, Any]

_TITLES = {400: "The body can't be read", 401: "No write key, or an unknown one",
           403: "The property is paused or deleted, or the page's origin is not one that a browser key is for", 404: "Nothing is here", 405: "Not a POST", 408: "The body came too slowly",
           413: "The body (512 KiB), the event (32 KiB) or the batch (500 events) is too large", 415: "Content type or encoding is not taken",
           422: "The event is not accepted; it is kept as a dead letter", 429: "Too often: the write key, the address, what can not be accepted, or the quota of the day; Retry-After says when to come back", 431: "The headers (64 KiB) are too large", 503: "Nothing can be kept now; Retry-After says when to come back"}  # fmt: skip
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
    for path, kind in {**sdk.CALLS, **dict.fromkeys(sdk.BATCHES, "batch")}.items():
        one = path in sdk.CALLS
        summary = f"Segment's {kind} call" if one else "Many Segment calls, each judged on its own"
        content = {media: {"schema": event if one else batch} for media in ("application/json", "text/plain")}
        ok = {"200": {"description": "Durable", "content": {"application/json": {"schema": _ref("Judged")}}}}
        found[path] = {"post": _post(summary, path.strip("/").replace("/", "_"), content, ok), "options": _PREFLIGHT}
    fields: Schema = {"schema": {"type": "object", "additionalProperties": True}}
    form = _post(
        "A form post",
        "v1_forms",
        dict.fromkeys(("application/json", "application/x-www-form-urlencoded", "multipart/form-data"), fields),
        {
            "202": {
                "description": "Durable. A browser whose property has no thank-you URL gets a page of thanks",
                "content": {"application/json": {"schema": _ref("Judged")}, "text/html": {}},
            },
            "303": {"description": "Durable; to a browser: go on to the property's thank-you URL"},
        },
    )
    for status in PROBLEMS:
        if str(status) in form["responses"]:  # to a browser that posted the form by itself
            form["responses"][str(status)]["content"]["text/html"] = {}
    name: Schema = {"name": "form", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"}}  # fmt: skip
    key: Schema = {"name": "key", "in": "query", "schema": {"type": "string"}, "description": "The write key"}
    found[forms.FORMS + "{form}"] = {"post": form, "options": _PREFLIGHT, "parameters": [name, key]}
    found |= _gets() | _hooks() | _mail()
    return found, {**components, "Judged": _ACCEPTED, "Problem": problem.SCHEMA}


def _gets() -> Schema:
    """What is asked for with GET: what SDKs and pages need before they send, and the pixel."""
    document: Schema = {
        "200": {"description": "Yours", "content": {"application/json": {"schema": {"type": "object"}}}}
    }
    key: Schema = {"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}
    in_query: Schema = {"name": "writeKey", "in": "query", "schema": {"type": "string"}}
    script: Schema = {
        "200": {"description": "The tracker", "content": {"text/javascript": {}}},
        "304": {"description": "The browser has it already"},
    }
    image: Schema = {
        "200": {"description": "One transparent point; the event is durable", "content": {"image/gif": {}}}
    }
    seen = [
        {"name": name, "in": "query", "schema": {"type": "string"}, "description": text}
        for name, text in (
            ("key", "The write key"),
            ("event", "What happened; `pixel` when absent"),
            ("message_id", "Makes a repeat count once"),
            ("user_id", "Who; without it and `anonymous_id` a visitor of this one moment"),
            ("anonymous_id", "Who, where no more is known"),
            ("page", "The page; else the Referer header"),
        )
    ]
    settings = _get(
        "Segment's settings: what analytics.js asks at its cdnURL", "segment_settings", document, 401, 404, 429
    )
    return {
        sources.SEGMENT + "{key}/settings": {"get": settings, "parameters": [key], "options": _PREFLIGHT},
        **{
            path: {
                "get": _get("RudderStack's source configuration", f"rudderstack_source{index}", document, 401, 429),
                "parameters": [in_query],
                "options": _PREFLIGHT,
            }
            for index, path in enumerate(sources.RUDDERSTACK)
        },
        assets.TRACKER: {"get": _get("The tracker", "leads_js", script), "options": _PREFLIGHT},
        pixel.PIXEL: {
            "get": _get(
                "The pixel; all other names in the address are as in a form",
                "pixel",
                image,
                400,
                401,
                403,
                422,
                429,
                503,
            ),
            "parameters": seen,
            "options": _PREFLIGHT,
        },
    }


def _hooks() -> Schema:
    """Vendors' webhooks: the body is the vendor's, and so are the answers, in status and bytes."""
    anything: Schema = {"*/*": {}}
    reply: Schema = {"description": "As the vendor expects it", "content": anything}
    refused: Schema = {
        "description": "Not proved to be the vendor's, or not its question; kept nowhere",
        "content": {**anything, problem.MEDIA_TYPE: {"schema": _ref("Problem")}},
    }
    said = {"tags": ["capture"], "security": [{}]}
    asked = {"summary": "A vendor's question whether this address is ours", "operationId": "v1_hooks_handshake", **said}
    post = {
        "summary": "A vendor's post; it is durable when it is answered, whatever its events are",
        "operationId": "v1_hooks",
        **said,
    }
    names: list[Schema] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in ("vendor", "property")
    ]
    key: Schema = {"name": "key", "in": "query", "schema": {"type": "string"}, "description": "The shared secret of a vendor that signs nothing"}  # fmt: skip
    return {
        hooks.HOOKS + "{vendor}/{property}": {
            "get": {
                **asked,
                "responses": {"200": reply, "400": refused, "403": refused, **_problems(404, 405, 413, 415, 429)},
            },
            "post": {
                **post,
                "requestBody": {"required": True, "content": anything},
                "responses": {
                    **dict.fromkeys(("200", "202"), reply),
                    **dict.fromkeys(("400", "401", "403"), refused),
                    **_problems(404, 408, 413, 415, 429, 503),
                },
            },
            "options": _PREFLIGHT,
            "parameters": [*names, key],
        }
    }


def _mail() -> Schema:
    """Links of mails, signed by route."""
    page: Schema = {"text/html": {}}
    no_link: Schema = {"404": {"description": "No link of ours", "content": page}}
    followed: Schema = {
        "200": {
            "description": "The picture, or the page that asks what should stop",
            "content": {**page, "image/gif": {}},
        },
        "302": {"description": "On to where the link leads"},
        **no_link,
    }
    stopped: Schema = {"200": {"description": "Durable: nothing more of it is sent", "content": page}, **no_link}
    form: Schema = {"schema": {"type": "object", "properties": {"what": {"enum": ["track", "email", "all"]}}}}
    post = {**_get("One click (RFC 8058), or the page's button, stops mails", "mail_left", stopped, 429, 503)}
    return {
        mail.MAIL + "{link}": {
            "get": _get("A link of a mail: nothing is stopped by looking", "mail_link", followed, 503),
            "post": {**post, "requestBody": {"content": {"application/x-www-form-urlencoded": form}}},
            "options": _PREFLIGHT,
            "parameters": [{"name": "link", "in": "path", "required": True, "schema": {"type": "string"}}],
        }
    }


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


def _problems(*statuses: int) -> Schema:
    return {
        str(status): {"description": _TITLES[status], "content": {problem.MEDIA_TYPE: {"schema": _ref("Problem")}}}
        for status in statuses
    }


def _get(summary: str, operation: str, ok: Schema, *statuses: int) -> Schema:
    return {
        "summary": summary,
        "operationId": operation,
        "tags": ["capture"],
        "responses": {**ok, **_problems(408, 413, *statuses, 431)},
    }


def _post(summary: str, operation: str, content: Schema, ok: Schema) -> Schema:
    return {
        "summary": summary,
        "operationId": operation,
        "tags": ["capture"],
        "security": [{"writeKeyBasic": []}, {"writeKeyBearer": []}, {}],
        "parameters": [{"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}}],
        "requestBody": {"required": True, "content": content},
        "responses": {**ok, **_problems(*(status for status in PROBLEMS if status not in (404, 405)))},
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}
