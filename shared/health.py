"""What this process says of itself: ready or not, and why. Parts report their trouble here; `/readyz` reads it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Health:
    """Reasons why this instance is not ready, by part. No reasons: ready. Degraded: it does its work, but not as it should."""

    reasons: dict[str, str] = field(default_factory=lambda: {"start": "starting"})
    degraded: dict[str, str] = field(default_factory=dict)
    draining: bool = False

    def report(self, part: str, trouble: str | None) -> None:
        """`part` is in trouble, or (None) is well again. The text names no personal data."""
        _set(self.reasons, part, trouble)

    def note(self, part: str, trouble: str | None) -> None:
        """`part` does its work only in another way, or (None) as it should again. The text names no personal data."""
        _set(self.degraded, part, trouble)

    @property
    def ready(self) -> bool:
        """Whether this instance does its work."""
        return not self.reasons and not self.draining


def _set(told: dict[str, str], part: str, trouble: str | None) -> None:
    if trouble is None:
        told.pop(part, None)
    else:
        told[part] = trouble
