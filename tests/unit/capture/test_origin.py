"""Where a visit came from, by every way in: all parameters of a campaign, all click ids, and the country that the edge tells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from services.capture.settings import Settings
from services.capture.store import StoredHook
from services.console.importing.event import event, read_map
from shared.fieldmap import FieldMap
from shared.origin import CLICK_IDS, UTM
from tests.unit.capture.door import BROWSER, KEY, Visitor, a_property

CAMPAIGN = {field: f"the {field}" for field in UTM.values()}
CLICKS = {name: f"click-{name}" for name in CLICK_IDS}
PARAMETERS = {name: CAMPAIGN[field] for name, field in UTM.items()} | CLICKS
ADDRESS = f"https://shop.example/a?{urlencode(PARAMETERS)}"
WHO = {"anonymousId": "a1"}
MAP = {"traits": {"email": "email"}, "properties": {name: name for name in PARAMETERS}}
FIRST = "CF-IPCountry"
COUNTRY_HEADERS = Settings.model_fields["country_headers"].default.split(",")
PROXY = ["10.0.0.0/8"]


def imported() -> dict[str, Any]:
    """A row with a column for each parameter, as `leads import` sends it."""
    field_map = read_map({**MAP, "form": {"value": "demo"}})
    assert isinstance(field_map, FieldMap)
    made = event({"email": "jo@acme.example", **PARAMETERS}, field_map, as_history=True)
    assert isinstance(made, dict), made
    return {"batch": [made]}


WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "an SDK's page": ("/v1/page", {"body": {**WHO, "context": {"page": {"url": ADDRESS}}}}),
    "an SDK's page call without a context": ("/v1/page", {"body": {**WHO, "properties": {"url": ADDRESS}}}),
    "an SDK's context": ("/v1/page", {"body": {**WHO, "context": {"campaign": CAMPAIGN, "click_ids": CLICKS}}}),
    "a form's hidden fields": ("/v1/forms/demo", {"body": {"email": "jo@acme.example", **PARAMETERS}}),
    "a form's field for the page": ("/v1/forms/demo", {"body": {"email": "jo@acme.example", "page_url": ADDRESS}}),
    "the Referer": ("/v1/forms/demo", {"body": {"email": "jo@acme.example"}, "referer": ADDRESS}),
    "the pixel": ("/v1/pixel.gif", {"body": b"", "method": "GET", "key": None, "query": urlencode({"key": KEY} | PARAMETERS)}),
    "a hook with a map": ("/v1/hooks/generic/shop", {"body": {"email": "jo@acme.example", **PARAMETERS}, "key": "a shared secret"}),
    "an import": ("/v1/batch", {"body": imported()}),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
async def test_every_parameter_of_a_campaign_and_every_click_id_is_taken(way: str) -> None:
    hook = StoredHook(
        property="shop",
        vendor="generic",
        secrets={"shared": (b"a shared secret",)},
        field_map=f"{MAP}".replace("'", '"'),
    )
    visitor = Visitor(hooks=[hook])
    path, more = WAYS[way]
    answered = await visitor.post(path, **more)
    assert answered.status in (200, 202), answered.body
    [found] = visitor.durable.captured
    assert (found["context"].get("campaign"), found["context"].get("click_ids")) == (CAMPAIGN, CLICKS)
    assert not {*found["properties"]} & {*PARAMETERS}


async def test_a_campaigns_id_may_be_a_number_and_what_is_told_wins_over_the_address() -> None:
    visitor = Visitor()
    context = {"page": {"url": ADDRESS}, "campaign": {"name": "may", "id": 7}, "click_ids": {"gclid": "mine"}}
    await visitor.post("/v1/page", {**WHO, "context": context})
    [found] = visitor.durable.captured
    assert found["context"]["campaign"] == {"name": "may", "id": "7"}
    assert found["context"]["click_ids"] == {**CLICKS, "gclid": "mine"}


@pytest.mark.parametrize("click_ids", [{"gclid": 7, "fbclid": ["x"]}, ["gclid"], "gclid", 7])
async def test_what_is_no_text_in_a_campaign_or_click_id_is_left_out_and_not_held_against_the_event(
    click_ids: Any,
) -> None:
    visitor = Visitor()
    campaign = {"name": "may", "id": 12.5, "source_platform": 3, "marketing_tactic": ["x"]}
    answered = await visitor.post("/v1/page", {**WHO, "context": {"campaign": campaign, "click_ids": click_ids}})
    assert answered.status == 200
    [found] = visitor.durable.captured
    assert found["context"]["campaign"] == {"name": "may"}
    assert "click_ids" not in found["context"]


# -- the country that the edge tells -----------------------------------------------------------------------------------


async def country(
    headers: dict[str, str],
    *,
    path: str = "/v1/track",
    body: dict[str, Any] | None = None,
    kind: str = "any",
    agent: str = BROWSER,
    proxies: list[str] | None = None,
    believed: list[str] | None = None,
) -> str | None:
    """What an event's context says after a request with these headers that came by a proxy."""
    visitor = Visitor(
        replace(a_property(), kinds=(kind,)),
        proxies=PROXY if proxies is None else proxies,
        country_headers=COUNTRY_HEADERS if believed is None else believed,
    )
    said = {"event": "x", "email": "jo@acme.example", **WHO} if body is None else body
    answered = await visitor.post(path, said, peer="10.0.0.1", headers=headers, user_agent=agent)
    assert answered.status in (200, 202), answered.body
    [found] = visitor.durable.captured
    told: str | None = found["context"].get("country")
    return told


@pytest.mark.parametrize("header", COUNTRY_HEADERS)
@pytest.mark.parametrize("path", ["/v1/track", "/v1/forms/demo"])
async def test_the_country_comes_from_the_header_of_whatever_edge_there_is(header: str, path: str) -> None:
    assert await country({header: "ch"}, path=path) == "CH"
    assert await country({}, path=path) is None


@pytest.mark.parametrize("said", ["XX", "T1", "ZZ", "", "D", "DEU", "Germany", "D\xc9", "1"])
async def test_what_stands_for_no_country_is_none(said: str) -> None:
    assert await country({FIRST: said}) is None


async def test_only_a_trusted_proxy_is_believed() -> None:
    assert await country({FIRST: "CH"}, proxies=[]) is None
    assert await country({FIRST: "CH"}, proxies=["192.0.2.0/24"]) is None


async def test_headers_that_contradict_each_other_say_nothing_and_one_that_the_operator_does_not_name_neither() -> None:
    two = {FIRST: "CH", "X-Country-Code": "DE"}
    assert await country(two) is None
    assert await country({**two, "X-Country-Code": "CH"}) == "CH"
    assert await country(two, believed=[FIRST]) == "CH"
    assert await country({"X-Country-Code": "DE"}, believed=[FIRST]) is None
    assert await country(two, believed=[]) is None


async def test_a_server_does_not_stand_where_those_are_for_whom_it_speaks() -> None:
    assert await country({FIRST: "US"}, agent="analytics-python/2.3.2") is None
    assert await country({FIRST: "US"}, kind="server") is None
    assert await country({FIRST: "US"}, kind="server", path="/v1/forms/demo") is None
