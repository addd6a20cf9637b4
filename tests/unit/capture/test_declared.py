"""OpenAPI tells the truth about the hot routes: they are declared, and whatever is sent, the answer is a declared one."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from services.capture import declared
from services.capture.door.door import ROUTES
from services.capture.main import fastapi_app
from shared.health import Health
from tests.unit.capture.door import KEY, POSTS, Visitor, a_property, problem

FORM = "application/x-www-form-urlencoded"


def test_every_hot_route_is_declared_beside_the_routes_of_the_app() -> None:
    document = fastapi_app(Health()).openapi()
    assert {*ROUTES, "/v1/forms/{form}", "/livez", "/readyz"} <= document["paths"].keys()
    for path in (*POSTS, "/v1/forms/{form}"):
        assert document["paths"][path].keys() - {"parameters"} == {"post", "options"}
    for path in (*(ROUTES.keys() - POSTS), "/v1/projects/{key}/settings"):
        assert document["paths"][path].keys() - {"parameters"} == {"get", "options"}
    text = str(document)
    for reference in {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}:
        assert reference in document["components"]["schemas"]


_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "content_type": st.sampled_from(["application/json", FORM, "multipart/form-data; boundary=x", "text/x"]),
        "content_encoding": st.sampled_from(["gzip", "identity", "zstd"]),
        "accept": st.just("text/html"),
        "origin": st.just("https://shop.example"),
        "idempotency_key": st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=5),
        "user_agent": st.just("curl/8"),
        "referer": st.sampled_from(["https://x.example/?utm_source=a", "http://[", "?" * 99]),
    },
)
_NAMES = st.sampled_from(
    [
        "userId",
        "anonymousId",
        "messageId",
        "timestamp",
        "sentAt",
        "event",
        "name",
        "type",
        "properties",
        "traits",
        "context",
        "batch",
        "email",
        "phone",
        "page",
        "url",
        "campaign",
        "consent",
        "purposes",
        "writeKey",
        "userAgent",
        "ip",
        "locale",
        "category",
        "consent_mail",
        "topic[]",
        "a[b][c]",
        "utm_source",
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=6),
    max_leaves=20,
)
_BODIES = st.one_of(
    st.binary(max_size=60),
    _JSON.map(lambda value: str(value).replace("'", '"').encode("utf-8", "surrogatepass")),
    st.dictionaries(_NAMES, _JSON, max_size=8).map(lambda value: json.dumps(value).encode()),
    st.lists(_JSON, max_size=3).map(lambda batch: json.dumps({"batch": batch}).encode()),
    st.lists(st.tuples(_NAMES, st.text(max_size=4))).map(
        lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).encode("utf-8", "replace")
    ),
    st.binary(max_size=60).map(lambda data: b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n' + data),
)


_ASKED = {
    "/leads.js": "/leads.js",
    "/v1/pixel.gif": "/v1/pixel.gif",
    "/sourceConfig": "/sourceConfig",
    "/sourceConfig/": "/sourceConfig/",
    f"/v1/projects/{KEY}/settings": "/v1/projects/{key}/settings",
    "/v1/projects/wrong/settings": "/v1/projects/{key}/settings",
    "/v1/projects/a/b": "/v1/projects/{key}/settings",
}


@settings(deadline=None, max_examples=100)
@given(
    path=st.sampled_from(sorted(_ASKED)),
    method=st.sampled_from(["GET"] * 6 + ["OPTIONS", "PUT"]),
    key=st.sampled_from([KEY, "wrong", None]),
    said=st.lists(st.tuples(_NAMES | st.sampled_from(["key", "event", "writeKey"]), st.text() | st.just(KEY))),
    headers=_HEADERS,
)
async def test_whatever_is_asked_for_the_answer_is_one_that_is_declared(
    path: str, method: str, key: str | None, said: list[tuple[str, str]], headers: dict[str, str]
) -> None:
    query = urlencode(said, errors="replace")
    answered = await Visitor().post(path, b"", key=key, method=method, query=query, headers=headers)
    if method == "PUT":
        assert problem(answered) == (405, "method")
        return
    declaration = declared.paths()[0][_ASKED[path]][method.lower()]["responses"][str(answered.status)]
    media = answered.headers.get("content-type", "").partition(";")[0]
    assert media in declaration.get("content", {"": None})


@settings(deadline=None, max_examples=150)
@given(
    path=st.sampled_from([*POSTS, "/v1/forms/demo", "/v1/forms/", "/v1/forms/a/b"]),
    method=st.sampled_from(["POST"] * 6 + ["OPTIONS", "PUT"]),
    key=st.sampled_from([KEY, KEY, KEY, "wrong", None]),
    body=_BODIES,
    headers=_HEADERS,
)
async def test_whatever_is_sent_the_answer_is_one_that_is_declared(
    path: str, method: str, key: str | None, body: bytes, headers: dict[str, str]
) -> None:
    visitor = Visitor(a_property(thank_you_url="https://shop.example/thanks"))
    answered = await visitor.post(path, body, key=key, method=method, headers=headers)
    route = path if path in ROUTES else "/v1/forms/{form}"
    if method == "PUT":
        assert problem(answered) == (405, "method")
        return
    declaration = declared.paths()[0][route][method.lower()]["responses"][str(answered.status)]
    media = answered.headers.get("content-type", "").partition(";")[0]
    assert media in declaration.get("content", {"": None})
    if answered.status == 200:
        told = answered.json
        durable = {one["event_id"] for one in visitor.durable.captured}
        assert {one["event_id"] for one in told["accepted"]} == durable
        assert len(told["rejected"]) == len(visitor.durable.dead)
    elif answered.status >= 400:
        if media != "text/html":
            problem(answered)
        assert not visitor.durable.captured
    for message in visitor.durable.messages:
        assert b"\\u0000" not in message.value
