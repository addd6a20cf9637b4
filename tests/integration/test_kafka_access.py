"""Towards a Kafka that asks for TLS, a password and permissions: each process gets in and does its own, and is denied everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from shared import access, producer, reader, topics
from shared.topology import CAPTURED, ENRICHED, HANDOVER, OUTCOMES, SCORED, TOPICS, Topic
from tests.integration import secured
from tests.integration.secured import Authority

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]  # a broker of its own


@dataclass(frozen=True, slots=True)
class Fortress:
    """The broker, and whom it trusts."""

    place: str
    trusted: Authority

    def of(self, user: str) -> str:
        """The address of `user`."""
        return secured.at(self.place, user, self.trusted.ca)


@pytest.fixture(scope="module")
def fortress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fortress]:
    folder = tmp_path_factory.mktemp("fortress")
    trusted = secured.authority(folder / "tls")
    with ThreadPoolExecutor(1) as elsewhere:  # it runs event loops of its own
        running = secured.broker(folder, trusted)
        yield Fortress(elsewhere.submit(running.__enter__).result(), trusted)
        elsewhere.submit(running.__exit__, None, None, None).result()


async def writes(kafka: str, topic: str) -> None:
    """One record, acknowledged."""
    made = producer.new(kafka, client_id="test")
    await made.start()
    try:
        await asyncio.wait_for(made.send_and_wait(topic, b"{}", partition=0), 20)
    finally:
        await producer.stop(made)


async def reads(kafka: str, topic: str) -> int:
    """How many records partition 0 has."""
    return len([one async for one in reader.read(kafka, {(topic, 0): 0}, committed_only=True)])


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("capture", CAPTURED),
        ("enrich", ENRICHED),
        ("score", SCORED),
        ("route", HANDOVER),
        ("web", CAPTURED),
        ("sales", OUTCOMES),
    ],
    ids=lambda one: one if isinstance(one, str) else one.name,
)
async def test_each_writes_what_the_topology_says(fortress: Fortress, user: str, topic: Topic) -> None:
    await writes(fortress.of(user), topic.name)
    assert await reads(fortress.of(access.OPERATOR), topic.name) >= 1


@pytest.mark.parametrize(
    ("user", "topic"),
    [
        ("capture", SCORED),
        ("enrich", HANDOVER),
        ("score", HANDOVER),
        ("signals", SCORED),
        ("web", OUTCOMES),
        ("sales", HANDOVER),
    ],
    ids=lambda one: one if isinstance(one, str) else one.name,
)
async def test_each_is_denied_writing_elsewhere(fortress: Fortress, user: str, topic: Topic) -> None:
    with pytest.raises((TopicAuthorizationFailedError, TimeoutError)):
        await writes(fortress.of(user), topic.name)
    assert user not in {one.who for one in access.allowed() if one.name == topic.name and one.operation == "Write"}


@pytest.mark.parametrize(
    ("user", "topic"),
    [("capture", ENRICHED), ("signals", CAPTURED), ("web", CAPTURED), ("marketing", HANDOVER)],
    ids=lambda one: one if isinstance(one, str) else one.name,
)
async def test_each_is_denied_reading_elsewhere(fortress: Fortress, user: str, topic: Topic) -> None:
    # Who may not even know of the topic asks for its end in vain, again and again.
    with pytest.raises((KafkaError, TimeoutError)):
        await asyncio.wait_for(reads(fortress.of(user), topic.name), 5)


async def test_a_stage_joins_its_own_group_and_no_other(fortress: Fortress) -> None:
    async def joins(user: str, group: str) -> bool:
        async def nothing(_: object) -> None: ...

        made = reader.Reader(
            fortress.of(user),
            group=group,
            member=f"{group}-0",
            topics=[ENRICHED.name],
            session_timeout_ms=6000,
            gather_ms=15,
            on_revoked=nothing,
        )
        try:
            await asyncio.wait_for(made.start(), 20)
            async with asyncio.timeout(20):
                while not made.assigned:
                    await asyncio.sleep(0.05)
            return True
        except GroupAuthorizationFailedError:
            return False
        finally:
            await made.close()

    assert await joins("score", "leadflow-score")
    assert not await joins("score", "leadflow-route")


async def test_a_wrong_password_is_not_let_in(fortress: Fortress) -> None:
    with pytest.raises(KafkaError):
        await topics.plan(secured.at(fortress.place, "score", fortress.trusted.ca, "wrong"), 2)


async def test_a_broker_of_an_unknown_authority_is_not_trusted(fortress: Fortress, tmp_path: Path) -> None:
    stranger = secured.authority(tmp_path / "stranger")
    with pytest.raises(KafkaError):
        await topics.plan(secured.at(fortress.place, "score", stranger.ca), 2)


async def test_only_who_makes_topics_may_make_them(fortress: Fortress) -> None:
    assert {step.action for step in await topics.apply(fortress.of(access.MAKER), 2)} == {"keep"}
    new = Topic("leads.other.v1", "any", (), (), ())
    with pytest.raises(topics.Refused, match="TopicAuthorizationFailedError"):
        await topics.apply(fortress.of("score"), 2, topics=(*TOPICS, new))
