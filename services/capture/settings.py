"""What capture is told beside what every service is told."""

from __future__ import annotations

from ipaddress import ip_network

from pydantic import Field, field_validator

from services.capture.domain.connection import Network
from services.capture.limits import Rates
from shared import mail_link
from shared.settings import Common


class Settings(Common):
    """Capture's settings, from the environment (prefix LEADFLOW_)."""

    kafka_budget_seconds: float = Field(
        default=2.0,
        gt=0,
        le=30,
        description="how long Kafka may take before an event goes into the spool",
        examples=["2"],
    )
    spool_budget_seconds: float = Field(
        default=3.0, gt=0, le=30, description="how long the spool may take before the answer is 503", examples=["3"]
    )
    spool_limit_events: int = Field(
        default=1_000_000, ge=0, description="events in the spool at which the answer is 503", examples=["1000000"]
    )
    backlog_limit_seconds: float = Field(
        default=21_600,
        ge=0,
        description="how long the oldest event may wait for enrich before the answer is 503; 0: for ever",
        examples=["21600"],
    )
    key_events_per_second: int = Field(
        default=20_000,
        ge=0,
        le=1_000_000,
        description="events a second of one write key in each instance, ten seconds of it saved up at most; 0: no limit",
        examples=["20000"],
    )
    address_requests_per_second: int = Field(
        default=100,
        ge=0,
        le=1_000_000,
        description="requests a second of one public address (IPv6: /64) in each instance, likewise; 0: no limit",
        examples=["100"],
    )
    address_invalid_per_second: int = Field(
        default=10,
        ge=0,
        le=1_000_000,
        description="wrong keys, unreadable bodies and refused events a second of one public address, likewise; 0: no limit",
        examples=["10"],
    )
    address_connections: int = Field(
        default=500,
        ge=0,
        le=65_536,
        description="connections that one public address (IPv6: /64) may have to each instance at a time; 0: no limit",
        examples=["500"],
    )
    trusted_proxies: str = Field(
        default="",
        description="networks whose X-Forwarded-For is believed, separated by commas",
        examples=["10.0.0.0/8,127.0.0.1/32"],
    )
    country_headers: str = Field(
        default="CF-IPCountry,CloudFront-Viewer-Country,X-Vercel-IP-Country,X-AppEngine-Country,X-Country-Code",
        description="headers in which a trusted proxy says from which country a connection comes; best only that of your edge",
        examples=["CF-IPCountry"],
        pattern=r"^[A-Za-z0-9-]*( *, *[A-Za-z0-9-]+)*$",
    )
    public_url: str = Field(
        default="",
        description="capture's address as the world sees it, which HubSpot signs; without it the Host header tells",
        examples=["https://capture.acme.example"],
        pattern=r"^(https?://[^/?#]+(/[^?#]*)?)?$",
    )

    mail_link_hosts: str = Field(
        default="",
        description="hosts to which links in mails may lead, separated by commas; with a dot before it all beneath",
        examples=["www.acme.example,.acme.example"],
    )

    @field_validator("mail_link_hosts")
    @classmethod
    def _are_hosts(cls, value: str) -> str:
        mail_link.hosts_in(value)
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        _networks(value)
        return value

    @property
    def rates(self) -> Rates:
        """What one instance takes."""
        return Rates(
            key_events=self.key_events_per_second,
            address_requests=self.address_requests_per_second,
            address_invalid=self.address_invalid_per_second,
        )

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The trusted networks."""
        return _networks(self.trusted_proxies)

    @property
    def link_hosts(self) -> frozenset[str]:
        """To where links in mails may lead."""
        return mail_link.hosts_in(self.mail_link_hosts)

    @property
    def country_header_names(self) -> tuple[bytes, ...]:
        """The headers' names as requests have them, in lower case."""
        return tuple(name.strip().lower().encode() for name in self.country_headers.split(",") if name.strip())


def _networks(text: str) -> tuple[Network, ...]:
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            found.append(ip_network(part))
        except ValueError:
            raise ValueError("must be networks like 10.0.0.0/8, separated by commas") from None
    return tuple(found)
