"""docker-compose.yml as a text: what it opens, what it pins, and that each service is told all that it needs and nothing that nobody reads."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from deploy.local.layout import CHECKOUT
from services.capture.settings import Settings as Capture
from services.console.settings import Settings as Console
from services.enrich.settings import Settings as Enrich
from services.route.settings import Settings as Route
from services.score.settings import Settings as Score
from services.score.settings import SignalSettings

TEXT = (CHECKOUT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
SETTINGS: dict[str, type[BaseSettings]] = {
    "capture": Capture,
    "enrich": Enrich,
    "score": Score,
    "route": Route,
    "console": Console,
    "signals": SignalSettings,
}
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::?[-?]([^}]*))?\}")


def filled(text: str) -> str:
    """The text with each variable's default, or a password, in its place."""
    return VARIABLE.sub(lambda found: (found[2] or "").replace("make .env with deploy/new-env.sh", "s" * 32), text)


def test_every_port_is_this_machines_alone_unless_env_says_otherwise() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) >= 7
    for port in ports:
        assert port.startswith("${LEADFLOW_BIND:-127.0.0.1}:${LEADFLOW_"), port


def test_every_image_is_pinned() -> None:
    for name, service in SERVICES.items():
        image = filled(service["image"])
        assert re.fullmatch(r"[\w./-]+:[\w.-]*[\d]+[\w.-]*|leadflow:dev", image), f"{name}: {image}"


def test_every_variable_is_in_the_example() -> None:
    lines = (CHECKOUT / ".env.example").read_text().splitlines()
    explained = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert {name for name, _ in VARIABLE.findall(TEXT)} == explained


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_each_service_is_told_what_it_needs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {key: filled(value) for key, value in SERVICES[name]["environment"].items()}
    for key, value in told.items():
        monkeypatch.setenv(key, value)
    kind = SETTINGS[name]
    assert {key.removeprefix("LEADFLOW_").lower() for key in told} <= set(kind.model_fields)
    kind()


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_each_service_runs_without_rights_and_is_watched(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["healthcheck"]["test"] == ["CMD", "leads", "health"]
    assert {"mem_limit", "cpus", "pids_limit"} <= set(service)


def test_who_waits_for_whom_is_there() -> None:
    for name, service in SERVICES.items():
        waits = service.get("depends_on", {})
        assert set(waits) <= set(SERVICES), name
        for other, how in waits.items() if isinstance(waits, dict) else ():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], f"{name} waits for the health of {other}, which has no check"
