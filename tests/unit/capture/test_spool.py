"""What the spool knows without a database: which lanes are held, and that failures do not count as events."""

from __future__ import annotations

from services.capture.spool import Spool
from services.capture.store import Lane
from shared.message import Message

HOT: Lane = ("leads.captured.v1", 0)
NOBODY = "postgresql://nobody@127.0.0.1:9/x"  # the discard port


async def never(*_: object, **__: object) -> None:
    raise AssertionError("nothing is drained here")


def a_spool() -> Spool:
    return Spool(NOBODY, holder="capture-0/1", write=never, budget_seconds=1, limit_events=2)


def messages(count: int) -> list[Message]:
    return [Message(*HOT, b"key", b"{}", [], str(number)) for number in range(count)]


async def test_what_could_not_be_kept_holds_its_lane_and_does_not_fill_the_spool() -> None:
    """Else a long absence of Postgres would end in 503 though Kafka takes everything."""
    spool = a_spool()
    for _ in range(3):
        assert not await spool.keep({HOT: messages(2)})
    assert spool.holds(HOT)
    assert (spool.events, spool.full()) == (0, False)
    assert spool.trouble is not None


def test_a_lane_into_which_another_instance_puts_rows_is_held_from_then_on() -> None:
    spool = a_spool()
    spool._hear("leads.captured.v1 0 capture-0/1")  # its own word
    assert not spool.holds(HOT)
    spool._hear("leads.captured.v1 0 capture-1/2")
    assert spool.holds(HOT)
