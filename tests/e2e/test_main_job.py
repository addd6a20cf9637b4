"""The main job as its users meet it: a form goes in, a handover comes out, and what went wrong can be seen and mended."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.layout import CHECKOUT, Layout
from services.console import reading
from shared import contracts, ids
from shared.contracts import Captured, Dead, Place
from shared.stage import Record
from shared.topology import CAPTURED, DEAD, HANDOVER
from tests.e2e import browser
from tests.e2e.console import eventually
from tests.e2e.shop import Shop, given, opened, somebody

T = TypeVar("T")


@pytest.fixture(scope="module")
def shop(request: pytest.FixtureRequest) -> Shop:
    return given() or opened(request.getfixturevalue("leadflow"))


def kept(shop: Shop, topic: str, wanted: Callable[[Record], bool]) -> list[Record]:
    """The records of a topic that are wanted."""
    return elsewhere(lambda: reading.kept(shop.kafka, (topic,), since_ms=0, wanted=wanted))


def elsewhere(work: Callable[[], Awaitable[T]]) -> T:
    async def run() -> T:
        return await work()

    return asyncio.run(run())


def produce(shop: Shop, topic: str, value: bytes, *, part: int, key: bytes | None, headers: dict[str, bytes]) -> None:
    """Writes to a topic directly, as somebody with Kafka access may."""

    async def send() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=shop.kafka)
        await producer.start()
        try:
            await producer.send_and_wait(topic, value, key=key, partition=part, headers=list(headers.items()))
        finally:
            await producer.stop()

    elsewhere(send)


def test_a_browsers_form_post_becomes_a_handover_that_lead_show_explains(shop: Shop) -> None:
    email = somebody()
    fields = {"email": email, "name": "Jo Fields", "company": "Acme Ltd", "job_title": "Head of Sales", "country": "GB"}
    answer = shop.posts("/v1/forms/demo", data=fields, headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{shop.urls['console']}/demo/thanks"

    found = shop.lead(email)
    assert found["profile"]["email"] == {"address": email, "kind": "business", "domain": "acme.example"}
    assert found["profile"]["name"]["family"] == "Fields"
    score = found["score"]
    assert score["stage"] == "SQL"
    assert round(sum(one["points"] for one in score["contributions"]), 2) == score["score"]["total"]
    (handover,) = found["handovers"]
    assert handover["path"][-1]["matched"]
    (way,) = [way for way in found["ways"] if way["handover_id"] == handover["handover_id"]]
    assert [hop["step"] for hop in way["hops"]] == ["received", "captured", "enriched", "scored", "handed over"]
    assert way["took_ms"] == sum(hop["took_ms"] or 0 for hop in way["hops"])

    people = shop.operator.says("lead", "show", found["lead_id"])
    for word in ("Jo Fields", email, "business-email", handover["owner"]["name"], "Handed over"):
        assert word in people


def test_the_subscriber_of_the_readme_prints_the_handover(shop: Shop) -> None:
    email = somebody()
    assert shop.posts("/v1/forms/demo", json={"email": email, "country": "DE"}).status_code == 202
    with subscriber(shop) as lines:
        line = next(line for line in lines if email in line)
    (handover,) = shop.lead(email)["handovers"]
    assert handover["handover_id"] in line
    assert handover["owner"]["name"] in line


@contextlib.contextmanager
def subscriber(shop: Shop) -> Iterator[Iterator[str]]:
    """The lines that examples/subscriber.py prints; it is ended afterwards, and in a minute at the latest."""
    process = subprocess.Popen(
        ["timeout", "60", sys.executable, "examples/subscriber.py"],
        cwd=CHECKOUT,
        env=os.environ | {"LEADFLOW_KAFKA": shop.kafka},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        yield iter(process.stdout)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        process.wait()


def test_an_event_that_is_sent_again_counts_once(shop: Shop) -> None:
    email, name = somebody(), uuid.uuid4().hex
    form = {"email": email, "messageId": name}
    answers = [shop.posts("/v1/forms/enquiry", json=form).json() for _ in range(3)]
    assert len({answer["accepted"][0]["event_id"] for answer in answers}) == 1
    # One more event of the same person, on the same partition: when it is scored, the repeats have been read.
    page = {"properties": {"url": "https://shop.example/pricing"}, "context": {"traits": {"email": email}}}
    last = shop.posts("/v1/page", json=page).json()["accepted"][0]["event_id"]
    found = eventually(
        lambda: next(
            (
                one
                for one in [shop.lead(email, with_handover=False)]
                if last
                in {way["activity_id"] for way in one["ways"] if "scored" in {hop["step"] for hop in way["hops"]}}
            ),
            None,
        ),
        what="the last event to be scored",
    )
    assert len(kept(shop, CAPTURED.name, lambda record: name_of(record) == answers[0]["accepted"][0]["event_id"])) == 3
    assert sorted(activity["name"] for activity in found["activities"]) == ["enquiry", "page"]
    counted = {one["rule"]: one.get("count") for one in found["score"]["contributions"]}
    assert counted["contact-request"] == 1


def name_of(record: Record) -> str:
    return record.headers.get("ce_id", b"").decode()


def test_a_record_that_is_broken_becomes_a_dead_letter_that_is_listed_shown_and_replayed(shop: Shop) -> None:
    broken = b'{"event_id": "\xff not json ' + uuid.uuid4().hex.encode()
    produce(shop, CAPTURED.name, broken, part=2, key=b"\x00key", headers={"ce_id": b"x", "odd": b"\xfe\xff"})

    def dead(query: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        listed = shop.operator.knows("dead", "list", "--service", "enrich")["dead"]
        return next((one for one in listed if one["bytes"] == len(broken) and query(one)), None)

    first = eventually(lambda: dead(lambda one: not one["replay_of"]), what="the dead letter")
    assert (first["reason"], first["topic"], first["partition"]) == ("undecodable", CAPTURED.name, 2)
    shown = shop.operator.knows("dead", "show", first["id"])
    assert base64.b64decode(shown["value"]) == broken
    assert base64.b64decode(shown["key"]) == b"\x00key"
    assert {name: base64.b64decode(value) for name, value in shown["headers"]}["odd"] == b"\xfe\xff"
    assert "ff 20 6e 6f 74" in shop.operator.says("dead", "show", first["id"])  # not text, so in hexadecimal

    (done,) = shop.operator.knows("dead", "replay", first["id"])["replayed"]
    assert (done["topic"], done["partition"]) == (CAPTURED.name, 2)
    again = kept(shop, CAPTURED.name, lambda record: record.value == broken)
    assert [(record.part, record.key, record.headers["odd"]) for record in again] == [(2, b"\x00key", b"\xfe\xff")] * 2
    assert again[1].headers["replay-of"].decode() == first["id"]

    second = eventually(lambda: dead(lambda one: one["replay_of"] == first["id"]), what="the replay to die again")
    assert second["id"] != first["id"]
    eventually(
        lambda: (dead(lambda one: one["id"] == first["id"]) or {}).get("replayed_at"), what="the note of the replay"
    )


def test_what_died_of_a_mended_mistake_counts_when_it_is_replayed_and_once_however_often(shop: Shop) -> None:
    email, now = somebody(), datetime.now(UTC)
    event = Captured(
        event_id=str(uuid.uuid4()),
        property=shop.property,
        kind="form",
        name="enquiry",
        occurred_at=now,
        received_at=now,
        traits={"email": email},
    )
    place = Place(topic=CAPTURED.name, partition=1, offset=10**9)
    letter = Dead(
        event_id=ids.dead_id("enrich", CAPTURED.name, 1, hash(email) % 10**12),
        service="enrich",
        reason="decide-failed",
        detail="KeyError",
        place=place,
        at=now,
        value=contracts.encode(event),
        key=b"pk_1",
        headers=[("ce_id", event.event_id.encode()), ("ce_type", b"lead.captured")],
    )
    produce(shop, DEAD.name, contracts.encode(letter), part=1, key=b"pk_1", headers={"ce_type": b"lead.dead"})
    eventually(lambda: shop.operator.knows_or_none("dead", "show", letter.event_id), what="the dead letter")
    for _ in range(2):
        shop.operator.says("dead", "replay", letter.event_id)
    found = shop.lead(email, with_handover=False)
    assert [activity["id"] for activity in found["activities"]] == [event.event_id]
    assert len(kept(shop, CAPTURED.name, lambda record: name_of(record) == event.event_id)) == 2


def test_an_event_that_is_refused_at_the_door_is_a_dead_letter_and_its_neighbours_are_accepted(shop: Shop) -> None:
    mark = uuid.uuid4().hex
    good = {"type": "track", "event": "brochure-opened", "anonymousId": mark}
    bad = {"type": "track", "anonymousId": mark, "properties": {"mark": mark}}
    answer = shop.posts("/v1/batch", json={"batch": [good, bad]})
    assert answer.status_code == 200
    assert [one["index"] for one in answer.json()["accepted"]] == [0]
    (rejected,) = answer.json()["rejected"]
    assert (rejected["index"], rejected["reason"], rejected["pointer"]) == (1, "invalid", "/batch/1/event")

    def look() -> dict[str, Any] | None:
        for one in shop.operator.knows("dead", "list", "--service", "capture")["dead"][:3]:
            shown: dict[str, Any] = shop.operator.knows("dead", "show", one["id"])
            if mark.encode() in base64.b64decode(shown["value"]):
                return shown
        return None

    shown = eventually(look, what="the dead letter of the door")
    assert json.loads(base64.b64decode(shown["value"]))["properties"] == {"mark": mark}
    replay = shop.operator.run("dead", "replay", shown["id"])
    assert replay.returncode == 1
    assert "Send the event again, corrected" in replay.stderr


@pytest.mark.parametrize(
    ("more", "status", "word"),
    [
        ({"auth": None, "json": {"event": "x", "anonymousId": "a"}}, 401, "write key"),
        ({"auth": ("wk_wrong", ""), "json": {"event": "x", "anonymousId": "a"}}, 401, "leads property add"),
        ({"content": b'{"event": ', "headers": {"Content-Type": "application/json"}}, 400, "not JSON"),
        ({"content": b" " * 600 * 1024, "headers": {"Content-Type": "application/json"}}, 413, "512 KiB"),
    ],
    ids=["no key", "wrong key", "broken JSON", "600 KiB"],
)
def test_wrong_input_gets_a_clear_answer(shop: Shop, more: dict[str, Any], status: int, word: str) -> None:
    answer = shop.posts("/v1/track", **more)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "detail", "request_id"} <= problem.keys()
    assert word in problem["detail"]


def test_a_person_in_a_real_browser_fills_in_the_demo_page_and_is_handed_over(shop: Shop) -> None:
    operator_token = shop.token()
    with httpx.Client(trust_env=False, base_url=shop.urls["console"]) as client:
        demo = {"write_key": shop.key, "capture": shop.urls["capture"]}
        assert client.post("/v1/demo", json=demo).status_code == 401
        begun = client.post("/v1/demo", json=demo, headers={"Authorization": f"Bearer {operator_token}"})
        assert begun.status_code == 204
    email = f"lena@nordwind-{uuid.uuid4().hex[:10]}.example"  # an account that nobody owns yet
    with browser.chromium() as (chromium, agent):
        page = chromium.new_context(user_agent=agent).new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{shop.urls['console']}/demo")
        page.get_by_label("Name").fill("Lena Brandt")
        page.get_by_label("Work e-mail").fill(email)
        page.get_by_label("Company").fill("Nordwind GmbH")
        page.get_by_label("Country").select_option("DE")
        page.get_by_label("You may write to me").check()
        page.get_by_role("button", name="Book a demo").click()
        page.wait_for_url("**/demo/thanks")
        assert page.get_by_role("heading").inner_text() == "Thank you"
        assert complaints == []
    found = shop.lead(email)
    # Who is at work goes by the hour; which rule it is does not.
    assert [step["to"] for step in found["handovers"][0]["path"] if step["rule"] == "dach"] == ["pool:dach"]
    assert found["profile"]["company"]["name"] == "Nordwind"
    assert found["activities"][0]["name"] == "demo"
    assert found["profile"]["consent"]["marketing_email"]["given"] is True


def test_a_rebuilt_store_knows_the_same_and_hands_nothing_over_again(shop: Shop, leadflow: Layout) -> None:
    del leadflow  # its stores are emptied, so it has to be ours
    email = somebody()
    shop.posts("/v1/forms/demo", json={"email": email})
    before = shop.lead(email)
    handovers = len(kept(shop, HANDOVER.name, lambda record: True))
    assert handovers > 0
    for service in ("score", "route", "console"):
        assert shop.operator.knows("rebuild", service)["service"] == service
    after = shop.lead(email)
    assert after["handovers"] == before["handovers"]
    before["score"].pop("as_of"), after["score"].pop("as_of")  # the moments of asking
    assert after["score"] == before["score"]
    assert len(kept(shop, HANDOVER.name, lambda record: True)) == handovers


def test_the_demo_accounts_for_every_event(shop: Shop) -> None:
    told = shop.operator.knows("demo", "--leads", "25", "--seconds", "3")
    assert told["open"] == 0
    assert told["scored"] + told["noted"] == told["events"] > 50
    assert told["accepted"] > told["events"]  # repeats were accepted again
    assert told["refused"] == 1
    assert told["handover_records"] == sum(told["handovers"].values()) > 0
    assert told["lead"]["handovers"]


def test_a_test_event_can_be_sent_and_watched_from_the_command_line(shop: Shop) -> None:
    email = somebody()
    sent = shop.operator.knows("send", "form", "contact", "--key", shop.key, f"email={email}")
    shop.lead(email, with_handover=False)
    watched = shop.operator.run("tail", "captured", "--last", "2000", "--count", "1", "--json")
    line = json.loads(watched.stdout)
    assert {"topic", "partition", "offset", "time", "type", "says"} <= line.keys()
    assert email not in shop.operator.says("tail", "captured", "--last", "1", "--count", "1")
    assert kept(shop, CAPTURED.name, lambda record: name_of(record) == sent["accepted"][0]["event_id"])


def test_the_properties_are_listed_without_their_keys(shop: Shop) -> None:
    listed = shop.operator.knows("property", "list")
    assert shop.property in {one["property"] for one in listed}
    assert shop.key not in json.dumps(listed)


def test_the_running_topics_fit_the_topology(shop: Shop) -> None:
    assert {step["action"] for step in shop.operator.knows("topics", "plan")} == {"keep"}
    assert {step["action"] for step in shop.operator.knows("topics", "apply")} == {"keep"}
