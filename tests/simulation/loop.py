"""Virtual time, and instances that can die or freeze at any await: an event loop. What happens in that time is elsewhere."""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections.abc import Callable, Coroutine
from typing import Any

GRACE_SECONDS = 0.03  # of real time that a real database may take before virtual time goes on without its answer


class Instance:
    """One process of the simulated world: what runs in its context stops when it is frozen or dead."""

    def __init__(self, name: str, member: str, world: Any) -> None:
        self.name = name
        self.member = member
        self.world = world
        self.stopped = False  # frozen or dead: nothing of it runs
        self.dead = False
        self.parked: list[asyncio.Handle] = []
        self.steps = 0  # awaits that touched the world
        self.faults: dict[int, str] = {}  # step -> what happens to the instance there
        self.sessions: set[Any] = set()
        self.consumers: list[Any] = []


INSTANCE: contextvars.ContextVar[Instance | None] = contextvars.ContextVar("instance", default=None)
OUTSIDE = contextvars.Context()  # what the broker, the database and the schedule do, whoever is frozen


class Stuck(Exception):
    """Nothing is left that could ever happen."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer when nothing is ready. Handles of a stopped instance wait until it goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.virtual = 0.0
        self.answers_awaited = 0  # statements that a real database is working on
        self._given_up_on = -1
        self.tasks: list[asyncio.Task[Any]] = []
        self.set_exception_handler(lambda _loop, _context: None)

    def time(self) -> float:
        return self.virtual

    def create_task(
        self, coro: Any, *, name: str | None = None, context: contextvars.Context | None = None
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        self.tasks.append(task)
        return task

    def _asyncgen_finalizer_hook(self, _agen: Any) -> None:
        """A process that died runs no clean-up."""

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        while not ready:
            if self.answers_awaited and self._answers():
                continue
            while scheduled and scheduled[0]._cancelled:
                heapq.heappop(scheduled)._scheduled = False
            if not scheduled:
                raise Stuck("nothing is left that could happen")
            now = self.virtual = max(self.virtual, scheduled[0]._when)
            while scheduled and scheduled[0]._when <= now:
                handle = heapq.heappop(scheduled)
                handle._scheduled = False
                ready.append(handle)
        if self.answers_awaited:
            self._process_events(self._selector.select(0))  # type: ignore[attr-defined]
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            instance = handle._context.get(INSTANCE)
            if instance is not None and instance.stopped:
                instance.parked.append(handle)
            else:
                handle._run()

    def _answers(self) -> bool:
        """Waits a moment of real time for the database. A statement that waits for a lock must not stop the virtual clock."""
        patience = 0.0 if self._given_up_on == self.answers_awaited else GRACE_SECONDS
        events = self._selector.select(patience)  # type: ignore[attr-defined]
        if events:
            self._given_up_on = -1
            self._process_events(events)  # type: ignore[attr-defined]
            return True
        self._given_up_on = self.answers_awaited
        return False

    def forget(self) -> None:
        """Leaves nothing of one schedule to the next."""
        self._ready.clear()  # type: ignore[attr-defined]
        self._scheduled.clear()  # type: ignore[attr-defined]
        self._timer_cancelled_count = 0
        self._given_up_on = -1
        self.tasks.clear()
        self.virtual = 0.0

    def outside(self, delay: float, what: Callable[..., object], *arguments: Any) -> None:
        """Something that happens to nobody's instance, later."""
        self.call_later(delay, what, *arguments, context=OUTSIDE)

    def within(self, instance: Instance, coro: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task of `instance`."""
        context = contextvars.Context()
        context.run(INSTANCE.set, instance)
        return self.create_task(coro, context=context)
