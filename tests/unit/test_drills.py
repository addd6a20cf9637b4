"""Drills on a running stack, as far as they need none."""

from __future__ import annotations

import os

import psutil
import pytest

from deploy.local import drills


def test_a_process_that_ends_between_two_looks_at_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(process: psutil.Process) -> str:
        raise psutil.NoSuchProcess(process.pid)

    monkeypatch.setattr(psutil.Process, "status", ended)
    drills._until_gone(os.getpid())


def test_a_process_that_nobody_reaps_is_gone() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    try:
        drills._until_gone(child)
    finally:
        os.waitpid(child, 0)
