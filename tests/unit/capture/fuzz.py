"""Bodies that were right once and then were cut, spliced and filled with what breaks decoders; and what must hold for each, down to enrich. For tests.

`python -m tests.unit.capture.fuzz --minutes 10` goes on with ever new ones (`make fuzz`).
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections.abc import Iterator
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.enrich.domain import intake
from shared import topology
from shared.outcome import Reason
from shared.stage import Input, Record
from tests.unit.capture.door import KEY, Visitor, a_property

_SUSPECT = re.compile("[\0\ud800-\udfff]")

_CALL = (
    b'{"type":"track","userId":"u1","anonymousId":7,"event":"x","messageId":"m1","timestamp":"2026-11-02T08:59:00.000Z",'
    b'"sentAt":"2026-11-02T08:59:01Z","traits":{"email":"jo@acme.example","phone":"+49 30 1234567","age":41},'
    b'"properties":{"a":{"b":[1,2.5,true,null,"text"]},"price":12.50},"context":{"page":{"url":"https://shop.example/?utm_source=a&gclid=g",'
    b'"title":"T"},"campaign":{"name":"spring"},"locale":"de-DE","ip":"8.8.8.8","userAgent":"curl/8","consent":{"categoryPreferences":'
    b'{"mail":true}}},"consent":{"purposes":{"mail":true},"text":"Yes","version":"3"},"writeKey":"k"}'
)
_FORM = b"email=jo%40acme.example&name=Jo+Doe&data%5Bmerges%5D%5BLNAME%5D=Doe&consent%5Bmail%5D=on&topic%5B%5D=a&utm_source=n&_t=1793610000000"
_MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\njo@acme.example\r\n--x\r\nContent-Disposition: form-data; name="a[b]"'
    b"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n1\r\n--x--\r\n"
)
SEEDS: dict[tuple[str, str], bytes] = {
    ("/v1/track", "application/json"): _CALL,
    ("/v1/identify", "text/plain"): _CALL,
    ("/v1/alias", "application/json"): _CALL,
    ("/v1/batch", "application/json"): b'{"batch":[' + _CALL + b"," + _CALL + b'],"sentAt":"2026-11-02T08:59:01Z","context":{"locale":"fr"}}',
    ("/v1/forms/demo", "application/json"): b'{"email":"jo@acme.example","fields":[{"name":"phone","value":"+49301234567"}],"a":{"b":[1]}}',
    ("/v1/forms/demo", "application/x-www-form-urlencoded"): _FORM,
    ("/v1/forms/demo", "multipart/form-data; boundary=x"): _MULTIPART,
}  # fmt: skip
_BREAKING = (
    b"\\u0000", b"\\ud800", b"\\udc00", b"\\ud83d\\ude00", b"\\", b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"%00", b"%ff",
    b"%ed%a0%80", b"NaN", b"-Infinity", b"1e999", b"-1e-999", b"9" * 400, b"9223372036854775808", b"0.1" + b"0" * 400, b"null", b"true", b"{}",
    b"[]", b'""', b'"', b"'", b"{", b"}", b"[", b"]", b",", b":", b"&", b"=", b"[" * 500, b'{"a":' * 60, b'"userId":"v",', b'"email":[1],',
    b'"timestamp":"0000-00-00",', b'"timestamp":"9999-12-31T23:59:59.999999Z",', b"2026-02-30T25:61:61Z", b"a[b][c]=1&a=2&a[]=3&", b"\r\n--x\r\n", b"--x--",
    b'filename="a"', b"\xe2\x80\xae", b"\xf0\x9f\x98\x80" * 20, b"x" * 40_000,
)  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, str, bytes]:
    """A path, a content type, and a body that was made worse up to six times."""
    path, media = draw(st.sampled_from(sorted(SEEDS)))
    body = SEEDS[path, media]
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(body)))
        stop = min(len(body), start + draw(st.sampled_from([0, 0, 1, 2, 10, 100])))
        put = draw(st.one_of(st.sampled_from(_BREAKING), st.binary(max_size=4), st.just(body[stop : stop + 30])))
        body = body[:start] + put + body[stop:]
    return path, media, body


async def holds(path: str, media: str, body: bytes) -> None:
    """No 5xx; what was accepted is understood by enrich, or refused there for its meaning, and holds nothing that Postgres refuses; every
    answer tells what became of each event."""
    visitor = Visitor(a_property(thank_you_url="https://shop.example/thanks"))
    answered = await visitor.post(path, body, key=KEY, content_type=media)
    assert answered.status in (200, 202, 400, 413, 415, 422), answered.status
    if answered.status < 300:
        assert len(answered.json["accepted"]) == len(visitor.durable.captured)
        assert len(answered.json["rejected"]) == len(visitor.durable.dead)
    else:
        assert not visitor.durable.captured
    for message in visitor.durable.messages:
        assert not any(_SUSPECT.search(text) for text in _texts(msgspec.json.decode(message.value)))
        if message.topic == topology.CAPTURED.name:
            record = Record(message.topic, message.part, 0, 1_793_610_000_000, message.key, message.value, {})
            read = intake.decode(record)  # an address that is none may have been all that named somebody
            assert isinstance(read, Input) or read.reason is Reason.NO_IDENTIFIER, read.reason


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _texts(one)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    until = time.monotonic() + parser.parse_args().minutes * 60
    tried = 0

    @settings(max_examples=2000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(bodies())
    def round_(found: tuple[str, str, bytes]) -> None:
        nonlocal tried
        tried += 1
        asyncio.run(holds(*found))

    while time.monotonic() < until:
        round_()
        print(f"{tried:,} bodies, all of them judged as promised", flush=True)


if __name__ == "__main__":
    main()
