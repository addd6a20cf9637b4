"""Which histories a batch needs is seen without deciding; deciding on all of it finds the same."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import intake, lacking
from services.enrich.domain.world import NotLoaded
from shared.outcome import Decision
from shared.stage import Input
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


def test_what_raises_lacks_nothing_since_it_alone_is_rejected_when_it_is_decided_on() -> None:
    """What is raised while the batch is loaded would be the world's fault: the batch would be tried again, for ever."""
    bad, good = (intake.decode(memory.record(memory.page(name, "c1"))) for name in ("bad", "good"))
    assert isinstance(bad, Input)
    assert isinstance(good, Input)

    def raising(world: Any, input_: Any, *, secret: bytes) -> Decision:
        if input_ is bad:
            raise KeyError("jo@acme.example")
        raise NotLoaded(leads=frozenset(["ld_jo"]))

    with patch.object(lacking, "_circles", _of_all), patch.object(lacking, "decide", raising):
        lack = lacking.lacking({}, [bad, good], secret=memory.SECRET)
    assert lack is not None
    assert lack.leads == {"ld_jo"}
