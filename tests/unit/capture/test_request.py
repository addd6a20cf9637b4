"""One request within its limits: what gzip may do, and what is remembered of it."""

from __future__ import annotations

import gzip
import os

import pytest

from services.capture import request
from services.capture.domain import connection, touch
from tests.unit.capture.door import Visitor, problem

EVENT = b'{"userId":"u1","event":"x"}'


# Named by hand: packed bytes carry the time of packing, and workers that run tests side by side have to find the same names.
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(gzip.compress(EVENT)[:-3], (400, "broken-body"), id="cut-off"),
        pytest.param(gzip.compress(EVENT) + b"more", (400, "broken-body"), id="followed-by-more"),
        pytest.param(gzip.compress(EVENT) + gzip.compress(EVENT), (400, "broken-body"), id="followed-by-another"),
        pytest.param(EVENT, (400, "broken-body"), id="not-packed"),
        pytest.param(b"", (400, "broken-body"), id="empty"),
        pytest.param(gzip.compress(EVENT + b" " * 100_000), (413, "too-dense"), id="dense"),
        pytest.param(gzip.compress(EVENT + b" " * 100_000_000), (413, "too-large"), id="bomb"),
        pytest.param(gzip.compress(EVENT + os.urandom(3000).hex().encode() * 1000), (413, "too-large"), id="large"),
    ],
)
async def test_gzip_that_is_cut_off_followed_or_a_bomb_is_refused(body: bytes, expected: tuple[int, str]) -> None:
    visitor = Visitor()
    assert problem(await visitor.post("/v1/track", body, content_encoding="gzip")) == expected
    assert not visitor.durable.captured


async def test_a_batch_that_says_the_same_again_and_again_may_be_packed() -> None:
    one = b'{"type":"track","userId":"u1","event":"x","properties":{"a":"' + b"the same text " * 20 + b'"}}'
    body = gzip.compress(b'{"batch":[' + b",".join([one] * 400) + b"]}")
    answered = await Visitor().post("/v1/batch", body, content_encoding="gzip")
    assert (answered.status, len(answered.json["accepted"])) == (200, 400)


def test_what_is_long_is_not_remembered() -> None:
    caches = (request._remembered_target, touch._remembered, connection._valid_address)
    before = [cache.cache_info().misses for cache in caches]
    for number in range(10):
        long = f"{number}".rjust(2000, "x")
        request.target(b"/v1/forms/a?utm_source=" + long.encode())
        touch.of_page("https://a.example/?utm_source=" + long)
        assert connection.valid_address(long) is None
    assert [cache.cache_info().misses for cache in caches] == before
