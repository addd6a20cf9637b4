"""What this process says of itself: ready or not, and why. Parts report their trouble here; `/readyz` reads it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Health:
    """Reasons why this instance is not ready, by part. No reasons: ready."""

    reasons: dict[str, str] = field(default_factory=lambda: {"start": "starting"})
    draining: bool = False

    def report(self, part: str, trouble: str | None) -> None:
        """`part` is in trouble, or (None) is well again. The text names no personal data."""
        if trouble is None:
            self.reasons.pop(part, None)
        else:
            self.reasons[part] = trouble

    @property
    def ready(self) -> bool:
        """Whether this instance does its work."""
        return not self.reasons and not self.draining
