"""A real Prometheus scrapes the running stack: every panel and rule gets an answer, every rule has its case. Needs Debian's `prometheus` package."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deploy.generate import BOARDS, ROOT
from deploy.local import ports, stack
from deploy.local.layout import Layout
from tests.e2e.test_operating import leads

RULES = ROOT / "deploy/prometheus"
PATIENCE_SECONDS = 180.0
_COMPARISON = re.compile(r" (?:>|==|>=) (?:[0-9.* ]+(?=\)|$)|max by .*)")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("promtool") is None, reason="needs Debian's package prometheus"),
]


def asked() -> Iterator[tuple[str, str]]:
    """Every expression, with the place where it stands. Grafana fills in the range that is shown."""
    for board in BOARDS:
        for _, panels in board.rows:
            for panel in panels:
                yield from ((f"{board.title}/{panel.title}", ask.replace("$__range", "1h")) for ask, _ in panel.asks)
    for rule in yaml.safe_load((RULES / "recording.yml").read_text())["groups"][0]["rules"]:
        yield rule["record"], rule["record"]
    for rule in yaml.safe_load((RULES / "alerts.yml").read_text())["groups"][0]["rules"]:
        yield rule["alert"], rule["expr"]


def without_thresholds(expression: str) -> str:
    """What an alert looks at: a comparison that does not hold gives nothing, and should. What it compares has to give something."""
    return " or ".join(f"({_COMPARISON.sub('', side)})" for side in expression.split(" and "))


@pytest.fixture
def prometheus(leadflow: Layout, tmp_path: Path) -> Iterator[httpx.Client]:
    """One that scrapes the stack every five seconds, with the shipped rules."""
    found: Any = stack.describe(leadflow)
    jobs = {
        name: [one["url"].removeprefix("http://") for one in instances]
        for name, instances in (*found["services"].items(), *found["workers"].items())
    }
    config = {
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "rule_files": [str(RULES / "recording.yml"), str(RULES / "alerts.yml")],
        "scrape_configs": [{"job_name": job, "static_configs": [{"targets": at}]} for job, at in jobs.items()],
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = ports.free_base()
    command = ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
        try:
            _answers(port)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30) as client:
                yield client
        finally:
            process.terminate()
            process.wait(20)


def _answers(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as there:
            if there.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("prometheus gives no answer")


def answer(prometheus: httpx.Client, expression: str) -> list[Any]:
    said = prometheus.get("/query", params={"query": expression}).json()
    assert said["status"] == "success", f"{expression}: {said}"
    result: list[Any] = said["data"]["result"]
    return result


def test_every_panel_and_every_rule_gets_an_answer_from_the_running_stack(
    leadflow: Layout, prometheus: httpx.Client
) -> None:
    empty: dict[str, str] = {}
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        assert leads(leadflow, "demo").returncode == 0
        empty = {place: ask for place, ask in asked() if not answer(prometheus, without_thresholds(ask))}
        if not empty:
            break
    assert empty == {}
    targets = prometheus.get("/targets").json()["data"]["activeTargets"]
    assert {one["labels"]["job"]: one["lastError"] for one in targets if one["health"] != "up"} == {}


def test_every_rule_fires_in_its_case_and_no_other_does() -> None:
    done = subprocess.run(
        ["promtool", "test", "rules", "alerts_test.yml"], cwd=RULES, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
