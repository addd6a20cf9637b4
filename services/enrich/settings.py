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
