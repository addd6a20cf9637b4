"""The operator's view of a whole stack: it says where everything is, and instances are killed, added and removed at any time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from deploy.local import drills, stack
from deploy.local.layout import CHECKOUT, SERVICES, Layout


def leads(leadflow: Layout, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, told of the stack's home alone."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LEADFLOW_")}
    command = [str(Path(sys.prefix) / "bin" / "leads"), *arguments]
    return subprocess.run(
        command,
        env=environment | {"LEADFLOW_HOME": str(leadflow.home)},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


def instances(leadflow: Layout, service: str) -> list[Any]:
    described: Any = stack.describe(leadflow)
    return list(described["services"][service])


def is_ready(url: str) -> bool:
    return httpx.get(f"{url}/readyz", timeout=5).status_code == 200


def test_status_prints_where_everything_is_for_programs(leadflow: Layout) -> None:
    said = leads(leadflow, "status", "--json")
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout)
    assert set(found) == {"token", "kafka", "stores", "services", "workers", "data"}
    assert found["kafka"] == leadflow.kafka
    assert found["data"] == str(leadflow.home)
    assert set(found["stores"]) == set(found["services"]) == set(SERVICES)
    for service in SERVICES:
        assert found["stores"][service].startswith(f"postgresql://{service}:")
        (instance,) = found["services"][service]
        assert set(instance) == {"pid", "url"}
        assert is_ready(instance["url"])


@pytest.mark.slow  # test_kills.py kills each of them in make test
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_was_killed_is_ready_again(leadflow: Layout, service: str) -> None:
    (before,) = instances(leadflow, service)
    drills.kill(leadflow, service)
    drills.start(leadflow, service)
    (after,) = instances(leadflow, service)
    assert after["pid"] != before["pid"]
    assert is_ready(after["url"])


def test_a_service_is_scaled_out_and_in(leadflow: Layout) -> None:
    assert leads(leadflow, "stack", "scale", "score", "2").returncode == 0
    first, second = instances(leadflow, "score")
    assert is_ready(first["url"])
    assert is_ready(second["url"])
    assert leads(leadflow, "stack", "scale", "score", "1").returncode == 0
    assert instances(leadflow, "score") == [first]


def test_a_service_can_be_told_something_and_it_can_be_taken_back(leadflow: Layout) -> None:
    assert leads(leadflow, "stack", "tell", "route", "LEADFLOW_SESSION_TIMEOUT_MS=9000").returncode == 0
    (told,) = instances(leadflow, "route")
    assert psutil.Process(told["pid"]).environ()["LEADFLOW_SESSION_TIMEOUT_MS"] == "9000"
    drills.tell(leadflow, "route", {})
    (untold,) = instances(leadflow, "route")
    assert "LEADFLOW_SESSION_TIMEOUT_MS" not in psutil.Process(untold["pid"]).environ()
    assert is_ready(untold["url"])


def test_a_drill_that_cannot_be_done_says_so_and_fails(leadflow: Layout) -> None:
    said = leads(leadflow, "stack", "scale", "kafka", "2")
    assert said.returncode == 1
    assert "Only a service can be scaled" in said.stderr
