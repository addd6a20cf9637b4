"""The OpenAPI document and what capture does agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.capture import openapi


@pytest.mark.timeout(600)  # by the clock; of CPU it takes 15 s
async def test_every_answer_is_declared_whatever_is_sent(tmp_path: Path) -> None:
    assert not await openapi.mistakes(tmp_path, seed=1, examples=5)
