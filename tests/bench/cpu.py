"""CPU time and memory of processes and all they started, and of the machine as a whole."""

from __future__ import annotations

import time
from collections.abc import Mapping

import psutil

from tests.bench.leads import Crowd, Writer


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
    """Resident memory in MB of each program; with what it started, where it did, and then what they share counts once."""
    found = {}
    for name, pid in programs.items():
        try:
            top = psutil.Process(pid)
            children = top.children(recursive=True)
            if children:
                found[name] = sum(process.memory_full_info().pss for process in (top, *children)) / 1e6
            else:
                found[name] = top.memory_info().rss / 1e6
        except psutil.Error:
            continue
    return found


def yardstick_us() -> tuple[float, float]:
    """CPU and wall microseconds that writing one lead takes now: how fast the machine is, and how much of it one gets.

    On an idle machine the two are equal. The figures of two runs compare as far as their yardsticks do.
    """
    crowd, writer = Crowd(1), Writer(1)
    leads = [crowd.next() for _ in range(20_000)]
    cpu, wall = time.process_time(), time.perf_counter()
    for lead in leads:
        writer.form(lead)
    return (time.process_time() - cpu) * 1e6 / len(leads), (time.perf_counter() - wall) * 1e6 / len(leads)


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What each program used in between; one that was restarted counts from its start."""
    return {name: now - before.get(name, 0.0) if now >= before.get(name, 0.0) else now for name, now in after.items()}
