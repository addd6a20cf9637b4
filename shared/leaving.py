"""Taking a static member out of its groups for good: the goodbye that a static member never says by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Int16, Int32, Schema, String

from shared import address, logs

GROUP_PREFIX = "leadflow-"
_AGAIN_SECONDS = 0.3
_UNKNOWN_MEMBER = 25
_AT_REST = ("Stable", "Empty", "Dead")

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

    def __init__(self, group: str, instances: Sequence[str]) -> None:
        self._group = group
        self._instances = instances

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(self._group, [("", instance) for instance in self._instances])


async def leave(kafka: str, *members: str, patience_seconds: float = 60.0) -> list[str]:
    """Takes `members` (score-2) out of every group of the house, so that the others get their numbers at once instead of after the
    session time-out. For those that have stopped and will not come back. Returns the groups that they left, when these are at rest
    without them: a broker that dies before the others have joined anew has forgotten the goodbye, and is told again.

    Waits for a broker that is away; raises KafkaError when it is away for longer than `patience_seconds`.
    """
    left: set[str] = set()
    known: set[str] = set()
    was_away = False
    deadline = time.monotonic() + patience_seconds
    while True:
        late = time.monotonic() > deadline
        try:
            gone = await _goodbye(kafka, members, known, left)
            # A broker that is just coming back names no group before it has read them.
            if gone and (known or not was_away):
                return sorted(left)
            if late:
                logs.get().warning(
                    "a group was not at rest in time; it may have to wait for a session time-out", members=members
                )
                return sorted(left)
        except KafkaError:
            if late:
                raise
            was_away = True
        await asyncio.sleep(_AGAIN_SECONDS)


async def _goodbye(kafka: str, members: Sequence[str], known: set[str], left: set[str]) -> bool:
    """Says it once to every group, and adds to those that are `known` and to those that took it. Tells whether none of them knows the
    members, and those that took it are at rest."""
    admin = AIOKafkaAdminClient(**address.client(kafka))
    gone = True
    try:
        await admin.start()
        known |= {group for group, *_ in await admin.list_consumer_groups() if group.startswith(GROUP_PREFIX)}
        for group in sorted(known):
            coordinator = await admin.find_coordinator(group)
            instances = [f"{group.removeprefix(GROUP_PREFIX)}-{member}" for member in members]
            said = await admin._send_request_to_node(coordinator, _Leave(group, instances))
            errors = [said.error_code] if said.error_code else [error for *_, error in said.members]
            if 0 in errors:
                left.add(group)
            gone = gone and set(errors) == {_UNKNOWN_MEMBER}
        for group in sorted(left) if gone else ():
            (described,) = await admin.describe_consumer_groups([group])  # aiokafka can't read the answer for several
            gone = gone and all(state in _AT_REST for _, _, state, *_ in described.groups)
    finally:
        await admin.close()
    return gone
