"""Orders to die or freeze at a point: obeyed once, by the member that they are for, and on record before it happens."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from shared import crash


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _, sign: sent.append(sign))
    return sent


def test_an_order_is_carried_out_at_its_point_the_given_time_and_only_once(tmp_path: Path, signals: list[int]) -> None:
    point = crash.from_environment({"CRASH_ORDERS": str(tmp_path), "LEADFLOW_MEMBER": "score-0"})
    point("after_load")
    (tmp_path / "score-0").write_text("crash after_load:2\n")
    for name in ("after_load", "after_fence", "after_load", "after_load", "after_load"):
        point(name)
    assert signals == [signal.SIGKILL]
    assert not (tmp_path / "score-0").exists()
    assert [line.split()[1:] for line in (tmp_path / "hits").read_text().splitlines()] == [
        ["score-0", "crash", "after_load"]
    ]


def test_an_order_to_stop_freezes(tmp_path: Path, signals: list[int]) -> None:
    point = crash.from_environment({"CRASH_ORDERS": str(tmp_path), "LEADFLOW_MEMBER": "score-0"})
    (tmp_path / "score-0").write_text("stop after_commit")
    point("after_commit")
    assert signals == [signal.SIGSTOP]


def test_another_members_order_is_not_ours(tmp_path: Path, signals: list[int]) -> None:
    point = crash.from_environment({"CRASH_ORDERS": str(tmp_path), "LEADFLOW_MEMBER": "score-0"})
    (tmp_path / "score-1").write_text("crash after_load")
    point("after_load")
    assert signals == []
