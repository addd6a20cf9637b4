"""Properties, their keys and hooks: from the command line, over the operator's API, in capture's store, at the doors of all instances."""

from __future__ import annotations

import asyncio
import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from typer.testing import CliRunner

from services.capture import store as capture_store
from services.capture.domain.verdict import BROWSER, SERVER
from services.capture.properties import hashed
from services.capture.store import NewProperty, StoredHook, TooManyKeys
from services.console.cli import app as leads
from tests.integration import capture_process as process
from tests.integration.capture import MIGRATIONS, NOWHERE, TOKEN, app, running
from tests.integration.stores import migrated
from tests.unit.capture.door import request
from tests.unit.capture.vendors import test_typeform

SECRET = "the secret that Typeform has"


class Operator:
    """`leads` on the command line of somebody whose capture is at that address."""

    def __init__(self, url: str, home: Path) -> None:
        self._environment = {
            "LEADFLOW_HOME": str(home),
            "LEADFLOW_CAPTURE_URL": url,
            "LEADFLOW_TOKEN": TOKEN,
            "NO_COLOR": "1",
        }

    async def says(self, *arguments: str, code: int = 0) -> str:
        """What a command prints; on stderr where it fails."""
        ran = await asyncio.to_thread(CliRunner().invoke, leads, list(arguments), env=self._environment)
        assert ran.exit_code == code, ran.output
        return ran.stderr if code else ran.stdout

    async def gets(self, *arguments: str) -> Any:
        """A command's --json."""
        return json.loads(await self.says(*arguments, "--json"))


async def test_the_whole_life_of_a_property_from_the_command_line(kafka: str, store: str, tmp_path: Path) -> None:
    async with process.running(kafka, store) as capture:
        operator = Operator(str(capture.client.base_url), tmp_path)
        property_ = ("property",)

        async def track(key: str, **headers: str) -> int:
            body = {"userId": "u", "event": "x"}
            return (await capture.client.post("/v1/track", json=body, auth=(key, ""), headers=headers)).status_code

        made = await operator.gets(*property_, "add", "Acme", "--country", "DE", "--quota", "100000")
        assert made.keys() == {"property", "write_key"}
        key = made["write_key"]
        assert await track(key) == 200

        changed = await operator.gets(
            *property_, "set", "acme", "--origin", "https://www.acme.example", "--country", "AT"
        )
        assert (changed["origins"], changed["country"], changed["quota"]) == (
            ["https://www.acme.example"],
            "AT",
            100000,
        )
        changed = await operator.gets(*property_, "set", "acme", "--without", "country")
        assert (changed["country"], changed["name"]) == (None, "Acme")

        browser = (await operator.gets(*property_, "rotate-key", "acme", "--browser"))["write_key"]
        server = (await operator.gets(*property_, "rotate-key", "acme", "--server"))["write_key"]
        assert (browser[:3], server[:3]) == ("bk_", "sk_")
        assert [await track(browser, origin=one) for one in ("https://www.acme.example", "https://x.example")] == [
            200,
            403,
        ]
        assert await track(server, origin="https://x.example") == 200
        assert "several kinds" in await operator.says(*property_, "rotate-key", "acme", code=1)

        shown = await operator.gets(*property_, "show", "acme")
        assert [one["kind"] for one in shown["keys"]] == ["any", "browser", "server"]
        assert not any(one in str(shown) for one in (key, browser, server))
        await operator.gets(*property_, "revoke-key", "acme", shown["keys"][0]["prefix"])
        assert (await track(key), await track(browser)) == (401, 200)

        secret, token = tmp_path / "secret", tmp_path / "token"
        secret.write_text(f"{SECRET}\n")
        token.write_text("not needed here\n")
        hook = await operator.gets(*property_, "hook", "add", "acme", "typeform", "--secret-file", str(secret))
        assert (hook["path"], hook["secrets"]) == ("/v1/hooks/typeform/acme", {"signing": 1})
        assert SECRET not in str(hook)
        body = msgspec.json.encode(test_typeform.POST)
        mark = "sha256=" + b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()

        async def typeform(mark: str) -> int:
            return (
                await capture.client.post(hook["path"], content=body, headers={"typeform-signature": mark})
            ).status_code

        assert [await typeform(mark), await typeform("sha256=AAAA")] == [200, 401]
        wrong = await operator.says(
            *property_,
            "hook",
            "add",
            "acme",
            "typeform",
            "--secret-file",
            str(secret),
            "--token-file",
            str(token),
            code=1,
        )
        assert "/access_token" in wrong
        assert [one["vendor"] for one in await operator.gets(*property_, "hook", "list", "acme")] == ["typeform"]
        assert SECRET not in await operator.says(*property_, "hook", "list", "acme")

        assert (await operator.gets(*property_, "pause", "acme"))["state"] == "paused"
        assert [await track(server), await typeform(mark)] == [403, 403]
        assert (await operator.gets(*property_, "resume", "acme"))["state"] == "live"
        assert [await track(server), await typeform(mark)] == [200, 200]

        await operator.gets(*property_, "hook", "remove", "acme", "typeform")
        assert await typeform(mark) == 404
        assert (await operator.gets(*property_, "delete", "acme", "--yes"))["state"] == "deleted"
        assert await track(server) == 403
        assert [one["property"] for one in await operator.gets(*property_, "list")] == ["shop"]
        assert len(await operator.gets(*property_, "list", "--deleted")) == 2
        assert "deleted" in await operator.says(*property_, "resume", "acme", code=1)
        assert "No such property" not in await operator.says(*property_, "list")
        again = await operator.gets(*property_, "add", "Acme")
        assert again["property"] == "acme-2"


async def test_a_generic_hook_tells_all_mistakes_in_its_map_at_once_and_none_of_its_secrets(store: str) -> None:
    async with running(NOWHERE, store) as parts:
        transport, operator = httpx.ASGITransport(app(parts)), {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://capture", headers=operator) as client:
            await client.post("/v1/properties", json={"name": "Shop"})
            put: Callable[..., Any] = client.put
            wrong = {"secrets": "short", "field_map": {"traits": {"email": ""}, "id": "/a~b"}, "api_version": "v1"}
            refused = await put("/v1/properties/shop/hooks/generic", json=wrong)
            assert refused.status_code == 422
            pointers = [one["pointer"] for one in refused.json()["errors"]]
            assert pointers.count("/field_map") >= 2
            assert {"/secrets", "/api_version"} < set(pointers)
            good = {"secrets": SECRET, "field_map": {"traits": {"email": "/mail"}}}
            shown = await put("/v1/properties/shop/hooks/generic", json=good)
            assert (shown.status_code, shown.json()["field_map"]) == (200, good["field_map"])
            assert SECRET not in shown.text
            assert (await put("/v1/properties/shop/hooks/fax", json=good)).status_code == 404
            assert (await put("/v1/properties/blog/hooks/meta", json=good)).status_code == 404
            no_origins = await client.post("/v1/properties", json={"name": "Blog", "kind": "browser"})
            assert (no_origins.status_code, no_origins.json()["errors"][0]["pointer"]) == (422, "/origins")


async def test_pausing_deleting_and_hooks_hold_in_every_instance_within_five_seconds(store: str) -> None:
    async with running(NOWHERE, store, "capture-0") as first, running(NOWHERE, store, "capture-1") as second:
        await capture_store.add(first.pool, NewProperty("Shop"), key_hash=hashed("wk_one"), key_prefix="wk_one")
        event = {"userId": "u", "event": "x"}

        async def at_the_other_door() -> int:
            return (await request(second.door, "/v1/track", event, key="wk_one")).status

        await becomes(lambda: second.properties.by_key("wk_one") is not None)
        await capture_store.put_hook(
            first.pool, StoredHook(property="shop", vendor="meta", secrets={"signing": (b"s",)})
        )
        await becomes(lambda: second.properties.hook("meta", "shop") is not None)
        await capture_store.enter(first.pool, "shop", "paused")
        await becomes(lambda: getattr(second.properties.by_key("wk_one"), "state", "") == "paused")
        assert await at_the_other_door() == 403
        await capture_store.enter(first.pool, "shop", "deleted")
        await becomes(lambda: second.properties.hook("meta", "shop") is None)
        assert await at_the_other_door() == 403


async def test_two_keys_of_each_kind_are_live_and_a_deleted_property_gets_no_more(store: str) -> None:
    async with migrated(store, MIGRATIONS) as pool:
        await capture_store.add(pool, NewProperty("Shop"), key_hash=b"0", key_prefix="0")
        for number, kind in enumerate((BROWSER, BROWSER, SERVER), 1):
            await capture_store.add_key(pool, "shop", key_hash=b"%d" % number, key_prefix=str(number), kind=kind)
        with pytest.raises(TooManyKeys):
            await capture_store.add_key(pool, "shop", key_hash=b"9", key_prefix="9", kind=BROWSER)
        [found] = await capture_store.properties(pool)
        assert found.kinds == ("any", BROWSER, BROWSER, SERVER)
        assert await capture_store.enter(pool, "shop", "deleted")
        assert not await capture_store.add_key(pool, "shop", key_hash=b"9", key_prefix="9", kind=SERVER)
        assert not await capture_store.change(pool, "shop", NewProperty("Other"))
        assert not await capture_store.put_hook(pool, StoredHook(property="shop", vendor="meta"))
        assert not await capture_store.enter(pool, "shop", "live")


async def becomes(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not what():
            await asyncio.sleep(0.05)
