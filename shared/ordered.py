"""The order of time over several partitions: what one of them gives is held back until the others have come as far. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable

from shared.stage import Place, Record


def when(record: Record) -> tuple[int, str, int, int]:
    """The order of records in a batch: by the broker's time, and the same for all who read them where that is equal."""
    return record.timestamp_ms, record.topic, record.part, record.offset


class Ahead:
    """Records that were fetched and not given yet, by place, each place's in its order."""

    def __init__(self) -> None:
        self._waiting: dict[Place, deque[Record]] = {}

    def __bool__(self) -> bool:
        return any(self._waiting.values())

    def has(self, place: Place) -> bool:
        """Whether something of this place waits."""
        return bool(self._waiting.get(place))

    def first(self, place: Place) -> int | None:
        """The offset of the first record of this place that waits."""
        waiting = self._waiting.get(place)
        return waiting[0].offset if waiting else None

    def add(self, place: Place, records: Iterable[Record]) -> None:
        """Behind what waits already."""
        self._waiting.setdefault(place, deque()).extend(records)

    def forget(self, part: int) -> None:
        """Number `part` is read from another offset, or is not ours any more."""
        for place in [place for place in self._waiting if place[1] == part]:
            del self._waiting[place]

    def take(self, held: Collection[int], open_: Collection[Place], *, limit: int) -> list[Record]:
        """The next records in the order of time. `open_` are the places that have more to give than what waits: no record is later than
        the last that is known of each of them, and none is taken while one of them has nothing."""
        for part in {place[1] for place in self._waiting} - set(held):
            self.forget(part)
        if not all(self.has(place) for place in open_ if place[1] in held):
            return []
        horizon = min((self._waiting[place][-1].timestamp_ms for place in open_ if place[1] in held), default=None)
        ready = [
            record
            for waiting in self._waiting.values()
            for record in waiting
            if horizon is None or record.timestamp_ms <= horizon
        ]
        taken = sorted(ready, key=when)[:limit]
        for record in taken:
            self._waiting[record.topic, record.part].popleft()
        return taken
