"""Runs backtests in processes beside the service: one backtest at a time, as many workers as there are cores. Folds nothing itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import uuid
from collections import deque
from collections.abc import Iterator

import msgspec

from services.score.backtest.worker import STORE, Folded, Piece
from services.score.domain.backtest.report import report
from services.score.domain.backtest.summary import Summary, summary
from services.score.domain.load import load
from services.score.domain.ruleset import Ruleset
from services.score.store import backtests, history
from shared import clock, database, logs
from shared.database import Pool

_LEADS_A_PIECE = 500
_BEAT_SECONDS = 0.5
_STUCK_SECONDS = 120.0  # a piece takes about a second
_LONGEST_LINE = 64 * 1024 * 1024
_told = msgspec.json.Decoder(Folded).decode


class Ended(Exception):
    """A worker ended before its work did, or does not go on."""


class Runs:
    """The backtests of this instance. A second one waits until the first has ended."""

    def __init__(self, pool: Pool, store: str) -> None:
        self._pool, self._store = pool, store
        self._free = asyncio.Semaphore(1)
        self._tasks: dict[uuid.UUID, asyncio.Task[None]] = {}

    def start(self, backtest_id: uuid.UUID) -> None:
        """From here on the backtest is run as soon as no other one is."""
        task = asyncio.create_task(self._run(backtest_id))
        self._tasks[backtest_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(backtest_id, None))

    async def _run(self, backtest_id: uuid.UUID) -> None:
        run = _Run(self._pool, self._store, backtest_id)
        beating = asyncio.create_task(run.beat())
        try:
            async with self._free:
                work = asyncio.create_task(run.work())
                await asyncio.wait([work, beating], return_when=asyncio.FIRST_COMPLETED)
                if not work.done():  # somebody cancelled it, or how far it is can't be told any more
                    work.cancel()
                    await asyncio.wait([work])
                    beating.result()
                else:
                    work.result()
        except Ended as ended:
            await self._failed(backtest_id, str(ended))
        except Exception as error:
            logs.get().error("a backtest failed", error=type(error).__name__, exc_info=error)
            await self._failed(backtest_id, f"score could not go on ({type(error).__name__}); its log says more")
        finally:
            beating.cancel()

    async def _failed(self, backtest_id: uuid.UUID, reason: str) -> None:
        await backtests.end(self._pool, backtest_id, status="failed", reason=reason, now=clock.now())


class _Run:
    """One backtest: its pieces, its workers, how far they are."""

    def __init__(self, pool: Pool, store: str, backtest_id: uuid.UUID) -> None:
        self._pool, self._store, self._id = pool, store, backtest_id
        self._pieces: deque[Piece] = deque()
        self._leads = self._done = 0
        self._is_running = False
        self._workers: list[asyncio.subprocess.Process] = []

    async def beat(self) -> None:
        """Tells the store how far it is, until somebody cancels it. A store that does not answer is waited for."""
        while True:
            status = "running" if self._is_running else "waiting"
            try:
                if not await backtests.beat(
                    self._pool, self._id, leads=self._leads, done=self._done, now=clock.now(), status=status
                ):
                    return
            except Exception as error:
                if not database.is_worlds_fault(error):
                    raise
            await asyncio.sleep(_BEAT_SECONDS)

    async def work(self) -> None:
        """All of it. Raises Ended when a worker does not do its part; leaves no process behind."""
        asked = await backtests.one(self._pool, self._id)
        if asked is None or asked.status not in backtests.OPEN:
            return
        self._is_running = True
        self._leads = await backtests.leads(self._pool)
        cuts = await history.cuts(self._pool, max(1, -(-self._leads // _LEADS_A_PIECE)))
        self._pieces.extend(Piece(number, after, upto) for number, (after, upto) in enumerate(cuts))
        before, after = (load(text, source="ruleset") for text in (asked.before, asked.after))
        counted = summary(before, after)
        try:
            for found in await asyncio.gather(*(self._worker() for _ in range(self._count()))):
                counted.merge(found)
        finally:
            for process in self._workers:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            await asyncio.gather(*(process.wait() for process in self._workers))
        await self._finish(counted, before, after)

    def _count(self) -> int:
        return max(1, min(len(os.sched_getaffinity(0)), len(self._pieces)))

    async def _worker(self) -> Summary:
        """One worker from its start to its summary."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.score.backtest.worker",
            str(self._id),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, STORE: self._store},
            limit=_LONGEST_LINE,
        )
        self._workers.append(process)
        assert process.stdin is not None
        for piece in self._left():
            process.stdin.write(msgspec.json.encode(piece) + b"\n")
            self._done += (await self._answer(process)).leads
        process.stdin.close()
        found = (await self._answer(process)).summary
        assert found is not None
        return found

    def _left(self) -> Iterator[Piece]:
        while self._pieces:
            yield self._pieces.popleft()

    async def _answer(self, process: asyncio.subprocess.Process) -> Folded:
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _STUCK_SECONDS)
        except TimeoutError:
            raise Ended(f"a worker has not gone on for {_STUCK_SECONDS:.0f} s; ask for the backtest again") from None
        if not line.endswith(b"\n"):
            code = await process.wait()
            how = f"by signal {-code}" if code < 0 else f"with exit code {code}, score's log says why"
            raise Ended(f"a worker process ended {how}; ask for the backtest again")
        return _told(line)

    async def _finish(self, counted: Summary, before: Ruleset, after: Ruleset) -> None:
        now = clock.now()
        if not counted.leads:
            reason = "nothing was known of any lead at that moment; choose a later one"
            await backtests.end(self._pool, self._id, status="failed", reason=reason, now=now)
            return
        found = msgspec.json.encode(report(counted, before, after))
        self._leads = self._done = counted.leads
        await backtests.beat(self._pool, self._id, leads=counted.leads, done=counted.leads, now=now)
        await backtests.end(self._pool, self._id, status="done", report=found, now=now)
