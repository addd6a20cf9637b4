"""Making the topics of the topology on a broker: plan says what would be done, apply does it. The count of partitions never changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from aiokafka.protocol.admin import CreateAclsRequest

from shared import access, address
from shared.access import Allowed
from shared.topology import TOPICS, Topic


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done for one topic: create, keep, or refuse with the reason."""

    topic: str
    action: str
    detail: str = ""


class Refused(Exception):
    """The broker's topics do not fit the topology, and making them fit would lose or reorder records."""


async def plan(kafka: str, partitions: int, *, topics: Sequence[Topic] = TOPICS) -> list[Step]:
    """Compares the topology with the broker. Raises KafkaError when the broker is away."""
    admin = AIOKafkaAdminClient(**address.client(kafka))
    await admin.start()
    try:
        there = {
            found["topic"]: len(found["partitions"])
            for found in await admin.describe_topics([topic.name for topic in topics])
            if found["error_code"] == 0
        }
    finally:
        await admin.close()
    steps = []
    for topic in topics:
        count = there.get(topic.name)
        if count is None:
            steps.append(Step(topic.name, "create", f"{partitions} partitions"))
        elif count == partitions:
            steps.append(Step(topic.name, "keep", f"{count} partitions"))
        else:
            steps.append(
                Step(
                    topic.name,
                    "refuse",
                    f"has {count} partitions, LEADFLOW_PARTITIONS says {partitions}: the count is fixed when a stack is made, "
                    "since a lead's partition follows from it",
                )
            )
    return steps


async def apply(kafka: str, partitions: int, *, replicas: int = 1, topics: Sequence[Topic] = TOPICS) -> list[Step]:
    """Creates what is missing. Raises Refused, before anything is made, if a topic has another count of partitions."""
    steps = await plan(kafka, partitions, topics=topics)
    refused = [f"{step.topic} {step.detail}" for step in steps if step.action == "refuse"]
    if refused:
        raise Refused("; ".join(refused))
    missing = {step.topic for step in steps if step.action == "create"}
    admin = AIOKafkaAdminClient(**address.client(kafka))
    await admin.start()
    try:
        wanted = [_new(topic, partitions, replicas) for topic in topics if topic.name in missing]
        if wanted:
            response = await admin.create_topics(wanted, timeout_ms=20_000)
            for name, code, *_ in response.topic_errors:
                error = for_code(code)
                if code and error is not TopicAlreadyExistsError:
                    raise Refused(f"the broker would not create {name}: {error.__name__}")
    finally:
        await admin.close()
    return steps


# Numbers of Kafka's protocol: org.apache.kafka.common.resource.ResourceType, .resource.PatternType, .acl.AclOperation (4.4).
_KINDS = {"topic": 2, "group": 3, "cluster": 4, "transactional id": 5}
_OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Alter": 7, "Describe": 8, "DescribeConfigs": 10}
_LITERAL, _PREFIXED, _ALLOW = 3, 4, 3


async def allow(kafka: str, permissions: Sequence[Allowed] | None = None) -> int:
    """Gives each process what it needs on this broker (shared/access.py), and says how many permissions that are. Takes none away.
    Raises Refused when the broker will not, KafkaError when it is away."""
    wanted = access.allowed() if permissions is None else permissions
    admin = AIOKafkaAdminClient(**address.client(kafka))
    try:
        await admin.start()
        for one in wanted:
            request = CreateAclsRequest(
                _KINDS[one.kind],
                one.name,
                _PREFIXED if one.begins else _LITERAL,
                f"User:{one.who}",
                "*",
                _OPERATIONS[one.operation],
                _ALLOW,
            )
            for code, *_ in (await admin._send_request(request)).creation_responses:
                if code:
                    raise Refused(f"the broker would not take permissions: {for_code(code).__name__}")
    finally:
        await admin.close()
    return len(wanted)


def _new(topic: Topic, partitions: int, replicas: int) -> NewTopic:
    return NewTopic(
        topic.name,
        partitions,
        replicas,
        topic_configs={
            "retention.ms": str(topic.retention_ms if topic.retention_ms is not None else -1),
            "cleanup.policy": topic.cleanup,
            "max.message.bytes": str(topic.max_message_bytes),
            "message.timestamp.type": "LogAppendTime",
            "compression.type": "producer",
            "min.insync.replicas": str(max(1, replicas - 1)),
        },
    )
