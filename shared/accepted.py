"""When we accepted what a batch tells of: what the latency from end to end is measured from. Who measures it, when Kafka has the messages, is sending.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.outcome import Outgoing
from shared.stage import Input, Stage

_TRACEPARENT_BYTES = 55


@dataclass(frozen=True, slots=True)
class Accepted:
    """When we accepted what a batch has messages of (seconds since 1970), and what names the oldest of it: for the latency from end to end."""

    at: Sequence[float]
    oldest: dict[str, str]


def of(stage: Stage, told: Sequence[tuple[Input, Outgoing]]) -> Mapping[str, Accepted]:
    """By topic when we accepted what its messages are about, each input once; nothing where the stage does not know."""
    if stage.accepted is None:
        return {}
    found: dict[str, list[tuple[float, Input]]] = {}
    last: tuple[Input, str] | None = None
    for input_, outgoing in told:
        topic = outgoing.topic.name
        if input_.record is None or (last is not None and input_ is last[0] and topic == last[1]):
            continue
        last = input_, topic
        at = stage.accepted(input_.event)
        if at is not None:
            found.setdefault(topic, []).append((at.timestamp(), input_))
    return {
        topic: Accepted([at for at, _ in ones], _named(min(ones, key=lambda one: one[0])[1]))
        for topic, ones in found.items()
    }


def _named(input_: Input) -> dict[str, str]:
    """An exemplar's labels: the event's id, and the trace's where it has one (W3C Trace Context: version-trace-span-flags)."""
    traceparent = input_.record.headers.get("traceparent", b"") if input_.record is not None else b""
    trace = traceparent[3:35].decode("ascii", "replace") if len(traceparent) == _TRACEPARENT_BYTES else ""
    return {"event_id": input_.event_id, "trace_id": trace} if trace.isalnum() else {"event_id": input_.event_id}
