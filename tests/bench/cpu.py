"""CPU time and memory of processes and all they started, and of the machine as a whole."""

from __future__ import annotations

from collections.abc import Mapping

import psutil


def seconds(programs: Mapping[str, int]) -> dict[str, float]:
    """User and system seconds so far of each program: its process, those it started, and those of them that have ended.

    (A Postgres backend that ends between two looks is in its parent's account of ended children, so nothing is missed.)
    """
    return {name: _family(pid) for name, pid in programs.items()}


def _family(pid: int) -> float:
    total = 0.0
    try:
        top = psutil.Process(pid)
        family = [top, *top.children(recursive=True)]
    except psutil.Error:
        return 0.0
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def busy_seconds() -> float:
    """Seconds that all processors together were busy so far, whoever with."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)


def memory_mb(programs: Mapping[str, int]) -> dict[str, float]:
    """Resident memory of each program and what it started, in MB (what processes share counts once for each)."""
    found = {}
    for name, pid in programs.items():
        total = 0
        try:
            top = psutil.Process(pid)
            for process in (top, *top.children(recursive=True)):
                total += process.memory_info().rss
        except psutil.Error:
            continue
        found[name] = total / 1e6
    return found


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What each program used in between; one that was restarted counts from its start."""
    return {name: now - before.get(name, 0.0) if now >= before.get(name, 0.0) else now for name, now in after.items()}
