"""Transactional output at a real broker: whoever owns a number last is the only one who can still commit a handover of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared import topics
from shared.message import Message
from shared.once import OnceWriter
from shared.ownership import Fenced
from shared.reader import read
from tests.core.driver import event_id
from tests.core.process import topics as topics_of

PARTITIONS = 2


class Owners:
    """Instances that write one stage's handovers, each with a writer of its own."""

    def __init__(self, kafka: str, prefix: str) -> None:
        self._kafka, self._stage = kafka, f"once-{prefix}"
        *_, self.topic = topics_of(prefix)
        self.made: list[OnceWriter] = []

    async def takes(self, part: int, *, beside: OnceWriter | None = None) -> OnceWriter:
        """The owner that takes number `part` over: a new one, or one that holds other numbers already."""
        if beside is None:
            beside = OnceWriter(self._kafka, stage=self._stage)
            self.made.append(beside)
        await beside.open(part, {self.topic.name: 0})
        return beside

    def handover(self, name: str, *, part: int) -> Message:
        return Message(self.topic.name, part, b"k", b"{}", [("ce_id", event_id(name).encode())], event_id(name))

    async def there(self, part: int) -> list[str]:
        """Ids of what a reader of committed records sees, one for each physical record."""
        places = {(self.topic.name, part): 0}
        return [one.headers["ce_id"].decode() async for one in read(self._kafka, places, committed_only=True)]


@pytest.fixture
async def owners(kafka: str, prefix: str) -> AsyncIterator[Owners]:
    made = Owners(kafka, prefix)
    await topics.apply(kafka, PARTITIONS, topics=[made.topic])
    yield made
    for owner in made.made:
        await owner.close()


async def test_an_owner_that_wakes_after_its_successor_has_sent_its_handover_cannot_send_it_again(
    owners: Owners,
) -> None:
    same, next_ = owners.handover("same", part=0), owners.handover("next", part=0)
    frozen = await owners.takes(0)
    successor = await owners.takes(0)
    await successor.send(0, [same])
    with pytest.raises(Fenced):  # it has read the topic's tail before: nothing but its transactional id tells it
        await frozen.send(0, [same])
    await successor.send(0, [next_])
    assert await owners.there(0) == [event_id("same"), event_id("next")]


async def test_what_an_owner_had_open_is_aborted_by_its_successor_and_nobody_sees_it(owners: Owners) -> None:
    same = owners.handover("same", part=0)
    frozen = await owners.takes(0)
    producer = frozen._numbers[0].producer
    assert producer is not None
    await producer.begin_transaction()
    await producer.send_and_wait(same.topic, same.value, key=same.key, partition=0, headers=same.headers)
    successor = await owners.takes(0)
    assert await owners.there(0) == []
    await successor.send(0, [same])
    assert await owners.there(0) == [event_id("same")]


async def test_taking_one_number_over_fences_nobody_who_owns_another(owners: Owners) -> None:
    both = await owners.takes(0)
    await owners.takes(1, beside=both)
    successor = await owners.takes(1)
    await both.send(0, [owners.handover("kept", part=0)])
    await successor.send(1, [owners.handover("taken", part=1)])
    assert (await owners.there(0), await owners.there(1)) == ([event_id("kept")], [event_id("taken")])
