"""The ledger on disk: a line before each request and after each answer, handed to the system at once; and reading it again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.chaos.history import Attempt, Ledger, Outcome, Place, Sent, Span


class Book:
    """The ledger that is being written. What it says survives the process that writes it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._encode = msgspec.json.Encoder().encode
        self.path = path

    def note(self, what: str, **said: Any) -> None:
        """One line, written before this returns."""
        os.write(self._file, self._encode({"at": time.time(), "what": what, **said}) + b"\n")

    @contextmanager
    def span(self, name: str, **said: Any) -> Iterator[None]:
        """A fault that lasts: a line at its beginning, one at its end."""
        self.note("begin", name=name, **said)
        try:
            yield
        finally:
            self.note("end", name=name)

    def close(self) -> None:
        """No line comes any more."""
        os.close(self._file)


def read(path: Path) -> Ledger:
    """What the lines say. A fault without an end lasted until the last line."""
    found = Ledger()
    open_: dict[str, float] = {}
    last = 0.0
    with path.open("rb") as lines:
        for line in lines:
            said = msgspec.json.decode(line)
            last = said["at"]
            _take(found, said, open_)
    found.spans += [Span(name, begin, last) for name, begin in open_.items()]
    return found


def _take(found: Ledger, said: dict[str, Any], open_: dict[str, float]) -> None:
    match said["what"]:
        case "send":
            found.events.setdefault(said["event_id"], Sent(said["event_id"], said["kind"], who=said.get("who", "")))
        case "accepted":
            found.events[said["event_id"]].accepted = True
        case "tried":
            found.attempts.append(Attempt(said["since"], said["answer"], said["good"], said.get("says_when", True)))
        case "invalid":
            found.invalid[said["message_id"]] = said.get("answer", "")
        case "outcome":
            found.outcomes.setdefault(said["command_id"], Outcome(said["command_id"], said["handover_id"]))
        case "outcome-accepted":
            found.outcomes[said["command_id"]].accepted = True
        case "garbage":
            found.garbage[said["mark"]] = said["form"]
            if said.get("event_id"):
                found.garbage_ids.add(said["event_id"])
        case "garbage-at":
            found.garbage_at[Place(said["topic"], said["part"], said["offset"])] = said["mark"]
        case "copies":
            found.copies += said["records"]
        case "fault":
            found.done[said["name"]] += 1
        case "failed":
            found.failed.append(f"{said['name']}: {said['why']}")
        case "begin":
            open_[said["name"]] = said["at"]
        case "end":
            found.spans.append(Span(said["name"], open_.pop(said["name"], said["at"]), said["at"]))
