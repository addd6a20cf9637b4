"""Watches while things break: do cursors only go forward, does readiness tell the truth, how much memory is used. Breaks nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter

import asyncpg
import psutil

from deploy.local import supervisor
from deploy.local.layout import SERVICES
from tests.chaos.history import ReadinessSample
from tests.chaos.rig import STAGED, Rig

_MEGABYTE = 1024 * 1024
_FENCED = "number lost to a successor"
_LOST_SESSION = "trying again"


class Watch:
    """Looks once a second, for as long as `look` runs."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._cursors: dict[tuple[str, str, int], tuple[int, int]] = {}
        self.cursor_faults: list[str] = []
        self.readiness: list[ReadinessSample] = []

    async def look(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.gather(self._look_at_cursors(), self._look_at_readiness(), asyncio.sleep(1.0))

    async def _look_at_cursors(self) -> None:
        """Each claim raises the epoch, each batch moves the offset forward: a write of a former owner would show as a step back."""
        for service in STAGED:
            with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                for row in await self._rig.fetch(
                    service, "SELECT stage, topic, part, owner_epoch, next_offset FROM cursor"
                ):
                    place = (row["stage"], row["topic"], row["part"])
                    now = (row["owner_epoch"], row["next_offset"])
                    epoch, offset = self._cursors.get(place, now)
                    if now[0] < epoch or now[1] < offset:
                        self.cursor_faults.append(f"{place} went from {(epoch, offset)} to {now} at {time.time():.1f}")
                    self._cursors[place] = now

    async def _look_at_readiness(self) -> None:
        members = [member for service in STAGED for member in self._rig.members(service)]
        at = time.time()
        answers = await asyncio.gather(*(self._rig.ready(member) for member in members))
        self.readiness += [ReadinessSample(at, member, ready) for member, ready in zip(members, answers, strict=True)]


async def memory(rig: Rig) -> dict[str, float]:
    """What each instance uses now, in MB: its own pages, and its share of those that it has together with others."""
    found = {}
    for name, pid in sorted((await rig.pids()).items()):
        if name.partition("-")[0] in SERVICES:
            with contextlib.suppress(psutil.Error):
                found[name] = round(psutil.Process(pid).memory_full_info().pss / _MEGABYTE, 1)
    return found


def zombies(rig: Rig) -> Counter[str]:
    """What instances of the staged services logged that had lost their numbers: fenced by a successor."""
    found: Counter[str] = Counter()
    for service in STAGED:
        for instance in range(3):
            log = supervisor.log_file(rig.layout, f"{service}-{instance}")
            for file in log.parent.glob(f"{log.name}*"):
                found["fenced"] += file.read_text(errors="replace").count(_FENCED)
    return found
