"""What the benchmark's subscriber makes of records: first arrivals, episodes, handovers that are read early or twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.marks import ARRIVED, ENTERED_SQL, HANDED_AGAIN, HANDED_OVER, SCORED_AGAIN, Marks
from tests.bench.subscriber import Reader


@pytest.fixture
def marks(tmp_path: Path) -> Marks:
    return Marks(tmp_path / "marks", first=10, capacity=5)


def scored(n: int, *, stage: str = "IQL", before: str = "raw", episode: int = 0) -> bytes:
    activity = {"id": "x", "properties": {"n": n}}
    return json.dumps(
        {"lead_id": f"ld_{n}", "stage": stage, "previous_stage": before, "episode": episode, "activity": activity}
    ).encode()


def handover(n: int, *, episode: int = 1) -> bytes:
    return json.dumps({"handover_id": f"ho_ld_{n}_{episode}_1", "lead_id": f"ld_{n}", "episode": episode}).encode()


def test_the_first_record_of_a_post_counts_and_the_next_is_one_more(marks: Marks) -> None:
    reader = Reader(marks)
    reader.scored(scored(12), 100)
    reader.scored(scored(12), 200)
    assert marks.scored[2] == 100
    assert (marks.cells[ARRIVED], marks.cells[SCORED_AGAIN]) == (1, 1)


def test_records_of_other_loads_are_passed_over(marks: Marks) -> None:
    reader = Reader(marks)
    for n in (-1, 9, 15):
        reader.scored(scored(n), 100)
    assert marks.cells[ARRIVED] == 0


def test_a_handover_belongs_to_the_post_that_opened_its_episode(marks: Marks) -> None:
    reader = Reader(marks)
    reader.scored(scored(11, stage="SQL", before="MQL", episode=1), 100)
    reader.handover(handover(11), 150)
    assert marks.handed[1] == 150
    assert (marks.cells[ENTERED_SQL], marks.cells[HANDED_OVER]) == (1, 1)


def test_a_handover_that_is_read_before_its_record_is_kept_for_it(marks: Marks) -> None:
    reader = Reader(marks)
    reader.handover(handover(11), 90)
    reader.scored(scored(11, stage="SQL", before="raw", episode=1), 100)
    assert marks.handed[1] == 90
    assert marks.cells[HANDED_OVER] == 1


def test_a_handover_that_is_there_twice_is_told(marks: Marks) -> None:
    reader = Reader(marks)
    reader.scored(scored(11, stage="SQL", before="raw", episode=1), 100)
    reader.handover(handover(11), 150)
    reader.handover(handover(11), 160)
    assert marks.handed[1] == 150
    assert (marks.cells[HANDED_OVER], marks.cells[HANDED_AGAIN]) == (1, 1)
