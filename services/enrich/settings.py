"""What enrich is told by its environment; nothing beyond what every service is told."""

from __future__ import annotations

from shared.settings import Common


class Settings(Common):
    """Enrich's settings."""
