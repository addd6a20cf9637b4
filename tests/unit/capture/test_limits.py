"""Who comes too often hears so, with when to come again; nobody else notices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from services.capture.domain import connection
from services.capture.door import desk
from services.capture.limits import Limits, Rates
from services.capture.properties import hashed
from services.capture.quota import Quota
from tests.unit.capture.door import KEY, NOW, Visitor, a_property, problem

OTHER_KEY = "wk_another-property's-key"
EVENT = {"userId": "u1", "event": "x"}
WRONG = {"userId": "u1"}  # a track call without a name


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 5000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _without_holding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "HOLD_SECONDS", 0.0)


def a_visitor(rates: Rates, clock: Callable[[], float] | None = None, *, proxies: tuple[str, ...] = ()) -> Visitor:
    """Two properties behind a door with these limits."""
    properties = (a_property(), a_property("blog", key=OTHER_KEY))
    return Visitor(*properties, limits=Limits(rates, clock=clock or Clock()), proxies=proxies)


async def test_a_key_beyond_its_rate_is_429_until_the_time_that_the_answer_names() -> None:
    clock = Clock()
    visitor = a_visitor(Rates(key_events=2), clock)
    for left in range(19, -1, -1):
        answered = await visitor.post("/v1/track", EVENT)
        assert answered.status == 200
        assert (answered.headers["ratelimit-limit"], answered.headers["ratelimit-remaining"]) == ("20", str(left))
    answered = await visitor.post("/v1/track", EVENT, origin="https://shop.example")
    assert problem(answered) == (429, "too-many")
    assert answered.headers["ratelimit-remaining"] == "0"
    assert answered.headers["access-control-allow-origin"] == "https://shop.example"
    assert len(visitor.durable.captured) == 20
    assert (await visitor.post("/v1/track", EVENT, key=OTHER_KEY)).status == 200
    clock.now += int(answered.headers["retry-after"])
    assert (await visitor.post("/v1/forms/demo", {"email": "jo@acme.example"})).status == 202


async def test_a_429_is_held_so_that_who_posts_again_at_once_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "HOLD_SECONDS", 0.05)
    visitor = a_visitor(Rates(key_events=1))
    for _ in range(10):
        await visitor.post("/v1/track", EVENT)
    began = asyncio.get_running_loop().time()
    assert (await visitor.post("/v1/track", EVENT)).status == 429
    assert asyncio.get_running_loop().time() - began >= 0.04


async def test_each_event_of_a_batch_counts() -> None:
    visitor = a_visitor(Rates(key_events=1))
    batch = {"batch": [{**EVENT, "type": "track"}] * 10}
    answered = await visitor.post("/v1/batch", batch)
    assert (answered.status, answered.headers["ratelimit-remaining"]) == (200, "0")
    assert problem(await visitor.post("/v1/batch", batch)) == (429, "too-many")


async def test_an_address_beyond_its_rate_is_429_and_the_next_one_is_not() -> None:
    visitor = a_visitor(Rates(address_requests=1, key_events=1000))
    for _ in range(10):
        assert (await visitor.post("/v1/track", EVENT, peer="2a00:1450::1")).status == 200
    assert problem(await visitor.post("/v1/track", EVENT, peer="2a00:1450::2:0:0:7")) == (429, "too-many")
    assert (await visitor.post("/v1/track", EVENT, peer="2a00:1450:0:1::1")).status == 200
    for _ in range(30):
        assert (await visitor.post("/v1/track", EVENT, peer="10.1.2.3")).status == 200


async def test_a_server_key_has_no_limit_by_address_and_a_rate_of_its_own() -> None:
    both = replace(
        a_property(), hashes=(hashed(KEY), hashed(OTHER_KEY)), keys=("wk_a", "sk_a"), kinds=("browser", "server")
    )
    rates = Rates(address_requests=1, address_invalid=1, key_events=3)
    visitor = Visitor(replace(both, origins=("*",)), limits=Limits(rates, clock=Clock()))
    for _ in range(15):
        assert (await visitor.post("/v1/track", EVENT, key=OTHER_KEY, peer="8.8.8.8")).status == 200
        assert (await visitor.post("/v1/track", WRONG, key=OTHER_KEY, peer="8.8.8.8")).status == 422
    assert (await visitor.post("/v1/track", EVENT, key=OTHER_KEY, peer="8.8.8.8")).status == 429
    for _ in range(10):
        assert (await visitor.post("/v1/track", EVENT, peer="8.8.8.8")).status == 200
    assert (await visitor.post("/v1/track", EVENT, peer="8.8.8.8")).status == 429


async def test_behind_a_trusted_proxy_the_address_in_front_of_it_counts() -> None:
    visitor = a_visitor(Rates(address_requests=1), proxies=("10.0.0.0/8",))

    async def sent(forwarded: str) -> int:
        answered = await visitor.post("/v1/track", EVENT, peer="10.0.0.1", x_forwarded_for=forwarded)
        return answered.status

    assert [await sent(f"198.18.0.{claimed}, 8.8.8.8") for claimed in range(11)] == [200] * 10 + [429]
    assert await sent("8.8.8.8, 8.8.4.4") == 200


@pytest.mark.parametrize(
    ("path", "body", "key", "status"),
    [
        ("/v1/track", EVENT, "wk_wrong", 401),
        ("/v1/track", b"{", KEY, 400),
        ("/v1/track", b"{", None, 400),
        ("/v1/track", WRONG, KEY, 422),
        ("/v1/forms/demo", b"x", KEY, 422),
        ("/v1/forms/-", EVENT, KEY, 422),
    ],
)
async def test_what_is_invalid_has_a_budget_of_its_own(
    path: str, body: bytes | dict[str, str], key: str | None, status: int
) -> None:
    visitor = a_visitor(Rates(address_invalid=1, key_events=1000))
    for _ in range(10):
        assert (await visitor.post(path, body, key=key, peer="8.8.8.8")).status in (status, 400, 415)
    kept = len(visitor.durable.dead)
    assert problem(await visitor.post(path, body, key=key, peer="8.8.8.8")) == (429, "too-many-invalid")
    assert len(visitor.durable.dead) == kept
    assert (await visitor.post("/v1/track", EVENT, peer="8.8.8.8")).status == 200
    assert (await visitor.post(path, body, key=key, peer="8.8.4.4")).status != 429


async def test_refused_events_of_a_batch_use_up_the_same_budget() -> None:
    visitor = a_visitor(Rates(address_invalid=1))
    batch = {"batch": [{**EVENT, "type": "track"}, {**WRONG, "type": "track"}]}
    for _ in range(10):
        assert (await visitor.post("/v1/batch", batch, peer="8.8.8.8")).status == 200
    assert problem(await visitor.post("/v1/batch", batch, peer="8.8.8.8")) == (429, "too-many-invalid")
    assert (len(visitor.durable.captured), len(visitor.durable.dead)) == (10, 10)


async def test_a_property_has_its_quota_of_each_day() -> None:
    quota = Quota("postgresql://nobody@127.0.0.1:1/none")
    small = replace(a_property(), quota=3)
    visitor = Visitor(small, a_property("blog", key=OTHER_KEY), limits=Limits(quota=quota))
    for _ in range(3):
        assert (await visitor.post("/v1/track", EVENT)).status == 200
    answered = await visitor.post("/v1/track", EVENT)
    assert problem(answered) == (429, "quota")
    assert answered.headers["retry-after"] == str(15 * 3600)  # it is nine o'clock
    assert (await visitor.post("/v1/track", EVENT, key=OTHER_KEY)).status == 200
    assert quota.take(small, NOW + timedelta(hours=16), 1)


async def test_while_too_much_waits_nothing_is_taken_and_the_answer_says_when_to_come_again() -> None:
    visitor = Visitor(limits=Limits(Rates(key_events=1)), behind=lambda: True)
    for _ in range(20):
        answered = await visitor.post("/v1/track", EVENT)
        assert problem(answered) == (503, "behind")
        assert int(answered.headers["retry-after"]) > 0
    assert not visitor.durable.messages


async def test_without_limits_answers_say_nothing_of_them() -> None:
    answered = await Visitor().post("/v1/track", EVENT)
    assert not any(name.startswith("ratelimit") for name in answered.headers)


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("2a00:1450:4001:80b::200e", "2a00:1450:4001:80b::/64"),
        ("127.0.0.1", None),
        ("192.168.0.1", None),
        ("::ffff:10.0.0.1", None),
        ("fe80::1", None),
        ("nonsense", None),
    ],
)
def test_a_limit_by_address_counts_what_one_household_has(address: str, source: str | None) -> None:
    assert connection.source(address) == source
