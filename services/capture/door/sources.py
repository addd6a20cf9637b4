"""What SDKs ask for before they send, answered here so that they ask nobody else: Segment's settings and RudderStack's source configuration."""

from __future__ import annotations

from typing import Any

import msgspec

from services.capture import answers
from services.capture.answers import Answer
from services.capture.door.desk import Desk, Judged, readable
from services.capture.request import Headers, Request
from services.capture.store import Property
from shared.problem import Problem

SEGMENT = "/v1/projects/"  # and `<write key>/settings`, as analytics.js asks at its `cdnURL`
RUDDERSTACK = ("/sourceConfig", "/sourceConfig/")  # as RudderStack's SDK asks at its `configUrl`

_NO_SETTINGS = Problem(404, "not-found", "Nothing is here", "The path ends in the write key and /settings.")
_CACHE = b"private, max-age=300"


def segment(desk: Desk, request: Request) -> Judged:
    """The settings of one write key: no destination but this host, and no metrics for Segment. Raises Stop.

    As @segment/analytics-next 1.84.3 reads them (its browser/settings): `metrics.sampleRate` is 1 when it is absent, and the metrics
    would go to Segment.
    """
    key, slash, rest = request.path.removeprefix(SEGMENT).partition("/")
    if not slash or rest != "settings":
        raise answers.Stop(_NO_SETTINGS)
    owner = desk.owner_of(key)
    protocol, _, host = desk.here(request).partition("://")
    here = {"apiKey": key, "apiHost": f"{host}/v1", "protocol": protocol, "addBundledMetadata": False}
    settings = {
        "integrations": {"Segment.io": here},
        "metrics": {"sampleRate": 0},
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }
    return _told(settings, owner, request.headers)


def rudderstack(desk: Desk, request: Request) -> Judged:
    """The configuration of a source: no destinations, and no reports of errors or metrics for RudderStack. Raises Stop.

    As @rudderstack/analytics-js 3.34.1 checks it (isValidSourceConfig); where to send, it is told when it is loaded.
    """
    owner = desk.owner_in(request.headers)
    if owner is None:
        owner = desk.owner_in_address(request)
    nothing = {"enabled": False}
    source = {
        "id": owner.property,
        "name": owner.name,
        "enabled": True,
        "workspaceId": "leadflow",
        "config": {"statsCollection": {"errors": nothing, "metrics": nothing}},
        "destinations": [],
    }
    return _told({"source": source}, owner, request.headers)


def _told(document: dict[str, Any], owner: Property, headers: Headers) -> Judged:
    body = msgspec.json.encode(document)
    answer = Answer(
        200,
        body,
        (
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", _CACHE),
        ),
    )
    return Judged(readable(answer, owner, headers))
