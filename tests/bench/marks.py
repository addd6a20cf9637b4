"""When each post was due, answered, scored and handed over: one file in shared memory that the bench's processes write side by side."""

from __future__ import annotations

import mmap
from pathlib import Path

# Counters at the head of the file. Each has one writer.
ARRIVED, ENTERED_SQL, HANDED_OVER, READY, SCORED_AGAIN, HANDED_AGAIN, DONE = range(7)
_HEAD = 16
_COLUMNS = 5


class Marks:
    """Moments in nanoseconds of the machine's monotonic clock, 0 where nothing happened, in columns by a post's number."""

    def __init__(self, path: Path, *, first: int, capacity: int) -> None:
        self.first = first
        self.capacity = capacity
        size = 8 * (_HEAD + _COLUMNS * capacity)
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.truncate(size)
            self._map = mmap.mmap(file.fileno(), size)
        self.cells = memoryview(self._map).cast("q")
        columns = [self.cells[_HEAD + i * capacity : _HEAD + (i + 1) * capacity] for i in range(_COLUMNS)]
        self.due, self.answered, self.scored, self.handed, self.kind = columns

    def row(self, number: int) -> int:
        """The place of a post's number in the columns, or -1 when it belongs to another load."""
        at = number - self.first
        return at if 0 <= at < self.capacity else -1
