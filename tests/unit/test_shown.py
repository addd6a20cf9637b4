"""What an operator sees of the settings: values and where they come from, no secret."""

from __future__ import annotations

import os
from unittest.mock import patch

import httpx
import pytest
from fastapi import FastAPI

from deploy import generate
from services.console.settings import Settings
from shared import ops, problem, settings, shown

TOLD = {
    "LEADFLOW_KAFKA": "127.0.0.1:19092",
    "LEADFLOW_MEMBER": "console-0",
    "LEADFLOW_HTTP_PORT": "8000",
    "LEADFLOW_STORE": "postgresql://console:pw-7@127.0.0.1:15432/console?sslpassword=pw-8",
    "LEADFLOW_TOKEN": "the-token-of-the-operator",
    "LEADFLOW_SECRET": "the-secret-of-the-installation",
}


@pytest.fixture
def told() -> Settings:
    with patch.dict(os.environ, TOLD):
        return settings.load(Settings)


def test_a_setting_tells_where_it_comes_from(told: Settings) -> None:
    found = {one.variable: one for one in shown.settings(told)}
    assert (found["LEADFLOW_MEMBER"].value, found["LEADFLOW_MEMBER"].origin) == ("console-0", "environment")
    assert (found["LEADFLOW_PARTITIONS"].value, found["LEADFLOW_PARTITIONS"].origin) == ("4", "default")


def test_no_secret_and_no_password_is_shown(told: Settings) -> None:
    text = repr(shown.settings(told))
    for secret in ("pw-7", "pw-8", TOLD["LEADFLOW_TOKEN"], TOLD["LEADFLOW_SECRET"]):
        assert secret not in text
    assert "postgresql://console:***@127.0.0.1:15432/console?sslpassword=***" in text
    assert shown.masked("sasl_ssl://jo:pa:ss@kafka:9093?ca=/ca.pem") == "sasl_ssl://jo:***@kafka:9093?ca=/ca.pem"


async def test_only_the_operator_sees_them(told: Settings) -> None:
    app = FastAPI()
    problem.install(app)
    app.include_router(ops.config_routes(told), dependencies=[ops.operator(told.token)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        assert (await client.get("/v1/config")).status_code == 401
        seen = await client.get("/v1/config", headers={"Authorization": f"Bearer {told.token}"})
    assert {"variable", "value", "origin", "description"} == seen.json()["settings"][0].keys()


def test_the_table_of_settings_is_current_and_names_every_variable(told: Settings) -> None:
    assert generate.main(["--check"]) == 0
    table = (generate.ROOT / generate.SETTINGS).read_text()
    assert all(f"`{one.variable}`" in table for one in shown.settings(told))
