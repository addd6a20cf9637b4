"""Sends a dead letter again: the original bytes, key, headers and id to the original place. Asks for no permission, keeps nothing."""

from __future__ import annotations

import asyncio

import uuid_utils

from services.console.domain.dead import REPLAY, replay_headers
from shared import clock, cloudevent, contracts
from shared.commands import Send
from shared.contracts import Command, Dead
from shared.message import Message
from shared.producer import Emitter
from shared.service import SEND_SECONDS
from shared.settings import Common
from shared.topology import COMMANDS


class Replayer:
    """Writes replays with a producer of its own, since they go to the partition where the record stood."""

    def __init__(self, settings: Common, send: Send) -> None:
        self.partitions = settings.partitions
        self._emitter = Emitter(settings.kafka, client_id=f"{settings.member}-replay")
        self._one_at_a_time = asyncio.Lock()
        self._send = send

    async def replay(self, dead: Dead) -> str:
        """Returns the id of the command that notes it, when the broker has both records. Raises TimeoutError; then it may or may not
        be there, and doing it again is safe: an event that counts already is dropped by its id.
        """
        again = Message(
            dead.place.topic, dead.place.partition, dead.key, dead.value, replay_headers(dead), dead.event_id
        )
        async with asyncio.timeout(SEND_SECONDS), self._one_at_a_time:
            await self._emitter.send([again])
        note = Command(
            event_id=str(uuid_utils.uuid7()), kind=REPLAY, issued_at=clock.now(), payload={"dead_id": dead.event_id}
        )
        headers = cloudevent.headers(
            event_id=note.event_id, type_="lead.command", source="console", time=clock.text(note.issued_at)
        )
        # Its death may be noted on another number: the store takes them in any order.
        await self._send(COMMANDS.name, dead.event_id, contracts.encode(note), headers)
        return note.event_id
