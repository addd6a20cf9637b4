"""What enrich is told by its environment, beyond what every service is told: the operator's own tables and addresses."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from services.enrich import geoip
from shared.settings import Common


class Settings(Common):
    """Enrich's settings."""

    enrich_tables: Path | None = Field(
        default=None,
        description="a folder with tables of your own: mail.tsv, titles.tsv, legal_forms.tsv, illegal_ids.tsv, systems.tsv, in the form of services/enrich/domain/data",
        examples=["/etc/leadflow/tables"],
    )
    identifiers_a_lead: int = Field(
        default=50,
        ge=1,
        le=200,
        description="phone numbers that join one address or id by themselves; those after them are asked about in the review queue. Stays as it is once there are leads",
        examples=["50"],
    )
    joins_an_hour: int = Field(
        default=10,
        ge=1,
        le=200,
        description="of these, at most so many of one hour. Stays as it is once there are leads",
        examples=["10"],
    )
    geoip: Path | None = Field(
        default=None,
        description="a database of addresses in MaxMind's format; without it addresses tell nothing",
        examples=["/var/lib/GeoIP/GeoLite2-City.mmdb"],
    )

    @field_validator("geoip")
    @classmethod
    def _is_readable(cls, value: Path | None) -> Path | None:
        geoip.opened(value)
        return value
