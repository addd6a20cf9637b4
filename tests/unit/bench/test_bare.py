"""The bare stages think nothing, and what they pass on is of the product's size and counted by the benchmark's subscriber like its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared import topology
from shared.outcome import Decision
from shared.stage import Record
from shared.topology import Topic
from tests.bench.bare import stages
from tests.bench.leads import Crowd
from tests.bench.marks import ARRIVED, ENTERED_SQL, HANDED_OVER, Marks
from tests.bench.subscriber import Reader
from tests.unit.bench.test_textbook import NOW_MS, captured

LEADS = 400


def step(name: str, topic: Topic, value: bytes, *, key: str = "pk_somebody") -> Decision:
    stage = stages.stage(name)
    assert stage.reads == (topic,)
    said = stage.decode(Record(topic.name, 0, 0, NOW_MS, key.encode(), value, {}))
    decided = stage.decide({}, said)  # type: ignore[arg-type]
    assert isinstance(decided, Decision)
    return decided


def emitted(decided: Decision) -> bytes:
    (outgoing,) = decided.emit
    assert isinstance(outgoing.data, bytes)
    return outgoing.data


@pytest.fixture(scope="module")
def passed() -> list[tuple[bytes, bytes, bytes, Decision]]:
    """What each record became: captured, enriched, scored, and route's decision."""
    found = []
    for lead in Crowd(1):
        if lead.person < 0 or lead.kind > 4:
            continue
        value = captured(lead)
        enriched = emitted(step("enrich", topology.CAPTURED, value, key=f"pk_{lead.person}"))
        scored = emitted(step("score", stages.ENRICHED, enriched))
        found.append((value, enriched, scored, step("route", stages.SCORED, scored)))
        if len(found) == LEADS:
            break
    return found


def test_every_lead_is_counted_once_and_one_in_ten_is_handed_over(
    passed: list[tuple[bytes, bytes, bytes, Decision]], tmp_path: Path
) -> None:
    marks = Marks(tmp_path / "marks", first=0, capacity=10 * LEADS)
    reader = Reader(marks)
    for _, _, scored, routed in passed:
        reader.scored(scored, 1)
        for outgoing in routed.emit:
            assert isinstance(outgoing.data, bytes)
            assert outgoing.topic.transactional
            reader.handover(outgoing.data, 2)
    assert marks.cells[ARRIVED] == LEADS
    assert marks.cells[HANDED_OVER] == marks.cells[ENTERED_SQL]
    assert 0.05 * LEADS < marks.cells[HANDED_OVER] < 0.15 * LEADS


def test_records_are_of_the_products_size(passed: list[tuple[bytes, bytes, bytes, Decision]]) -> None:
    for name, at, product in (("captured", 0, 1280), ("enriched", 1, 2400), ("scored", 2, 2920)):
        sizes = [len(one[at]) for one in passed]  # type: ignore[arg-type]
        assert sum(sizes) / len(sizes) == pytest.approx(product, rel=0.1), name


def test_a_lead_is_whoever_captures_key_stands_for_and_keeps_one_small_row() -> None:
    value = captured(next(iter(Crowd(1))))
    decided = step("enrich", topology.CAPTURED, value, key="pk_anna")
    assert list(decided.changes) == ["pk_anna"]
    assert step("enrich", topology.CAPTURED, value, key="pk_anna") == decided
