"""Bodies that were right once and then were cut, spliced and filled with what breaks decoders; and what must hold for each, down to route. For tests.

`python -m tests.unit.capture.fuzz --minutes 10` goes on with ever new ones (`make fuzz`): a third of the time schemathesis by the OpenAPI
document, then posts of SDKs, forms and vendors, and what vendors' APIs answer.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import re
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.capture.domain.verdict import Arrival, Refused
from services.capture.vendors.asked import APIS
from services.capture.vendors.table import VENDORS
from services.capture.vendors.vendor import Fetch
from shared import topology
from shared.message import Message
from shared.outcome import Reason
from tests.pipeline.house import House
from tests.unit.capture import openapi
from tests.unit.capture.door import KEY, NOW, Visitor, a_property, a_scribe
from tests.unit.capture.test_hooks import a_visitor, post
from tests.unit.capture.vendors import test_linkedin, test_meta
from tests.unit.capture.vendors.posts import a_post
from tests.unit.capture.vendors.test_table import BODIES, STATUS

_SUSPECT = re.compile("[\0\ud800-\udfff]")

_CALL = (
    b'{"type":"track","userId":"u1","anonymousId":7,"event":"x","messageId":"m1","timestamp":"2026-11-02T08:59:00.000Z",'
    b'"sentAt":"2026-11-02T08:59:01Z","traits":{"email":"jo@acme.example","phone":"+49 30 1234567","age":41},'
    b'"properties":{"a":{"b":[1,2.5,true,null,"text"]},"price":12.50},"context":{"page":{"url":"https://shop.example/?utm_source=a&gclid=g",'
    b'"title":"T"},"campaign":{"name":"spring"},"locale":"de-DE","ip":"8.8.8.8","userAgent":"curl/8","consent":{"categoryPreferences":'
    b'{"mail":true}}},"consent":{"purposes":{"mail":true},"text":"Yes","version":"3"},"writeKey":"k"}'
)
_FORM = (
    b"email=jo%40acme.example&name=Jo+Doe&data%5Bmerges%5D%5BLNAME%5D=Doe&consent%5Bmail%5D=on&topic%5B%5D=a&utm_source=n&_t=1793610000000"
    b"&employees=51-200&country=Germany&country_code=%2B49&phone=030+901820&ext=12&language=Deutsch+(Schweiz)&timezone=Europe%2FBerlin"
    b"&website=www.acme.example&company=Acme+GmbH&job_title=Head+of+IT&seniority=vp&title=Herr&zip=10115&city=Berlin&gclid=g"
)
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
    "²".encode(), "٣".encode(), "①".encode(), "½".encode(), "İ".encode(), "ǅ".encode(), "ﬀ".encode(), "\u3000".encode(), "\u200b".encode(), "\u0301".encode(),
)  # fmt: skip


_VALUE = re.compile(rb'":"?|=|\r\n\r\n')
# What is refused of that which capture accepts: an address or an id that is none may have been all that named somebody.
_MAY_REFUSE = (Reason.NO_IDENTIFIER,)
ANSWERS = {"meta": test_meta.GRAPH, "linkedin": test_linkedin.LEAD}  # of vendors' APIs, when a lead is fetched


def _worse(draw: st.DrawFn, body: bytes) -> bytes:
    """The body, made worse up to six times: anywhere, or, so that it is read at all, at the beginning of a value."""
    for _ in range(draw(st.integers(0, 6))):
        values = [found.end() for found in _VALUE.finditer(body)]
        anywhere = st.integers(0, len(body))
        start = draw(st.sampled_from(values) | anywhere if values else anywhere)
        stop = min(len(body), start + draw(st.sampled_from([0, 0, 1, 2, 10, 100])))
        put = draw(st.one_of(st.sampled_from(_BREAKING), st.binary(max_size=4), st.just(body[stop : stop + 30])))
        body = body[:start] + put + body[stop:]
    return body


def one_by_one() -> Iterator[tuple[str, str, bytes]]:
    """Every body with every piece that breaks something at the beginning of every value."""
    for (path, media), body in SEEDS.items():
        for found in _VALUE.finditer(body):
            yield from ((path, media, body[: found.end()] + piece + body[found.end() :]) for piece in _BREAKING)


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, str, bytes]:
    """A path, a content type, and a body."""
    path, media = draw(st.sampled_from(sorted(SEEDS)))
    return path, media, _worse(draw, SEEDS[path, media])


@st.composite
def posts(draw: st.DrawFn) -> tuple[str, bytes]:
    """A vendor, and a body that it might post."""
    vendor = draw(st.sampled_from(sorted(VENDORS)))
    return vendor, _worse(draw, BODIES[vendor])


@st.composite
def fetched(draw: st.DrawFn) -> tuple[str, bytes]:
    """A vendor, and what its API might answer."""
    vendor = draw(st.sampled_from(sorted(APIS)))
    return vendor, _worse(draw, msgspec.json.encode(ANSWERS[vendor]))


async def holds(found: tuple[str, str, bytes]) -> None:
    """No 5xx; every answer tells what became of each event; and what was accepted does no harm behind capture."""
    path, media, body = found
    visitor = Visitor(a_property(thank_you_url="https://shop.example/thanks"))
    answered = await visitor.post(path, body, key=KEY, content_type=media)
    assert answered.status in (200, 202, 400, 413, 415, 422), answered.status
    if answered.status < 300:
        assert len(answered.json["accepted"]) == len(visitor.durable.captured)
        assert len(answered.json["rejected"]) == len(visitor.durable.dead)
    else:
        assert not visitor.durable.captured
    harmless(visitor.durable.messages)


async def hook_holds(found: tuple[str, bytes]) -> None:
    """A vendor's signed post gets its documented answer whatever it says (Google's key is in the body: without it a 4xx and no event)."""
    vendor, body = found
    visitor = a_visitor(vendor)
    answered = await post(visitor, vendor, body)
    if answered.status != STATUS.get(vendor, 202):
        assert (vendor, answered.status) in (("google", 400), ("google", 401))
        assert not visitor.durable.messages
        assert not visitor.notices
    harmless(visitor.durable.messages)
    for notice in visitor.notices:
        assert not any(_SUSPECT.search(text) for text in _texts(msgspec.json.decode(notice.said)))


async def answer_holds(found: tuple[str, bytes]) -> None:
    """Whatever a vendor's API answers is a lead that does no harm, or a refusal."""
    vendor, body = found
    fetch = Fetch(vendor=vendor, lead_id="1", path="1", message_id=f"{vendor}:1")
    said = APIS[vendor].fetched(fetch, body, a_post())
    written = said if isinstance(said, Refused) else a_scribe().captured(said, Arrival("shop", NOW))
    harmless([written] if isinstance(written, Message) else [])


def harmless(messages: Sequence[Message]) -> None:
    """Every stage behind capture takes these, alone or together, decides on them without raising, and all that it writes can be held by
    Postgres and read as UTF-8; only enrich may refuse one, for naming nobody."""
    house = House(may_refuse=_MAY_REFUSE)
    house.arrive([message for message in messages if message.topic == topology.CAPTURED.name])
    written = [one for topic in house.written.values() for one in topic]
    for said in [*written, *(msgspec.json.decode(message.value) for message in messages)]:
        assert not any(_SUSPECT.search(text) for text in _texts(said))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _texts(one)


def _many(strategy: st.SearchStrategy[Any], promise: Callable[[Any], Awaitable[None]]) -> int:
    tried = 0

    @settings(max_examples=700, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def round_(found: Any) -> None:
        nonlocal tried
        tried += 1
        asyncio.run(promise(found))  # type: ignore[arg-type]

    round_()
    return tried


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    seconds = parser.parse_args().minutes * 60
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of each broken body, as in capture's main
    began, tried, seed = time.monotonic(), 0, random.SystemRandom().getrandbits(24)
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() - began < seconds / 3:
            print(f"schemathesis, seed {seed}", flush=True)
            failed = asyncio.run(openapi.mistakes(Path(folder), seed=seed, examples=20))
            assert not failed, failed
            seed += 1
    for found in one_by_one():
        asyncio.run(holds(found))
    while time.monotonic() - began < seconds:
        tried += _many(bodies(), holds) + _many(posts(), hook_holds) + _many(fetched(), answer_holds)
        print(f"{tried:,} bodies, all of them judged as promised", flush=True)


if __name__ == "__main__":
    main()
