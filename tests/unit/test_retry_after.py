"""Retry-After: seconds, or a date."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.retry_after import seconds

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "meant"),
    [(None, None), ("", None), ("7", 7.0), ("-1", None), ("soon", None), ("9" * 12, None),
     ("Fri, 27 Nov 2026 12:00:30 GMT", 30.0), ("Fri, 27 Nov 2026 11:00:00 GMT", 0.0)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(said: str | None, meant: float | None) -> None:
    assert seconds(said, NOW) == meant
