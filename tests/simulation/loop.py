"""Virtual time, and instances that can die or freeze at any await: an event loop. What happens in that time is elsewhere."""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections.abc import Callable, Coroutine
from typing import Any

GRACE_SECONDS = 0.03  # of real time that a real database may take before virtual time goes on without its answer
LONGEST_ANSWER_SECONDS = 20.0  # where nothing else can happen; longer than the database's own time-out for locks


class Instance:
    """One process of the simulated world: what runs in its context stops when it is frozen or dead."""

    def __init__(self, name: str, member: str, world: Any) -> None:
        self.name = name
        self.member = member
        self.world = world
        self.stopped = False  # frozen or dead: nothing of it runs
        self.dead = False
        self.parked: list[Any] = []
        self.steps = 0  # awaits that touched the world
        self.faults: dict[int, str] = {}  # step -> what happens to the instance there
        self.sessions: dict[Any, None] = {}  # in the order in which they were made, so that a seed repeats itself
        self.consumers: list[Any] = []


INSTANCE: contextvars.ContextVar[Instance | None] = contextvars.ContextVar("instance", default=None)
OUTSIDE = contextvars.Context()  # what the broker, the database and the schedule do, whoever is frozen


class Stuck(Exception):
    """Nothing is left that could ever happen."""


class _Handle(asyncio.Handle):
    """A callback, without the parts that only debugging needs: a schedule makes hundreds of them."""

    __slots__ = ()

    def __init__(self, callback: Any, args: Any, context: contextvars.Context | None) -> None:
        self._context = context if context is not None else contextvars.copy_context()
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None

    def cancel(self) -> None:
        self._cancelled = True

    def cancelled(self) -> bool:
        return self._cancelled


class _Timer(_Handle):
    """As asyncio.timeouts wants it."""

    __slots__ = ("_at",)
    _at: float

    def when(self) -> float:
        return self._at


class VirtualLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer when nothing is ready. Handles of a stopped instance wait until it goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.virtual = 0.0
        self.answers_awaited = 0  # statements that a real database is working on
        self.tasks: list[asyncio.Task[Any]] = []
        self._given_up_on = -1
        self._timers: list[tuple[float, int, Any]] = []  # when, in which order they were made, and a handle or a pause
        self._made = 0
        self.set_exception_handler(lambda _loop, _context: None)

    def time(self) -> float:
        return self.virtual

    def create_task(
        self, coro: Any, *, name: object = None, context: contextvars.Context | None = None
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, context=context)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        self.tasks.append(task)
        return task

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> Any:
        handle = _Handle(callback, args, context)
        self._ready.append(handle)  # type: ignore[attr-defined]
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> Any:
        handle = _Timer(callback, args, context)
        handle._at = when
        self._made += 1
        heapq.heappush(self._timers, (when, self._made, handle))
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> Any:
        return self.call_at(self.virtual + delay, callback, *args, context=context)

    def pause(self, instance: Instance, seconds: float) -> asyncio.Future[None]:
        """Done after `seconds`, or later when `instance` is stopped then."""
        future: asyncio.Future[None] = asyncio.Future(loop=self)
        self._made += 1
        heapq.heappush(self._timers, (self.virtual + seconds, self._made, (future, instance)))
        return future

    def _asyncgen_finalizer_hook(self, _agen: Any) -> None:
        """A process that died runs no clean-up."""

    def _run_once(self) -> None:
        ready, timers = self._ready, self._timers  # type: ignore[attr-defined]
        while not ready:
            if self.answers_awaited and self._answers():
                continue
            if not timers:
                if self.answers_awaited and self._answers(LONGEST_ANSWER_SECONDS):
                    continue
                raise Stuck("nothing is left that could happen")
            now = self.virtual = max(self.virtual, timers[0][0])
            while timers and timers[0][0] <= now:
                self._due(heapq.heappop(timers)[2])
        if self.answers_awaited:
            self._process_events(self._selector.select(0))  # type: ignore[attr-defined]
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            context = handle._context
            instance = context.get(INSTANCE)
            if instance is not None and instance.stopped:
                instance.parked.append(handle)
                continue
            try:
                context.run(handle._callback, *handle._args)
            except Exception as error:
                self.call_exception_handler({"message": "a callback raised", "exception": error})

    def _due(self, what: Any) -> None:
        if type(what) is not tuple:
            self._ready.append(what)  # type: ignore[attr-defined]
            return
        future, instance = what
        if instance.stopped:
            instance.parked.append(what)
        elif not future.done():
            future.set_result(None)

    def unpark(self, instance: Instance) -> None:
        """The instance goes on; what came meanwhile comes now, in order."""
        instance.stopped = False
        parked, instance.parked = instance.parked, []
        for what in parked:
            self._due(what)

    def _answers(self, patience: float | None = None) -> bool:
        """Waits a moment of real time for the database. A statement that waits for a lock must not stop the virtual clock."""
        if patience is None:
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
        self._timers.clear()
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
