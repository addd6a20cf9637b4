"""A consumer group as the broker sees it: static members, sessions that run out, eager rebalances. No records."""

from __future__ import annotations

import asyncio
import random
from typing import Protocol

from tests.simulation.broker import Place
from tests.simulation.loop import VirtualLoop

SESSION_SECONDS = 6.0


class Member(Protocol):
    """What the group asks of a consumer."""

    member: str
    evicted: bool

    def rebalance(self, delay: float) -> None:
        """Tells it, with its next heartbeat, that it has to join again."""


class Group:
    """Members by their static name, who owns which number, and what was committed."""

    def __init__(self, loop: VirtualLoop, rng: random.Random, partitions: int) -> None:
        self.loop = loop
        self.rng = rng
        self.partitions = partitions
        self.committed: dict[Place, int] = {}
        self.members: dict[str, Member] = {}
        self.turned = 0  # shifts who gets which number
        self._joining: dict[str, asyncio.Future[frozenset[int]]] = {}
        self._assigned: dict[str, frozenset[int]] = {}
        self._stable = True

    def owns(self, consumer: Member) -> bool:
        """Whether the group takes a commit from it."""
        return self.members.get(consumer.member) is consumer and self._stable

    def join(self, consumer: Member) -> asyncio.Future[frozenset[int]]:
        """What the group answers a member that joins: its numbers, once all members have joined."""
        name = consumer.member
        answer: asyncio.Future[frozenset[int]] = self.loop.create_future()
        before = self.members.get(name)
        self.members[name] = consumer
        if before is not None and before is not consumer and self._stable:
            answer.set_result(self._assigned.get(name, frozenset()))  # a static member came back
            return answer
        self._joining[name] = answer
        if self._stable:
            self._begin(but=name)
        self._complete()
        return answer

    def leave(self, consumer: Member) -> None:
        """The session of a member ran out, or it said goodbye. Nothing happens if its name has come back."""
        if self.members.get(consumer.member) is not consumer:
            return
        del self.members[consumer.member]
        self._assigned.pop(consumer.member, None)
        self._joining.pop(consumer.member, None)
        consumer.evicted = True
        self.turn(0)

    def turn(self, by: int = 1) -> None:
        """Begins a rebalance that shifts the numbers."""
        self.turned += by
        if self.members:
            if self._stable:
                self._begin(but="")
            self._complete()

    def _begin(self, *, but: str) -> None:
        self._stable = False
        for name, member in list(self.members.items()):
            if name != but:
                member.rebalance(0.001 + self.rng.random() * (0.05 if self.rng.random() < 0.5 else 2.0))

    def _complete(self) -> None:
        if self._joining.keys() != self.members.keys():
            return
        self._stable = True
        names = sorted(self.members)
        self._assigned = {
            name: frozenset(
                part
                for part in range(self.partitions)
                if (part + self.turned) % self.partitions * len(names) // self.partitions == at
            )
            for at, name in enumerate(names)
        }
        joining, self._joining = self._joining, {}
        for name, answer in joining.items():
            if not answer.done():
                answer.set_result(self._assigned[name])
