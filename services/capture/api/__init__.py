"""Capture's operator routes, all behind the operator's token: properties.py has properties and their keys, hooks.py vendors' hooks. The public routes are in door/."""

from __future__ import annotations

from fastapi import APIRouter

from services.capture.api import hooks
from services.capture.api import properties as property_routes
from services.capture.properties import Properties
from shared.database import Pool


def routes(pool: Pool, properties: Properties) -> APIRouter:
    """The routes. Here a change holds at once, in other instances within a second or two."""
    router = APIRouter()
    router.include_router(property_routes.routes(pool, properties))
    router.include_router(hooks.routes(pool, properties))
    return router
