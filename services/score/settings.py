"""Score's configuration: what is common to all services, and which ruleset is in force."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.settings import Common, Process

SHIPPED = Path(__file__).parent / "rulesets" / "default.yaml"


class Settings(Common):
    """The environment of a score service."""

    score_ruleset: Path = Field(
        default=SHIPPED, description="the ruleset in force, a YAML document", examples=["/etc/leadflow/ruleset.yaml"]
    )


class SignalSettings(Process):
    """The environment of score's Faust worker: it has no store and no operator."""
