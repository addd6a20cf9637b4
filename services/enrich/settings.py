"""What enrich is told by its environment, beyond what every service is told: where the operator's own tables are."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.settings import Common


class Settings(Common):
    """Enrich's settings."""

    tables: Path | None = Field(
        default=None,
        description="a folder with tables of your own: mail.tsv, titles.tsv, legal_forms.tsv, in the form of services/enrich/domain/data",
        examples=["/etc/leadflow/tables"],
    )
