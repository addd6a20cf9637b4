"""Crash points and stop points: named places where a drill lets the process die or freeze. Without a drill they cost nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping

POINTS: tuple[str, ...] = (
    "after_claim",
    "after_recall",
    "after_gather",
    "after_decode",
    "after_fence",
    "after_load",
    "after_decide",
    "after_save",
    "before_commit",
    "after_commit",
    "in_emit",
    "in_handover_transaction",
    "after_handover_commit",
    "after_ack",
    "after_offset_commit",
)


def _nothing(_: str) -> None:
    return None


def from_environment(environ: Mapping[str, str] = os.environ) -> Callable[[str], None]:
    """The function that the core calls at each point. CRASH_AT=after_commit:3 kills this process (SIGKILL) when it comes there
    the third time; STOP_AT=after_load:1 freezes it (SIGSTOP). Raises ValueError for a name that is no point."""
    drills: dict[str, tuple[int, int]] = {}
    for variable, sign in (("CRASH_AT", signal.SIGKILL), ("STOP_AT", signal.SIGSTOP)):
        text = environ.get(variable, "")
        if not text:
            continue
        name, _, count = text.partition(":")
        if name not in POINTS:
            raise ValueError(f"{variable}={text}: there is no point {name!r}. Points: {', '.join(POINTS)}")
        drills[name] = (int(count or 1), sign)
    if not drills:
        return _nothing
    seen: dict[str, int] = {}

    def point(name: str) -> None:
        if name not in drills:
            return
        seen[name] = seen.get(name, 0) + 1
        if seen[name] == drills[name][0]:
            os.kill(os.getpid(), drills[name][1])

    return point


point: Callable[[str], None] = from_environment()
