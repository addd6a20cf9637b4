"""The simulated world of one schedule: its broker, its store, its instances, and what goes wrong at which await."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from shared.health import Health
from shared.stage import Stage
from tests.simulation import seam
from tests.simulation.broker import Broker
from tests.simulation.group import SESSION_SECONDS
from tests.simulation.loop import INSTANCE, OUTSIDE, Instance, VirtualLoop
from tests.simulation.pool import SimulatedPool
from tests.simulation.stage import STAGE

IDLE_IN_TRANSACTION_SECONDS = 5.0  # as shared.database tells Postgres


class World:
    """All of one schedule. `store` makes sessions: in memory, or of a real Postgres."""

    def __init__(
        self, loop: VirtualLoop, rng: random.Random, store: Any, *, partitions: int, traced: bool, stage: Stage = STAGE
    ) -> None:
        self.loop, self.rng, self.store, self.partitions, self.stage = loop, rng, store, partitions, stage
        self.broker = Broker(loop, rng, partitions)
        self.instances: list[Instance] = []
        self.runners: dict[Instance, Any] = {}
        self.trouble: list[str] = []  # what must never happen, seen while it happened
        self.trace: list[str] | None = [] if traced else None
        self.events: list[str] = []  # the faults of the schedule, in short
        self.healed = self.over = False
        self.store_away_until = 0.0
        self.produce_faults = self.store_faults = 0.0  # how likely each is
        self.slow = 0.0  # how likely an await takes long
        self.restart_after = 0.0  # how long a dead instance stays away; below 0: for good
        self.draining: set[Instance] = set()
        self.batches: tuple[int, ...] = (1, 2, 3, 5, 1000)  # how many records a fetch gives at most
        self.to_come = 0  # records that are planned and not produced yet
        self.at_waking: list[Callable[[], object]] = []  # what comes just when a frozen instance goes on

    # -- what the fakes ask --------------------------------------------------------------------------------------------

    def pause(self, what: str) -> asyncio.Future[None]:
        """An await of the core. Here an instance may die, or freeze."""
        if self.over:
            raise asyncio.CancelledError
        instance = INSTANCE.get()
        assert instance is not None
        instance.steps += 1
        if self.trace is not None:
            self.note(" ".join(what.split())[:90])
        future = self.loop.pause(instance, self.latency())
        if instance.faults:
            fault = instance.faults.pop(instance.steps, None)
            if fault is not None and not self.healed:
                self.event(f"{instance.name} {fault} at its await {instance.steps}: {' '.join(what.split())[:40]}")
                if fault == "dies":
                    self.kill(instance)
                elif fault == "is overtaken":
                    self.freeze(instance, SESSION_SECONDS + 1 + 3 * self.rng.random())
                else:
                    self.freeze(instance, self.rng.choice((0.5, 3.0, 7.0, 12.0)) * (0.5 + self.rng.random()))
        return future

    def latency(self) -> float:
        luck = self.rng.random()
        if self.slow and not self.healed and luck < self.slow:
            return luck / self.slow * self.rng.choice((0.05, 0.3, 2.5))
        return 0.0005 + 0.003 * luck

    def produce_fate(self) -> str:
        """Written and answered; written and unanswered; lost; or late, when its sender has long gone on."""
        if self.healed or not self.produce_faults or self.rng.random() >= self.produce_faults:
            return "well"
        fate = self.rng.choice(("unanswered", "lost", "late"))
        self.event(f"{self._name()} writes: {fate}")
        return fate

    def store_fate(self) -> str | None:
        """A connection that breaks before or after the server has done it."""
        if self.healed:
            return None
        if self.store_away:
            return "lost"
        if not self.store_faults or self.rng.random() >= self.store_faults:
            return None
        fate = self.rng.choice(("unanswered", "lost"))
        self.event(f"{self._name()} stores: {fate}")
        return fate

    @property
    def store_away(self) -> bool:
        return self.loop.virtual < self.store_away_until

    # -- instances -----------------------------------------------------------------------------------------------------

    def start(self, member: str, faults: dict[int, str] | None = None) -> Instance:
        """A new process under a member's name."""
        instance = Instance(f"{member}.{sum(one.member == member for one in self.instances)}", member, self)
        instance.faults = faults or {}
        self.instances.append(instance)
        self.event(f"{instance.name} starts")
        self.loop.within(instance, self._live(instance))
        return instance

    async def _live(self, instance: Instance) -> None:
        runner = self.runners[instance] = seam.Runner(
            self.stage,
            SimulatedPool(instance, self.store.session),  # type: ignore[arg-type]
            kafka="simulated:9092",
            member=instance.member,
            partitions=self.partitions,
            session_timeout_ms=int(SESSION_SECONDS * 1000),
            health=Health(),
        )
        try:
            await runner.run()
            if instance not in self.draining:
                self.trouble.append(f"{instance.name} ended though nobody asked it to")
        except Exception as error:
            self.trouble.append(f"{instance.name} ended with {error!r}")
        if not self.over:
            self._bury(instance)

    def _bury(self, instance: Instance) -> None:
        instance.dead = instance.stopped = True
        for session in instance.sessions:
            self.loop.outside(self.rng.random() * 0.2, session.kill)
        for consumer in instance.consumers:
            self.loop.outside(SESSION_SECONDS, consumer._group.leave, consumer)

    def kill(self, instance: Instance) -> None:
        """SIGKILL: no more of its code runs; the server ends its sessions; the group waits for its session."""
        if instance.dead:
            return
        self._bury(instance)
        if self.restart_after >= 0 and not self.healed:
            self.loop.outside(self.restart_after * self.rng.random(), self._restart, instance.member)

    def _restart(self, member: str) -> None:
        if not self.healed and not any(one.member == member and not one.dead for one in self.instances):
            again = {1 + int(self.rng.random() ** 2 * 150): "dies"} if self.rng.random() < 0.3 else None
            self.start(member, again)

    def freeze(self, instance: Instance, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after `seconds`; meanwhile its session and its transactions run out."""
        instance.stopped = True
        self.loop.outside(seconds, self.wake, instance)
        self.loop.outside(IDLE_IN_TRANSACTION_SECONDS, self._end_idle, instance)
        for consumer in instance.consumers:
            self.loop.outside(SESSION_SECONDS, self._expire, instance, consumer)

    def _end_idle(self, instance: Instance) -> None:
        if not instance.stopped or self.over:
            return
        for session in list(instance.sessions):
            if session.open and not session.busy:
                session.kill()
        if instance.sessions:
            self.loop.outside(IDLE_IN_TRANSACTION_SECONDS, self._end_idle, instance)

    def _expire(self, instance: Instance, consumer: Any) -> None:
        if instance.stopped and not self.over:
            consumer._group.leave(consumer)

    def wake(self, instance: Instance) -> None:
        """It goes on as if nothing had been; its consumer learns with its next heartbeat what it has lost."""
        if not instance.stopped or instance.dead:
            return
        self.event(f"{instance.name} wakes")
        self.loop.unpark(instance)
        coming, self.at_waking = self.at_waking, []
        for what in coming:
            self.loop.outside(max(0.0, self.rng.random() * 1.5 - 0.2), what)
        for consumer in instance.consumers:
            if consumer.evicted:
                consumer.rebalance(self.rng.random() * 3)

    def drain(self, instance: Instance) -> None:
        """SIGTERM."""
        if instance.dead or instance not in self.runners:
            return
        self.event(f"{instance.name} is asked to end")
        self.draining.add(instance)
        self.runners[instance].drain()

    # -- telling -------------------------------------------------------------------------------------------------------

    def _name(self) -> str:
        instance = INSTANCE.get()
        return instance.name if instance is not None else "-"

    def event(self, what: str) -> None:
        self.events.append(f"{self.loop.virtual:8.3f}  {what}")
        self.note(f"*** {what}", instance=None)

    def note(self, what: str, *, instance: str | None = "") -> None:
        if self.trace is not None:
            name = self._name() if instance == "" else ""
            self.trace.append(f"{self.loop.virtual:8.3f}  {name:10} {what}")


__all__ = ["OUTSIDE", "World"]
