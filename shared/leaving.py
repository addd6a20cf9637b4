"""Taking a static member out of its groups for good: the goodbye that a static member never says by itself."""

from __future__ import annotations

from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Int16, Int32, Schema, String

GROUP_PREFIX = "leadflow-"

# LeaveGroup version 3 names static members (KIP-345); aiokafka 0.14 ends at version 1. Schema: Apache Kafka's protocol guide.


class _LeaveResponse(Response):  # type: ignore[misc]
    API_KEY = 13
    API_VERSION = 3
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        (
            "members",
            Array(("member_id", String("utf-8")), ("group_instance_id", String("utf-8")), ("error_code", Int16)),
        ),
    )


class _LeaveRequestV3(RequestStruct):  # type: ignore[misc]
    API_KEY = 13
    API_VERSION = 3
    RESPONSE_TYPE = _LeaveResponse
    SCHEMA = Schema(
        ("group", String("utf-8")),
        ("members", Array(("member_id", String("utf-8")), ("group_instance_id", String("utf-8")))),
    )


class _Leave(Request[_LeaveRequestV3]):  # type: ignore[misc]
    API_KEY = 13

    def __init__(self, group: str, instance: str) -> None:
        self._group = group
        self._instance = instance

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(self._group, [("", self._instance)])


async def leave(kafka: str, member: str) -> list[str]:
    """Takes `member` (score-2) out of every group of the house, so that the others get its numbers at once instead of after the
    session time-out. For a member that has stopped and will not come back. Returns the groups that it left."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    left = []
    try:
        for group, *_ in await admin.list_consumer_groups():
            if not group.startswith(GROUP_PREFIX):
                continue
            coordinator = await admin.find_coordinator(group)
            instance = f"{group.removeprefix(GROUP_PREFIX)}-{member}"
            try:
                response = await admin._send_request_to_node(coordinator, _Leave(group, instance))
            except KafkaError:
                continue
            if not response.error_code and not any(error for *_, error in response.members):
                left.append(group)
    finally:
        await admin.close()
    return left
