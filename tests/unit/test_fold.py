"""The pure middle of a batch: what is rejected, what is encoded, what a later input sees."""

from __future__ import annotations

from typing import Any

import msgspec

from shared import clock, contracts, message
from shared.fold import Folded, fold, reject
from shared.message import Message
from shared.outcome import CommandResult, Decision, Outgoing, Reason, Reject
from shared.stage import Input, Record, Stage
from shared.topology import COMMANDS, ENRICHED, SCORED
from tests.core.driver import event_id


def a_record(topic: str = ENRICHED.name, **headers: bytes) -> Record:
    return Record(topic, 0, 7, 1_700_000_000_000, b"k", b"{}", headers, tuple(headers.items()))


def an_input(name: str = "1", *, record: Record | None = None, event: Any = None) -> Input:
    return Input(event_id(name), event, clock.EPOCH, 0, record or a_record())


def a_stage(decide: Any) -> Stage:
    async def nothing(*_: Any) -> Any:
        return {}

    return Stage("s", (ENRICHED,), (SCORED,), lambda _: Reject(Reason.INVALID), nothing, decide, nothing)


def test_the_second_event_of_a_batch_sees_what_the_first_decided() -> None:
    done = fold(
        a_stage(lambda world, _: Decision({"k": world.get("k", 0) + 1})),
        {},
        [an_input("1"), an_input("2")],
        partitions=4,
        refused={},
    )
    assert done.changes == {"k": 2}
    assert list(done.counted) == [event_id("1"), event_id("2")]


def test_what_decide_raises_rejects_that_input_alone_and_counts_towards_the_limit() -> None:
    def decide(world: Any, input_: Input) -> Decision:
        if input_.event == "bad":
            raise KeyError("jo@acme.example")
        return Decision({"k": input_.event})

    done = fold(
        a_stage(decide), {}, [an_input("1", event="bad"), an_input("2", event="good")], partitions=4, refused={}
    )
    assert done.changes == {"k": "good"}
    assert done.raised == 1
    assert [reason for reason, _ in done.rejected] == [Reason.DECIDE_FAILED]
    assert list(done.counted) == [event_id("2")]
    assert b"jo@acme.example" not in done.messages[0][0].value


def test_a_record_on_the_commands_topic_that_names_no_command_is_a_dead_letter_and_no_command_result() -> None:
    done = Folded()
    record = a_record(COMMANDS.name)
    reject(done, a_stage(None), Input("", None, clock.EPOCH, 0, record), Reject(Reason.UNDECODABLE))
    assert done.commands == []
    assert len(done.messages[0]) == 1


def test_a_stage_may_say_itself_what_became_of_a_command() -> None:
    refused = CommandResult(event_id("c"), "refused", "there is no such lead")
    given = an_input(record=a_record(COMMANDS.name))
    said = fold(a_stage(lambda *_: Decision(commands=[refused])), {}, [given], partitions=1, refused={})
    silent = fold(a_stage(lambda *_: Decision()), {}, [given], partitions=1, refused={})

    assert said.commands == [refused]
    assert silent.commands == [CommandResult(given.event_id, "done")]


def test_a_trace_parent_is_passed_on_unless_it_is_none() -> None:
    good = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"
    outgoing = Outgoing(SCORED, "ld_1", "lead.scored", event_id("out"), b"{}")

    def passed_on(given: bytes) -> bool:
        made = message.encode(outgoing, stage="s", cause=an_input(record=a_record(traceparent=given)), part=0)
        assert isinstance(made, Message)
        return "traceparent" in dict(made.headers)

    assert passed_on(good)
    assert not passed_on(b"x" * 1_000_000)


def test_a_dead_letter_keeps_repeated_headers() -> None:
    pairs = (("a", b"1"), ("a", b"2"))
    record = Record(ENRICHED.name, 0, 7, 0, b"k", b"{}", dict(pairs), pairs)
    done = Folded()
    reject(done, a_stage(None), an_input(record=record), Reject(Reason.INVALID))
    dead = contracts.Dead

    assert msgspec.json.decode(done.messages[0][0].value, type=dead).headers == [("a", b"1"), ("a", b"2")]


def test_a_timer_that_is_rejected_is_set_aside_since_it_stays_due() -> None:
    def decide(_: Any, input_: Input) -> Decision | Reject:
        if input_.event == "bad":
            raise KeyError
        return Decision() if input_.event == "good" else Reject(Reason.INVALID)

    timers = [Input(event_id(name), name, clock.EPOCH, 0) for name in ("bad", "good", "refused")]
    done = fold(a_stage(decide), {}, [*timers, an_input("1", event="bad")], partitions=4, refused={})
    assert done.aside == {event_id("bad"), event_id("refused")}
