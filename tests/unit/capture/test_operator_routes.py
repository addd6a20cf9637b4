"""The operator's routes: that all are there, whatever module has them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from services.capture import api
from services.capture.properties import Properties


def test_every_route_of_properties_keys_and_hooks_is_there() -> None:
    pool: Any = None  # no route is called
    app = FastAPI()
    app.include_router(api.routes(pool, Properties()))
    one, keys, hooks = (
        "/v1/properties/{property_}",
        "/v1/properties/{property_}/keys",
        "/v1/properties/{property_}/hooks",
    )
    paths = app.openapi()["paths"]
    assert {path: set(paths[path]) for path in paths} == {
        "/v1/properties": {"get", "post"},
        one: {"get", "patch", "delete"},
        f"{one}/pause": {"post"},
        f"{one}/resume": {"post"},
        keys: {"post"},
        f"{keys}/{{prefix}}": {"delete"},
        hooks: {"get"},
        f"{hooks}/{{vendor}}": {"put", "delete"},
    }
