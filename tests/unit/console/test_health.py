"""`leads health`: one instance's readiness as an exit code."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from services.console import health


@pytest.fixture
def instance() -> Iterator[Callable[[int, bytes], str]]:
    """An instance that answers /readyz with this status and body; gives its address."""
    servers: list[HTTPServer] = []

    def answering(status: int, body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status if self.path == "/readyz" else 404)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield answering
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_ready_instance_is_a_success(instance: Callable[[int, bytes], str]) -> None:
    assert health.main(instance(200, b'{"ready": true}')) == 0


def test_its_own_containers_instance_is_found_by_its_port(instance: Callable[[int, bytes], str]) -> None:
    port = instance(200, b"{}").rpartition(":")[2]
    assert health.main(environ={"LEADFLOW_HTTP_PORT": port}) == 0


def test_an_instance_that_is_not_ready_is_a_failure_with_its_reasons(
    instance: Callable[[int, bytes], str], capsys: pytest.CaptureFixture[str]
) -> None:
    body = json.dumps({"ready": False, "reasons": {"store": "waiting for the database"}}).encode()
    assert health.main(instance(503, body)) == 1
    assert "is not ready: store: waiting for the database." in capsys.readouterr().err


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1", "", "nonsense", "http://127.0.0.1:", "http://[::1", "ftp://x:21"]
)
def test_no_answer_and_no_address_are_failures_in_a_sentence(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert health.main(address, environ={}) == 1
    assert capsys.readouterr().err.endswith(".\n")


def test_an_answer_that_is_no_json_is_no_crash(instance: Callable[[int, bytes], str]) -> None:
    assert health.why_not(instance(503, b"<html>")) == "is not ready: it does not say why."
