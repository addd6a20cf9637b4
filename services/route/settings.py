"""What route is told beside what every service is told."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

from pydantic import Field, field_validator

from services.route.domain.webhooks.address import Network
from services.route.mail.settings import MailSettings

SHIPPED_NURTURE = Path(__file__).parent / "nurturing" / "default.yaml"
SHIPPED_ROUTING = Path(__file__).parent / "routing" / "default.yaml"


class Settings(MailSettings):
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
    hooks_allow: str = Field(
        default="",
        description="networks that webhooks may reach though they are not public, without encryption too, separated by commas",
        examples=["10.1.0.0/16,127.0.0.1/32"],
    )

    @field_validator("hooks_allow")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        _networks(value)
        return value

    @property
    def allowed_networks(self) -> tuple[Network, ...]:
        """What webhooks may reach beside public addresses."""
        return _networks(self.hooks_allow)


def _networks(text: str) -> tuple[Network, ...]:
    """Raises ValueError for what is no network."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
