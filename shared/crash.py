"""Crash points and stop points: named places where a drill lets the process die or freeze. Without a drill they cost nothing."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

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
DRAIN_POINT = "after_drain_ack"  # capture's own: Kafka has a slice of the spool, whose rows are still there


def _nothing(_: str) -> None:
    return None


def from_environment(environ: Mapping[str, str] = os.environ) -> Callable[[str], None]:
    """The function that the core calls at each point. CRASH_AT=after_commit:3 kills this process (SIGKILL) when it comes there
    the third time; STOP_AT=after_load:1 freezes it (SIGSTOP). Raises ValueError for a name that is no point.

    CRASH_ORDERS=folder instead looks there at each point for an order to this member (LEADFLOW_MEMBER): see `ordered`."""
    if folder := environ.get("CRASH_ORDERS"):
        return ordered(Path(folder), environ.get("LEADFLOW_MEMBER", ""))
    drills: dict[str, tuple[int, int]] = {}
    for variable, sign in (("CRASH_AT", signal.SIGKILL), ("STOP_AT", signal.SIGSTOP)):
        text = environ.get(variable, "")
        if not text:
            continue
        name, _, count = text.partition(":")
        if name not in (*POINTS, DRAIN_POINT):
            raise ValueError(
                f"{variable}={text}: there is no point {name!r}. Points: {', '.join((*POINTS, DRAIN_POINT))}"
            )
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


def ordered(folder: Path, member: str) -> Callable[[str], None]:
    """Follows orders while the process runs: a file `folder`/`member` says `crash after_load:2` or `stop after_commit:1`.

    An order is carried out once: before the process dies or freezes, the file goes and a line is added to `folder`/hits.
    """
    file, hits = folder / member, folder / "hits"
    signs = {"crash": signal.SIGKILL, "stop": signal.SIGSTOP}
    seen = 0

    def point(name: str) -> None:
        nonlocal seen
        try:
            what, _, where = file.read_text().strip().partition(" ")
        except FileNotFoundError:
            seen = 0
            return
        wanted, _, count = where.partition(":")
        if wanted != name or what not in signs:
            return
        seen += 1
        if seen < int(count or 1):
            return
        seen = 0
        file.unlink(missing_ok=True)
        with hits.open("a") as log:
            log.write(f"{time.time():.3f} {member} {what} {name}\n")
        os.kill(os.getpid(), signs[what])

    return point


point: Callable[[str], None] = from_environment()
