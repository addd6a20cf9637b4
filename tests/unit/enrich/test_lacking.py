"""Which histories a batch needs is seen without deciding; deciding on all of it finds the same."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import lacking
from tests.unit.enrich import memory
from tests.unit.enrich.memory import Memory
from tests.unit.enrich.test_any_order import stories


def _of_all(world: Any, inputs: Any) -> tuple[list[str], set[str]]:
    """All inputs in one circle that is open, so that all are decided on."""
    return ["all"] * len(inputs), {"all"}


def _doubted(world: Any, inputs: Any, **how: Any) -> Any:
    found = lacking.lacking(world, inputs, **how)
    with patch.object(lacking, "_circles", _of_all):
        expected = lacking.lacking(world, inputs, **how)
    assert _said(found) == _said(expected)
    return found


def _said(lack: Any) -> Any:
    return None if lack is None else (lack.leads, lack.cookies)


@settings(max_examples=150, deadline=None)
@given(stories(), st.data())
def test_only_where_circles_are_open_a_history_is_needed(story: list[dict[str, Any]], data: st.DataObject) -> None:
    known = Memory()
    arrivals = data.draw(st.permutations(story))
    with patch.object(memory, "lacking", _doubted):
        while arrivals:
            size = data.draw(st.integers(1, len(arrivals)))
            known.batch(arrivals[:size])
            arrivals = arrivals[size:]
