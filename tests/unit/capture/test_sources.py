"""What is asked for with GET: SDKs' settings, the tracker, the pixel; and what SDKs send in their own way."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.capture.door import assets
from shared.origin import CLICK_IDS, UTM
from tests.unit.capture.client import Answered, Client
from tests.unit.capture.door import KEY, Durable, Visitor, a_property, problem

TRACKED = Path(assets.__file__).parents[1] / "tracker" / "src" / "page.ts"
EVENT = {"userId": "u1", "event": "x"}


async def got(path: str, *, visitor: Visitor | None = None, **more: Any) -> Answered:
    """The answer to a GET without a key in its head."""
    return await (visitor or Visitor()).post(path, b"", method="GET", **({"key": None} | more))


# -- settings ----------------------------------------------------------------------------------------------------------


async def test_segments_settings_send_everything_here_and_nothing_to_segment() -> None:
    answered = await got(
        f"/v1/projects/{KEY}/settings", headers={"host": "in.shop.example:8443", "origin": "https://a.example"}
    )
    assert answered.status == 200
    assert answered.headers["access-control-allow-origin"] == "https://a.example"
    told = answered.json
    assert told["integrations"] == {
        "Segment.io": {
            "apiKey": KEY,
            "addBundledMetadata": False,
            "apiHost": "in.shop.example:8443/v1",
            "protocol": "http",
        }
    }
    assert told["metrics"] == {"sampleRate": 0}
    assert told["remotePlugins"] == []


async def test_behind_a_proxy_the_settings_name_what_the_browser_sees() -> None:
    async def told(visitor: Visitor) -> tuple[str, str]:
        headers = {"host": "in.shop.example", "x-forwarded-proto": "https"}
        answered = await got(f"/v1/projects/{KEY}/settings", visitor=visitor, headers=headers)
        segment = answered.json["integrations"]["Segment.io"]
        return segment["protocol"], segment["apiHost"]

    assert await told(Visitor(proxies=["203.0.113.0/24"])) == ("https", "in.shop.example/v1")
    assert await told(Visitor()) == ("http", "in.shop.example/v1")
    assert await told(Visitor(public_url="https://leads.example/in/")) == ("https", "leads.example/in/v1")


@pytest.mark.parametrize("rest", ["settings/more", "", "other"])
async def test_beside_the_settings_there_is_nothing(rest: str) -> None:
    assert problem(await got(f"/v1/projects/{KEY}/{rest}")) == (404, "not-found")


async def test_a_key_that_nobody_has_gets_no_settings() -> None:
    assert problem(await got("/v1/projects/wk_wrong/settings")) == (401, "wrong-key")
    assert problem(await got("/sourceConfig/", query="writeKey=wk_wrong")) == (401, "wrong-key")
    assert problem(await got("/sourceConfig/")) == (401, "no-key")


@pytest.mark.parametrize("given", [{"key": KEY}, {"query": f"p=npm&writeKey={KEY}&v=3"}])
async def test_rudderstacks_source_reports_to_nobody(given: dict[str, Any]) -> None:
    source = (await got("/sourceConfig/", **given)).json["source"]
    assert (source["id"], source["enabled"], source["destinations"]) == ("shop", True, [])
    assert source["config"]["statsCollection"] == {"errors": {"enabled": False}, "metrics": {"enabled": False}}


async def test_a_head_is_answered_without_a_body() -> None:
    client = Client(Visitor().door)
    client.send(b"HEAD /leads.js HTTP/1.1\r\nhost: x\r\n\r\n")
    head, _, body = b"".join(client.transport.writes).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert b"content-length: " in head
    assert not body
    client.wire._unset_keepalive_if_required()


# -- leads.js ----------------------------------------------------------------------------------------------------------


async def test_the_tracker_is_small_compressed_and_cached() -> None:
    plain = await got("/leads.js")
    packed = await got("/leads.js", headers={"accept-encoding": "gzip, br"})
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < 6 * 1024
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["cache-control"] == "public, max-age=3600"
    assert plain.headers["access-control-allow-origin"] == "*"
    assert plain.headers["etag"] == packed.headers["etag"]
    again = await got("/leads.js", headers={"if-none-match": plain.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_the_tracker_knows_the_campaigns_and_click_ids_that_capture_knows() -> None:
    source = TRACKED.read_text()
    assert all(f'{name}: "{field}"' in source for name, field in UTM.items())
    clicks = source.partition("CLICK_IDS = /^(")[2].partition(")")[0]
    assert set(clicks.split("|")) == CLICK_IDS


# -- the pixel ---------------------------------------------------------------------------------------------------------


async def test_the_pixel_is_an_event_of_whom_its_address_names() -> None:
    visitor = Visitor()
    query = f"key={KEY}&event=newsletter-opened&user_id=u1&message_id=m1&utm_source=news&issue=7&password=x"
    answered = await got("/v1/pixel.gif", visitor=visitor, query=query, headers={"referer": "https://shop.example/a"})
    assert (answered.status, len(answered.body), answered.headers["content-type"]) == (200, 43, "image/gif")
    assert answered.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answered.headers
    [event] = visitor.durable.captured
    assert (event["kind"], event["name"], event["user_id"]) == ("pixel", "newsletter-opened", "u1")
    assert event["properties"] == {"issue": "7"}
    assert event["context"]["campaign"] == {"source": "news"}
    assert event["context"]["page"]["url"] == "https://shop.example/a"
    await got("/v1/pixel.gif", visitor=visitor, query=query)
    assert len({event["event_id"] for event in visitor.durable.captured}) == 1


async def test_a_pixel_that_names_nobody_is_a_visitors_of_this_one_moment() -> None:
    visitor = Visitor()
    for _ in range(2):
        assert (await got("/v1/pixel.gif", visitor=visitor, query=f"key={KEY}")).status == 200
    first, second = visitor.durable.captured
    assert first["name"] == "pixel"
    assert first["anonymous_id"] != second["anonymous_id"]


async def test_the_image_comes_only_when_the_event_is_durable() -> None:
    answered = await got("/v1/pixel.gif", visitor=Visitor(durable=Durable(works=False)), query=f"key={KEY}")
    assert problem(answered) == (503, "unavailable")


async def test_what_is_wrong_with_a_pixel_is_said_and_kept_without_its_key() -> None:
    visitor = Visitor()
    assert problem(await got("/v1/pixel.gif", visitor=visitor)) == (401, "no-key")
    assert problem(await got("/v1/pixel.gif", visitor=visitor, query="&".join("abc" for _ in range(600)))) == (
        400,
        "broken-body",
    )
    wrong = await got("/v1/pixel.gif", visitor=visitor, query=f"key={KEY}&event={'x' * 300}&user_id=u")
    assert problem(wrong) == (422, "invalid")
    assert len(visitor.durable.dead) == 1
    assert KEY not in str(visitor.durable.messages)


# -- what SDKs send in their own way -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        ("/v1/t", "track", "x"),
        ("/v1/p", "page", "page"),
        ("/v1/i", "identify", "identify"),
        ("/v1/s", "page", "screen"),
        ("/v1/g", "identify", "group"),
        ("/v1/a", "identify", "alias"),
    ],
)
async def test_the_short_paths_are_the_long_ones(path: str, kind: str, name: str) -> None:
    visitor = Visitor()
    assert (await visitor.post(path, EVENT)).status == 200
    [event] = visitor.durable.captured
    assert (event["kind"], event["name"]) == (kind, name)


@pytest.mark.parametrize("path", ["/v1/b", "/v1/import", "/beacon/v1/batch"])
async def test_batches_come_by_several_names(path: str) -> None:
    visitor = Visitor()
    body = {"batch": [EVENT | {"type": "track"}, EVENT | {"type": "group", "groupId": "g"}]}
    assert len((await visitor.post(path, body)).json["accepted"]) == 2


async def test_a_beacon_brings_its_key_in_the_address() -> None:
    visitor = Visitor()
    body = json.dumps({"batch": [EVENT | {"type": "track"}]})
    sent = await visitor.post("/beacon/v1/batch", body, key=None, query=f"writeKey={KEY}", content_type="text/plain")
    assert sent.status == 200
    assert problem(await visitor.post("/beacon/v1/batch", body, key=None, query="writeKey=no")) == (401, "wrong-key")


async def test_gzip_json_under_a_forms_label_is_json() -> None:
    visitor = Visitor()
    body = gzip.compress(msgspec.json.encode({"batch": [EVENT | {"type": "track"}]}))
    form = {"content_type": "application/x-www-form-urlencoded", "content_encoding": "gzip"}
    assert (await visitor.post("/v1/batch", body, headers=form)).status == 200
    assert len(visitor.durable.captured) == 1


async def test_an_error_says_what_rudderstacks_python_sdk_looks_for() -> None:
    told = (await Visitor().post("/v1/batch", {"batch": []}, key="wk_wrong")).json
    assert told["code"] == "wrong-key"
    assert told["message"] == told["detail"]


async def test_the_headers_that_sdks_send_are_allowed() -> None:
    visitor = Visitor(a_property(origins=("https://shop.example",)))
    asked = {"origin": "https://shop.example", "access-control-request-headers": "anonymousid,rsa-since-last-attempt"}
    answered = await visitor.post("/v1/batch", b"", method="OPTIONS", headers=asked)
    assert answered.headers["access-control-allow-headers"] == "anonymousid,rsa-since-last-attempt"
    odd = await visitor.post(
        "/v1/batch", b"", method="OPTIONS", headers=asked | {"access-control-request-headers": "<x>"}
    )
    assert odd.headers["access-control-allow-headers"].startswith("authorization, ")
    nobody = await visitor.post("/v1/batch", b"", method="OPTIONS", headers=asked | {"origin": "https://other.example"})
    assert "access-control-allow-headers" not in nobody.headers
    config = await visitor.post("/sourceConfig/", b"", method="OPTIONS", origin="https://shop.example")
    assert config.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
