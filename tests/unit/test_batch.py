"""A batch that Postgres does not take as a whole. What it takes, the integration tests say."""

from __future__ import annotations

import asyncio
from typing import Any, cast
from unittest.mock import patch

import asyncpg
import pytest

from shared import batch
from shared.rejects import RejectLimit
from shared.stage import Record


def _record(offset: int) -> batch.Decoded:
    return batch.Decoded(Record("t", 0, offset, 0, None, b"", {}), None)


def _written(records: int, *, room: int) -> list[list[int]]:
    """The offsets of each transaction, where Postgres has room for the locks of so many records."""
    transactions: list[list[int]] = []

    async def transact(_: Any, __: Any, decoded: Any, **___: Any) -> batch.Written:
        if len(decoded) > room:
            raise asyncpg.PostgresError.new({"C": "53200", "M": "out of shared memory"})
        transactions.append([one.record.offset for one in decoded])
        return batch.Written({}, {})

    stage: Any = type("AStage", (), {"name": "s", "recollect": None})
    with patch.object(batch, "_transact", transact):
        asyncio.run(
            batch.write(
                cast(Any, None),
                stage,
                [_record(offset) for offset in range(records)],
                terms=batch.Terms({}, 1),
                acknowledged=(),
                rejects=RejectLimit(),
            )
        )
    return transactions


def test_a_batch_that_needs_more_locks_than_postgres_has_is_done_in_parts_and_in_order() -> None:
    assert _written(5, room=2) == [[0, 1], [2], [3, 4]]


def test_one_record_alone_for_which_postgres_has_no_room_is_tried_again() -> None:
    with pytest.raises(asyncpg.PostgresError):
        _written(2, room=0)
