"""Leads of which only ids come (Meta, LinkedIn): kept in a real Postgres, fetched from a vendor's API over HTTP, written to a real Kafka."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from services.capture import fetching
from services.capture import store as capture_store
from services.capture.main import Parts
from services.capture.store import NewProperty, StoredHook
from services.capture.vendors import asked
from services.capture.vendors.vendor import Fetch
from shared import clock, ids, topology
from tests.integration.capture import Reader, reader, running
from tests.integration.vendor_api import VendorApi, vendor_api
from tests.unit.capture.client import Answered
from tests.unit.capture.door import request
from tests.unit.capture.vendors import test_linkedin, test_meta
from tests.unit.capture.vendors.test_table import SECRET, proof

LEADS = {"meta": msgspec.json.encode(test_meta.GRAPH), "linkedin": msgspec.json.encode(test_linkedin.LEAD)}
PATIENT: dict[str, Any] = {"spool_budget_seconds": 25.0}  # the machine may be busy with other tests
Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture
async def topics_reader(kafka: str) -> AsyncIterator[Reader]:
    async with reader(kafka) as made:
        yield made


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "_FIRST_SECONDS", 0.2)
    monkeypatch.setattr(fetching, "POLL_SECONDS", 0.1)


def always(vendor: str, _: str, __: int) -> Answer:
    return 200, {"content-type": "application/json"}, LEADS[vendor]


async def a_hook(parts: Parts, vendor: str, api: VendorApi, *, token: bytes | None = b"the-token-of-ours") -> None:
    secrets = {"signing": (SECRET,), **({"access-token": (token,)} if token else {})}
    await capture_store.put_hook(
        parts.pool, StoredHook(property="shop", vendor=vendor, base_url=api.url, secrets=secrets)
    )
    await parts.properties.refresh(parts.pool)


async def a_shop(parts: Parts, vendor: str, api: VendorApi, **more: Any) -> None:
    await capture_store.add(parts.pool, NewProperty("Shop", country="DE"), key_hash=b"h", key_prefix="wk_")
    await a_hook(parts, vendor, api, **more)


async def notify(parts: Parts, vendor: str, notice: Any) -> Answered:
    body = msgspec.json.encode(notice)
    headers = {name.decode(): value.decode() for name, value in proof(vendor, body).items()}
    answered = await request(parts.door, f"/v1/hooks/{vendor}/shop", body, headers=headers, key=None)
    assert answered.status == 200, answered.body
    return answered


def a_notice(vendor: str, number: int = 1) -> Any:
    if vendor == "linkedin":
        return {**test_linkedin.NOTICE, "leadGenFormResponse": f"urn:li:leadGenFormResponse:lead-{number}"}
    value = {"leadgen_id": str(number), "page_id": "7", "created_time": 1_760_000_000}
    return {"object": "page", "entry": [{"id": "7", "changes": [{"field": "leadgen", "value": value}]}]}


@pytest.mark.parametrize("vendor", ["meta", "linkedin"])
async def test_a_lead_is_fetched_and_written_like_any_other_event(
    kafka: str, store: str, topics_reader: Reader, vendor: str
) -> None:
    async with (
        vendor_api(lambda path, count: always(vendor, path, count)) as api,
        running(kafka, store, **PATIENT) as parts,
    ):
        await a_shop(parts, vendor, api)
        await notify(parts, vendor, a_notice(vendor))
        await notify(parts, vendor, a_notice(vendor))  # vendors repeat themselves
        lead = "lead-1" if vendor == "linkedin" else "1"
        [event] = await topics_reader.events([ids.submission_id("shop", f"{vendor}:{lead}")])
        assert (event["kind"], event["property"], event["property_country"]) == ("hook", "shop", "DE")
        assert event["traits"]["email"]
        [question] = api.asked
        assert lead in question.path
        assert question.headers["authorization"] == "Bearer the-token-of-ours"
        await until_nothing_is_due(parts)


async def test_a_vendor_that_is_busy_or_broken_is_asked_again_when_it_says(
    kafka: str, store: str, topics_reader: Reader
) -> None:
    def answers(path: str, count: int) -> Answer:
        bad: list[Answer] = [
            (429, {"retry-after": "1"}, b""),
            (500, {}, b""),
            (302, {"location": "http://x.example"}, b""),
        ]
        return bad[count - 1] if count <= len(bad) else always("meta", path, count)

    async with vendor_api(answers) as api, running(kafka, store, **PATIENT) as parts:
        await a_shop(parts, "meta", api)
        began = asyncio.get_running_loop().time()
        await notify(parts, "meta", a_notice("meta"))
        await topics_reader.events([ids.submission_id("shop", "meta:1")])
        assert asyncio.get_running_loop().time() - began > 1
        assert len(api.asked) == 4


async def test_a_lead_that_is_gone_becomes_a_dead_letter_that_says_so(
    kafka: str, store: str, topics_reader: Reader
) -> None:
    async with vendor_api(lambda *_: (404, {}, b"{}")) as api, running(kafka, store, **PATIENT) as parts:
        await a_shop(parts, "meta", api)
        await notify(parts, "meta", a_notice("meta"))
        [dead] = await topics_reader.on(topology.DEAD, 1)
        assert (dead["reason"], dead["service"]) == ("unfetchable", "capture")
        assert "no such lead" in dead["detail"]
        assert msgspec.json.decode(base64.b64decode(dead["value"]))["lead_id"] == "1"
        await until_nothing_is_due(parts)
        # Told of again, it is tried again.
        await notify(parts, "meta", a_notice("meta"))
        await topics_reader.on(topology.DEAD, 2)


async def test_after_two_days_of_trying_it_is_given_up(kafka: str, store: str, topics_reader: Reader) -> None:
    async with vendor_api(lambda *_: (500, {}, b"")) as api, running(kafka, store, **PATIENT) as parts:
        await a_shop(parts, "meta", api)
        fetch = Fetch(vendor="meta", lead_id="1", path="1", message_id="meta:1")
        assert await parts.fetching.keep([fetching.told("shop", fetch, "meta", clock.now() - timedelta(days=3))])
        [dead] = await topics_reader.on(topology.DEAD, 1)
        assert dead["reason"] == "unfetchable"
        assert "two days" in dead["detail"]


async def test_an_answer_that_is_no_lead_becomes_a_dead_letter_with_the_answer(
    kafka: str, store: str, topics_reader: Reader
) -> None:
    async with vendor_api(lambda *_: (200, {}, b"<html>")) as api, running(kafka, store, **PATIENT) as parts:
        await a_shop(parts, "meta", api)
        await notify(parts, "meta", a_notice("meta"))
        [dead] = await topics_reader.on(topology.DEAD, 1)
        assert (dead["reason"], base64.b64decode(dead["value"])) == ("undecodable", b"<html>")


async def test_several_instances_ask_for_each_lead_once(kafka: str, store: str, topics_reader: Reader) -> None:
    async with (
        vendor_api(lambda path, count: always("meta", path, count)) as api,
        running(kafka, store, "capture-0", **PATIENT) as first,
        running(kafka, store, "capture-1", **PATIENT) as second,
    ):
        await a_shop(first, "meta", api)
        await second.properties.refresh(second.pool)
        for number in range(1, 41):
            await notify(first if number % 2 else second, "meta", a_notice("meta", number))
        await topics_reader.events({ids.submission_id("shop", f"meta:{number}") for number in range(1, 41)})
        await until_nothing_is_due(first)
        assert len(api.asked) == 40


async def test_without_a_token_a_lead_waits_until_there_is_one(kafka: str, store: str, topics_reader: Reader) -> None:
    async with (
        vendor_api(lambda path, count: always("meta", path, count)) as api,
        running(kafka, store, **PATIENT) as parts,
    ):
        await a_shop(parts, "meta", api, token=None)
        await notify(parts, "meta", a_notice("meta"))
        await asyncio.sleep(0.5)
        assert not api.asked
        await a_hook(parts, "meta", api)
        await topics_reader.events([ids.submission_id("shop", "meta:1")])


async def test_a_hook_that_is_removed_ends_its_leads_as_dead_letters(
    kafka: str, store: str, topics_reader: Reader
) -> None:
    async with vendor_api(lambda *_: (503, {}, b"")) as api, running(kafka, store, **PATIENT) as parts:
        await a_shop(parts, "meta", api)
        await notify(parts, "meta", a_notice("meta"))
        await capture_store.remove_hook(parts.pool, "shop", "meta")
        [dead] = await topics_reader.on(topology.DEAD, 1)
        assert "removed" in dead["detail"]


async def test_a_lead_that_was_deleted_at_the_vendor_asks_for_its_persons_erasure(
    kafka: str, store: str, topics_reader: Reader
) -> None:
    async with (
        vendor_api(lambda path, count: always("linkedin", path, count)) as api,
        running(kafka, store, **PATIENT) as parts,
    ):
        await a_shop(parts, "linkedin", api)
        created = a_notice("linkedin")
        # Both at once: the deletion waits until it is known whose lead it is.
        await notify(parts, "linkedin", [created, {**created, "leadAction": "DELETED"}])
        [asked_for] = await topics_reader.on(topology.PRIVACY, 1)
        await topics_reader.events([ids.submission_id("shop", "linkedin:lead-1")])
        [captured] = [record for record in topics_reader.records if record.topic == topology.CAPTURED.name]
        assert captured.key is not None
        assert (asked_for["kind"], asked_for["subject"]) == ("erase", captured.key.decode())
        await until_nothing_is_due(parts)


async def test_a_deletion_of_a_lead_that_never_came_is_a_dead_letter(
    kafka: str, store: str, topics_reader: Reader
) -> None:
    async with vendor_api(lambda *_: (404, {}, b"")) as api, running(kafka, store, **PATIENT) as parts:
        await a_shop(parts, "linkedin", api)
        await notify(parts, "linkedin", {**a_notice("linkedin"), "leadAction": "DELETED"})
        [dead] = await topics_reader.on(topology.DEAD, 1)
        assert dead["reason"] == "unknown-lead"


async def test_without_postgres_a_notice_is_refused_so_that_the_vendor_sends_it_again(kafka: str, store: str) -> None:
    async with vendor_api(lambda *_: (404, {}, b"")) as api, running(kafka, store, **PATIENT) as parts:
        await a_shop(parts, "meta", api)
        parts.fetching._keep_line._dsn = "postgresql://nobody@127.0.0.1:9/nothing"
        body = msgspec.json.encode(a_notice("meta"))
        headers = {name.decode(): value.decode() for name, value in proof("meta", body).items()}
        answered = await request(parts.door, "/v1/hooks/meta/shop", body, headers=headers, key=None)
        assert answered.status == 503
        assert answered.headers["retry-after"]


async def until_nothing_is_due(parts: Parts) -> None:
    async with asyncio.timeout(15):
        while (await capture_store.fetches_due(parts.pool))[0]:
            await asyncio.sleep(0.05)
