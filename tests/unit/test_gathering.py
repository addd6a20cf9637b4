"""The broker gathers for as long as batches take: fewer and fuller ones where they take long, within bounds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from shared import reader
from shared.reader import IDLE_MS, LONGEST_WINDOW_MS, Reader, window_ms

LEAST_MS = 15
times = st.floats(0, 1e7)


def after(*took_ms: float, least_ms: float = LEAST_MS) -> float:
    window = least_ms
    for took in took_ms:
        window = window_ms(window, took_ms=took, least_ms=least_ms)
    return window


@given(st.lists(times))
def test_the_window_stays_within_its_bounds(took_ms: list[float]) -> None:
    assert LEAST_MS <= after(*took_ms) <= LONGEST_WINDOW_MS


def test_quick_batches_leave_the_window_as_the_stage_wants_it() -> None:
    assert after(*[LEAST_MS / 2] * 50) == LEAST_MS


def test_the_window_becomes_twice_of_what_batches_take() -> None:
    assert after(*[30.0] * 30) == pytest.approx(60, abs=0.1)


def test_one_batch_that_waited_for_the_database_moves_it_by_a_quarter_at_most() -> None:
    assert after(30_000.0) == LEAST_MS + (LONGEST_WINDOW_MS - LEAST_MS) / 4


def test_after_slow_batches_it_finds_back() -> None:
    assert after(*[500.0] * 30, *[5.0] * 30) == pytest.approx(LEAST_MS, abs=0.1)


@given(st.lists(times))
def test_a_stage_that_gathers_for_long_keeps_its_own_window(took_ms: list[float]) -> None:
    assert after(*took_ms, least_ms=250) == 250


async def test_the_broker_is_told_of_the_window_with_the_next_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    row = SimpleNamespace(topic="in", partition=0, offset=0, timestamp=1, key=None, value=b"", headers=())
    told = SimpleNamespace(_fetch_min_bytes=0, _fetch_max_wait_ms=0)
    now = 0.0

    async def getmany(**_: Any) -> dict[Any, list[Any]]:
        return {TopicPartition("in", 0): [row]} if now < 1 else {}

    monkeypatch.setattr(reader, "AIOKafkaConsumer", lambda **_: SimpleNamespace(_fetcher=told, getmany=getmany))
    monkeypatch.setattr(reader, "time", SimpleNamespace(monotonic=lambda: now))

    async def nobody(_: Any) -> None: ...

    made = Reader(
        "127.0.0.1:9",
        group="g",
        member="m",
        topics=["in"],
        session_timeout_ms=3000,
        gather_ms=LEAST_MS,
        on_revoked=nobody,
    )
    await made.gather([0], {})
    assert told._fetch_max_wait_ms == LEAST_MS
    for _ in range(30):
        made.follow(0.025)
    await made.gather([0], {})
    assert told._fetch_max_wait_ms == 50
    now = 10.0
    await made.gather([0], {})
    assert (told._fetch_min_bytes, told._fetch_max_wait_ms) == (1, IDLE_MS)
