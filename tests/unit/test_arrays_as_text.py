"""Arrays as text: what Postgres reads in them is what was meant."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared import arrays


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ([], "{}"),
        (["a", 'b"\\'], '{"a","b\\"\\\\"}'),
        (["a", None, "NULL"], '{"a",NULL,"NULL"}'),
        ([None, 'x"y,{}'], '{NULL,"x\\"y,{}"}'),
        ([1, None, 3], "{1,NULL,3}"),
        ([True, False], "{True,False}"),
        ([None, None], "{NULL,NULL}"),
        ([None, datetime(2026, 11, 27, 12, 0, 0, 1, tzinfo=UTC)], "{NULL,2026-11-27 12:00:00.000001+00:00}"),
        ([""], '{""}'),
    ],
)
def test_a_column_of_any_kind_is_one_text(column: list[object], text: str) -> None:
    assert arrays.values(column) == text  # type: ignore[arg-type]
