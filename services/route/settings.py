"""What route is told beside what every service is told."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.settings import Common

SHIPPED_NURTURE = Path(__file__).parent / "nurturing" / "default.yaml"
SHIPPED_ROUTING = Path(__file__).parent / "routing" / "default.yaml"


class Settings(Common):
    """Route's settings, from the environment."""

    route_routing: Path = Field(
        default=SHIPPED_ROUTING,
        description="the routing document: owners, pools and rules",
        examples=["/etc/leadflow/routing.yaml"],
    )
    route_nurture: Path = Field(
        default=SHIPPED_NURTURE,
        description="the nurture document that is in force before one is published: tracks, limits and content",
        examples=["/etc/leadflow/nurture.yaml"],
    )
