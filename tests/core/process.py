"""The tally stage as a process of its own, so that tests can kill and freeze it: python -m tests.core.process PREFIX."""

from __future__ import annotations

import os
import sys

from shared import service
from shared.settings import Common, load
from shared.topology import Topic
from tests.core import tally


def topics(prefix: str) -> tuple[Topic, Topic, Topic]:
    """The three topics of one test."""

    def topic(name: str, *, transactional: bool = False) -> Topic:
        return Topic(f"{prefix}.{name}", "key", (), (), (), transactional=transactional)

    return topic("in"), topic("sums"), topic("tens", transactional=True)


def main(prefix: str) -> None:
    """Runs until SIGTERM."""
    reads, sums, tens = topics(prefix)
    stage = tally.stage(reads=reads, sums=sums, tens=tens, name=f"tally-{prefix}")
    service.run("tally", load(Common), stages=lambda _: [stage], migrations=tally.MIGRATIONS)


if __name__ == "__main__":
    os.environ.setdefault("LEADFLOW_HTTP_HOST", "127.0.0.1")
    main(sys.argv[1])
