"""The hot routes as their callers meet them: keys, answers, limits, dead letters, and that OpenAPI tells the truth about them."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import msgspec
import pytest

from shared import ids
from tests.unit.capture.door import KEY, POSTS, Durable, Visitor, a_property, problem

FORM = "application/x-www-form-urlencoded"
IDENTIFY: dict[str, Any] = {"userId": "u1", "traits": {"email": "jo@acme.example"}}


# -- keys --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()}, {}),
        ({"authorization": "Basic " + base64.b64encode(KEY.encode()).decode()}, {}),
        ({"authorization": f"Bearer {KEY}"}, {}),
        ({}, {"writeKey": KEY}),
    ],
)
async def test_a_write_key_is_taken_as_basic_user_name_as_bearer_and_from_the_body(
    headers: dict[str, str], body: dict[str, Any]
) -> None:
    visitor = Visitor()
    answered = await visitor.post("/v1/identify", IDENTIFY | body, key=None, headers=headers)
    assert answered.status == 200
    assert visitor.durable.captured[0]["property"] == "shop"
    assert KEY not in str(visitor.durable.messages)


@pytest.mark.parametrize("path", [*POSTS, "/v1/forms/demo"])
async def test_without_a_key_the_answer_is_401_and_says_where_to_put_it(path: str) -> None:
    visitor = Visitor()
    answered = await visitor.post(path, IDENTIFY | {"batch": []}, key=None)
    assert problem(answered) == (401, "no-key")
    assert "Basic user name" in answered.json["detail"]


@pytest.mark.parametrize("authorization", ["Bearer wk_wrong", "Basic d2tfd3Jvbmc6", "Basic !!!", "Digest x", ""])
async def test_a_wrong_key_is_401_whatever_the_body_says(authorization: str) -> None:
    visitor = Visitor()
    answered = await visitor.post("/v1/track", IDENTIFY | {"writeKey": KEY}, key=None, authorization=authorization)
    assert problem(answered) == (401, "wrong-key")
    assert not visitor.durable.messages


@pytest.mark.parametrize("field", ["writeKey", "write_key"])
async def test_a_form_may_bring_its_key_in_a_hidden_field_or_in_the_address(field: str) -> None:
    visitor = Visitor()
    hidden = await visitor.post("/v1/forms/demo", f"{field}={KEY}&email=a@b.example", key=None, content_type=FORM)
    address = await visitor.post("/v1/forms/demo", "email=a@b.example", key=None, query=f"key={KEY}", content_type=FORM)
    assert (hidden.status, address.status) == (202, 202)
    assert KEY not in str([message.value for message in visitor.durable.messages])


# -- answers -----------------------------------------------------------------------------------------------------------


async def test_an_accepted_event_is_answered_with_its_id() -> None:
    visitor = Visitor()
    answered = await visitor.post("/v1/track", {"userId": "u1", "event": "webinar-attended", "messageId": "m1"})
    event_id = ids.submission_id("shop", "m1")
    assert answered.json == {"success": True, "accepted": [{"index": 0, "event_id": event_id}], "rejected": []}
    assert answered.status == 200
    [event] = visitor.durable.captured
    assert (event["event_id"], event["kind"], event["name"]) == (event_id, "track", "webinar-attended")


async def test_each_event_of_a_batch_is_judged_on_its_own() -> None:
    visitor = Visitor()
    batch = [
        {"type": "identify", **IDENTIFY},
        {"type": "wedding", "userId": "u1"},
        {"type": "track", "userId": "u1"},
        {"type": "page", "name": "Home"},
        {"type": "page", "userId": 7, "properties": {"x": "y" * 40_000}},
        {"type": "track", "event": "x", "userId": "u1", "context": {"page": {"url": 5}}},
        7,
        {"type": "page", "userId": 7},
    ]
    answered = await visitor.post("/v1/batch", {"batch": batch})
    assert answered.status == 200
    assert [one["index"] for one in answered.json["accepted"]] == [0, 7]
    assert [(one["index"], one["reason"], one["pointer"]) for one in answered.json["rejected"]] == [
        (1, "unknown-type", "/batch/1/type"),
        (2, "invalid", "/batch/2/event"),
        (3, "no-identifier", "/batch/3"),
        (4, "too-large", "/batch/4"),
        (5, "invalid", "/batch/5/context/page/url"),
        (6, "invalid", "/batch/6"),
    ]
    dead = visitor.durable.dead
    assert [one["reason"] for one in dead] == [one["reason"] for one in answered.json["rejected"]]
    assert [msgspec.json.decode(base64.b64decode(one["value"])) for one in dead] == batch[1:7]
    assert {(one["service"], one["place"]["topic"]) for one in dead} == {("capture", "http")}


async def test_a_refused_single_event_is_422_names_the_place_and_is_kept_as_a_dead_letter() -> None:
    visitor = Visitor()
    answered = await visitor.post("/v1/identify", {"userId": "u1", "traits": ["jo@acme.example"]})
    assert problem(answered) == (422, "invalid")
    assert answered.json["errors"][0]["pointer"] == "/traits"
    assert b"acme" not in answered.body
    [dead] = visitor.durable.dead
    assert dead["reason"] == "invalid"
    assert "acme" not in dead["detail"]
    assert b"jo@acme.example" in base64.b64decode(dead["value"])


@pytest.mark.parametrize("body", [b"", b"{", b'{"a":[1,2', b'{"a":\x00}', b"\xef\xbb\xbf{}", b"userId=u1"])
async def test_what_is_no_json_is_400_and_a_dead_letter_when_the_key_came_beside_it(body: bytes) -> None:
    visitor = Visitor()
    answered = await visitor.post("/v1/track", body, content_type="application/json")
    assert problem(answered) == (400, "broken-body")
    assert visitor.durable.dead[0]["reason"] == "undecodable"
    assert problem(await visitor.post("/v1/track", body, key=None)) == (400, "broken-body")
    assert len(visitor.durable.dead) == 1


async def test_when_nothing_can_be_kept_the_answer_is_503_with_retry_after() -> None:
    visitor = Visitor(durable=Durable(works=False))
    for path, body in (
        ("/v1/identify", IDENTIFY),
        ("/v1/identify", {"userId": []}),
        ("/v1/batch", {"batch": [IDENTIFY]}),
        ("/v1/forms/demo", {"email": "jo@acme.example"}),
    ):
        answered = await visitor.post(path, body)
        assert problem(answered) == (503, "unavailable")
        assert int(answered.headers["retry-after"]) > 0


async def test_other_paths_go_to_the_app_behind() -> None:
    assert (await Visitor().post("/v1/properties", {})).status == 299


async def test_only_post_is_taken() -> None:
    answered = await Visitor().post("/v1/track", b"", method="GET")
    assert problem(answered) == (405, "method")
    assert "POST" in answered.headers["allow"]


# -- limits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [True, False])
async def test_a_body_of_600_kib_is_413_whether_it_says_so_or_not(said: bool) -> None:
    body = b"x" * 614_400
    length = {"content_length": str(len(body))} if said else {}
    answered = await Visitor().post("/v1/track", body, content_type="application/json", pieces=10, headers=length)
    assert problem(answered) == (413, "too-large")


async def test_an_event_of_more_than_32_kib_is_413_and_kept() -> None:
    visitor = Visitor()
    big = {"x": "y" * 32_768}
    assert problem(await visitor.post("/v1/identify", IDENTIFY | {"properties": big})) == (413, "too-large")
    assert problem(await visitor.post("/v1/forms/demo", {"email": "a@b.example"} | big)) == (413, "too-large")
    assert [one["reason"] for one in visitor.durable.dead] == ["too-large", "too-large"]


async def test_a_batch_of_more_than_500_is_413() -> None:
    visitor = Visitor()
    small = {"type": "page", "userId": "u"}
    assert (await visitor.post("/v1/batch", {"batch": [small] * 500})).status == 200
    assert problem(await visitor.post("/v1/batch", {"batch": [small] * 501})) == (413, "too-large")


async def test_a_body_in_pieces_is_put_together() -> None:
    assert (await Visitor().post("/v1/identify", IDENTIFY, pieces=5)).status == 200


async def test_gzip_is_unpacked_within_the_limit() -> None:
    visitor = Visitor()
    packed = {"content_type": "application/json", "content_encoding": "gzip"}
    assert (
        await visitor.post("/v1/identify", gzip.compress(msgspec.json.encode(IDENTIFY)), headers=packed)
    ).status == 200
    bomb = gzip.compress(b" " * 50_000_000)
    assert problem(await visitor.post("/v1/identify", bomb, headers=packed)) == (413, "too-large")
    assert problem(await visitor.post("/v1/identify", b"no gzip", headers=packed)) == (400, "broken-body")
    other = {"content_type": "application/json", "content_encoding": "br"}
    assert problem(await visitor.post("/v1/identify", b"", headers=other)) == (415, "content-encoding")


@pytest.mark.parametrize("content_type", ["application/xml", FORM, "multipart/form-data; boundary=x"])
async def test_sdk_routes_take_json_only(content_type: str) -> None:
    answered = await Visitor().post("/v1/track", b"userId=u&event=x", content_type=content_type)
    assert problem(answered) == (415, "content-type")


@pytest.mark.parametrize("content_type", ["text/plain", "application/json; charset=utf-8", "Application/JSON"])
async def test_json_is_taken_under_the_names_that_sdks_give_it(content_type: str) -> None:
    answered = await Visitor().post("/v1/identify", msgspec.json.encode(IDENTIFY), content_type=content_type)
    assert answered.status == 200


# -- ids ---------------------------------------------------------------------------------------------------------------


async def test_an_idempotency_key_makes_the_event_id_unless_the_event_has_a_name_of_its_own() -> None:
    visitor = Visitor()

    async def event_ids(path: str, body: dict[str, Any]) -> list[str]:
        answered = await visitor.post(path, body, idempotency_key="k1")
        return [one["event_id"] for one in answered.json["accepted"]]

    form = {"email": "jo@acme.example"}
    assert await event_ids("/v1/forms/demo", form) == await event_ids("/v1/forms/demo", form)
    assert await event_ids("/v1/identify", IDENTIFY) == [ids.submission_id("shop", "k1")]
    named = IDENTIFY | {"messageId": "m1"}
    assert await event_ids("/v1/identify", named) == [ids.submission_id("shop", "m1")]
    batch = {"batch": [{"type": "identify", **IDENTIFY}] * 2}
    first, second = await event_ids("/v1/batch", batch)
    assert first != second
    assert [first, second] == await event_ids("/v1/batch", batch)


async def test_the_same_name_at_two_properties_is_two_events() -> None:
    visitor = Visitor(a_property(), a_property("blog", key="wk_blog"))
    named = IDENTIFY | {"messageId": "m1"}
    await visitor.post("/v1/identify", named)
    await visitor.post("/v1/identify", named, key="wk_blog")
    first, second = visitor.durable.captured
    assert first["event_id"] != second["event_id"]


# -- browsers ----------------------------------------------------------------------------------------------------------


async def test_scripts_of_allowed_origins_may_read_answers_and_others_not() -> None:
    visitor = Visitor(a_property(origins=("https://shop.example",)))
    allow = "access-control-allow-origin"
    for headers, expected in (({"origin": "https://shop.example"}, "https://shop.example"), ({"origin": "https://x.example"}, None), ({}, None)):  # fmt: skip
        assert (await visitor.post("/v1/track", b"", method="OPTIONS", headers=headers)).headers.get(allow) == expected
        assert (await visitor.post("/v1/identify", IDENTIFY, headers=headers)).headers.get(allow) == expected
        assert (await visitor.post("/v1/identify", b"{", headers=headers)).headers.get(allow) == expected
        assert (await visitor.post("/v1/identify", b"{", key="no", headers=headers)).headers.get(allow) == expected


async def test_where_no_origin_is_named_scripts_of_any_may_read_answers() -> None:
    answered = await Visitor().post("/v1/identify", IDENTIFY, origin="https://anywhere.example")
    assert answered.headers["access-control-allow-origin"] == "https://anywhere.example"
