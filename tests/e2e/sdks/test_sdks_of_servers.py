"""The SDKs for servers, as published: every method, one by one and in batches, and once more when an answer is lost."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.sdks import web
from tests.e2e.sdks.capturing import Event, Front

SERVERS = Path(__file__).parent / "servers"
SDKS = ("@segment/analytics-node", "@rudderstack/rudder-sdk-node", "segment-analytics-python", "rudder-sdk-python")


def run(sdk: str, *arguments: str, node_modules: Path, python: Path) -> dict[str, Any]:
    """What the server that uses the SDK tells at its end: errors it was told of, hosts it asked."""
    if sdk.startswith("@"):
        script = "segment_node.cjs" if "segment" in sdk else "rudderstack_node.cjs"
        command = ["node", str(SERVERS / script), *arguments]
    else:
        command = [
            str(python),
            str(SERVERS / "in_python.py"),
            *arguments,
            "segment" if "segment" in sdk else "rudderstack",
        ]
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {"NODE_PATH": str(node_modules), "PYTHONPATH": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def six_different(events: list[Event]) -> bool:
    """Whether every method has arrived."""
    return len({event["event_id"] for event in events}) == 6


def is_what_was_called(events: list[Event]) -> None:
    """Asserts that the six calls mean on the topic what they mean to whoever called."""
    by_name = {event["name"]: event for event in events}
    assert {name: event["kind"] for name, event in by_name.items()} == {
        "identify": "identify", "signed-up": "track", "Prices": "page", "Dashboard": "page", "group": "identify", "alias": "identify"
    }  # fmt: skip
    assert by_name["identify"]["traits"] == {"email": "jo@acme.example"}
    assert by_name["signed-up"]["properties"] == {"plan": "pro"}
    assert by_name["Prices"]["context"]["page"]["url"].startswith("https://shop.example/prices")
    assert by_name["group"]["traits"]["company"] == {"name": "Acme"}
    assert by_name["group"]["properties"]["group_id"] == "g1"
    assert by_name["alias"]["user_id"] == "u2"
    assert by_name["alias"]["properties"] == {"previous_id": "u1"}
    for name, event in by_name.items():
        assert event["user_id"] == ("u2" if name == "alias" else "u1")
        # A server speaks for somebody else: address, agent and campaign are that person's.
        assert event["context"]["ip"] == "198.51.100.9"
        assert event["context"]["user_agent"] == "Mozilla/5.0 (a person's)"
        assert event["context"]["campaign"] == {"source": "news"}


@pytest.mark.parametrize("how", ["single", "batch"])
@pytest.mark.parametrize("sdk", SDKS)
def test_every_method_of_an_unchanged_sdk_arrives(
    sdk: str, how: str, front: Front, node_modules: Path, python: Path
) -> None:
    property_, key = front.new_property()
    told = run(sdk, front.url, key, how, node_modules=node_modules, python=python)
    assert told["errors"] == []
    assert told["asked"] == [urlsplit(front.url).netloc]
    events = front.arrivals.of(property_, six_different)
    assert len(events) == 6
    is_what_was_called(events)


@pytest.mark.parametrize("sdk", SDKS)
def test_what_an_sdk_sends_again_counts_once(sdk: str, front: Front, node_modules: Path, python: Path) -> None:
    property_, key = front.new_property()
    with web.stumbling(front.url) as line:
        told = run(sdk, line, key, "batch", node_modules=node_modules, python=python)
    assert told["errors"] == []
    events = front.arrivals.of(property_, lambda found: six_different(found) and len(found) > 6)
    is_what_was_called(events)
