"""Our headers are CloudEvents 1.0 in Kafka's binary mode: the official SDK reads what we write and writes what we read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from cloudevents.core.bindings import kafka
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from shared import clock, cloudevent
from shared.contracts import EVENTS, Noted, encode
from shared.ids import event_id

AT = datetime(2026, 11, 27, 1, 2, 3, 456_000, tzinfo=UTC)
NOTED = Noted(event_id=event_id("enrich", "a", "b", 1, "lead.noted"), activity_id="a", why="visitor")


def written(**changed: Any) -> list[tuple[str, bytes]]:
    said: dict[str, Any] = {
        "event_id": NOTED.event_id,
        "type_": "lead.noted",
        "source": "/leadflow/enrich",
        "time": clock.text(AT),
        "subject": "ld_1",
    }
    return cloudevent.headers(**(said | changed))


def test_the_sdk_reads_what_we_write() -> None:
    message = kafka.KafkaMessage(headers=dict(written()), key=b"ld_1", value=encode(NOTED))
    read = kafka.from_binary_event(message)
    assert read.get_attributes() == {
        "specversion": "1.0",
        "id": NOTED.event_id,
        "type": "lead.noted",
        "source": "/leadflow/enrich",
        "time": AT,
        "subject": "ld_1",
        "datacontenttype": "application/json",
        "partitionkey": "ld_1",  # the SDK's name for the record's key
    }
    assert read.get_data() == {"event_id": NOTED.event_id, "activity_id": "a", "why": "visitor"}


def test_the_sdk_writes_the_headers_that_we_write() -> None:
    event = CloudEvent(
        {
            "specversion": "1.0",
            "id": NOTED.event_id,
            "type": "lead.noted",
            "source": "/leadflow/enrich",
            "time": AT.replace(microsecond=0),
            "subject": "ld_1",
            "datacontenttype": "application/json",
        },
        json.loads(encode(NOTED)),
    )
    message = kafka.to_binary_event(event)
    ours = written(time="2026-11-27T01:02:03Z")
    assert message.headers == dict(ours)
    assert cloudevent.by_name(list(message.headers.items())) == dict(ours)
    assert json.loads(message.value) == json.loads(encode(NOTED))


@given(
    st.uuids().map(str),
    st.sampled_from(sorted(EVENTS)),
    st.integers(0, 7_000_000_000_000).map(clock.from_ms),
    st.none() | st.text("abcdefghijklmnopqrstuvwxyz234567_", min_size=1, max_size=30),
)
def test_any_event_comes_back_from_the_sdk_as_it_was(id_: str, type_: str, at: datetime, subject: str | None) -> None:
    ours = written(event_id=id_, type_=type_, time=clock.text(at), subject=subject)
    read = kafka.from_binary_event(kafka.KafkaMessage(headers=dict(ours), key=None, value=b"{}"))
    assert (read.get_id(), read.get_type(), read.get_subject()) == (id_, type_, subject)
    assert read.get_time() == at
    assert cloudevent.by_name(list(kafka.to_binary_event(read).headers.items())).keys() == dict(ours).keys()


def test_no_header_is_written_for_what_is_not_known() -> None:
    assert "ce_subject" not in dict(written(subject=None))
    assert "traceparent" not in dict(written())


def test_a_trace_is_passed_on_as_it_came() -> None:
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert dict(written(traceparent=trace))["traceparent"] == trace


def test_of_a_header_that_comes_twice_the_last_one_counts_and_null_is_absent() -> None:
    pairs = [("ce_id", b"1"), ("ce_type", None), ("ce_id", b"2")]
    assert cloudevent.by_name(pairs) == {"ce_id": b"2"}
