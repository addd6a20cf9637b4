"""Which signed posts came before: a bounded memory of this process. What it forgets, the events' own ids still make harmless."""

from __future__ import annotations

from datetime import datetime

from services.capture.vendors.vendor import Replay

MOST = 20_000


class Replays:
    """Keys of posts until their time is refused anyway."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def seen(self, key: str, now: datetime) -> bool:
        """Whether the key is remembered."""
        until = self._until.get(key)
        return until is not None and now <= until

    def remember(self, replay: Replay) -> None:
        """From now on it was seen. When there are too many, the one that was remembered first is forgotten."""
        if len(self._until) >= MOST:
            del self._until[next(iter(self._until))]
        self._until[replay.key] = replay.until
