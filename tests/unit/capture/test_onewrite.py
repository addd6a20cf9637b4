"""An answer is one write, also in uvicorn, and nothing of it is lost."""

from __future__ import annotations

import asyncio
from typing import Any

from services.capture.onewrite import _HeadWaits

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Wire(asyncio.Transport):
    """A transport that notes what is done with it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[Any] = []

    def write(self, data: Any) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("closed")


def test_head_and_body_are_one_write() -> None:
    wire = Wire()
    held = _HeadWaits(wire)
    held.write(HEAD)
    held.write(b"ok")
    held.write(HEAD)
    held.write(b"")
    assert wire.done == [HEAD + b"ok", HEAD]


def test_go_on_is_said_at_once_and_a_head_without_a_body_before_the_end() -> None:
    wire = Wire()
    held = _HeadWaits(wire)
    held.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    held.write(HEAD)
    held.close()
    assert wire.done == [b"HTTP/1.1 100 Continue\r\n\r\n", HEAD, "closed"]
