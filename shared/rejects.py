"""The reject limit: when our own code refuses too many records, something is wrong with the code, and the stage stops instead."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from shared.database import Pool
from shared.fold import Folded
from shared.stage import Record


class LimitReached(Exception):
    """More than the allowed share of the last records raised in `decide`. Nothing of the batch was written."""

    def __init__(self, record: Record, raised: int, window: int) -> None:
        super().__init__(
            f"{raised} of the last {window} records raised in our own code; stopped at {record.topic}/{record.part}/{record.offset}. "
            "Mend the code, or let it go on with: leads dead accept SERVICE"
        )
        self.record = record


class RejectLimit:
    """Counts what `decide` raised among the last `window` inputs. What could not be decoded does not count: garbage from outside
    must not stop a service."""

    def __init__(self, *, window: int = 1000, share: float = 0.5) -> None:
        self._last: deque[bool] = deque(maxlen=window)
        self._window = window
        self._most = int(window * share)
        self.passes: dict[tuple[str, int], int] = {}  # (topic, number) -> offset up to which an operator lets it go on

    def check(self, done: Folded, records: Sequence[Record]) -> None:
        """Raises LimitReached if this batch takes the count over the limit and no operator has let it pass."""
        raised = sum(self._last) + done.raised
        if not done.raised or raised <= self._most:
            return
        for record in records:
            if record.offset >= self.passes.get((record.topic, record.part), -1):
                raise LimitReached(record, raised, self._window)

    def remember(self, done: Folded, inputs: int) -> None:
        """Counts a batch that was committed."""
        self._last.extend([True] * done.raised + [False] * max(0, inputs - done.raised))

    async def read_passes(self, pool: Pool, *, stage: str) -> None:
        """Looks up how far an operator lets this stage go on."""
        # What the operator accepted, by `leads dead accept`.
        rows = await pool.fetch("SELECT topic, part, until_offset FROM reject_pass WHERE stage = $1", stage)
        self.passes = {(row["topic"], row["part"]): row["until_offset"] for row in rows}


async def accept(pool: Pool, *, stage: str, topic: str, part: int, until_offset: int) -> None:
    """Lets a stopped number go on up to `until_offset`: what our code refuses up to there becomes dead letters."""
    # One row per number; a later acceptance replaces the earlier one.
    await pool.execute(
        """
        INSERT INTO reject_pass VALUES ($1, $2, $3, $4)
        ON CONFLICT (stage, topic, part) DO UPDATE SET until_offset = excluded.until_offset
        """,
        stage,
        topic,
        part,
        until_offset,
    )
