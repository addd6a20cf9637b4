"""The other hosts of these tests: a site whose pages hold an SDK, and a line to capture that breaks after the request and before the answer."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PAGES = Path(__file__).parent / "pages"


class _Site(SimpleHTTPRequestHandler):
    """Pages at /, the npm packages under /node_modules/; any path without a dot is the one-page application's."""

    def __init__(self, *given: Any, packages: Path, pages: Path, **more: Any) -> None:
        self._packages = packages
        super().__init__(*given, directory=str(pages), **more)

    def translate_path(self, path: str) -> str:
        path = urlsplit(path).path
        if path.startswith("/node_modules/"):
            return str(self._packages / path.removeprefix("/node_modules/"))
        return super().translate_path(path)

    def do_POST(self) -> None:
        """A form goes on to the page of thanks."""
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(303)
        self.send_header("location", "/thanks.html")
        self.end_headers()

    def log_message(self, format: str, *_: Any) -> None:
        """Says nothing."""


class _Stumbling(BaseHTTPRequestHandler):
    """Hands everything on to capture; of the first POST the sender hears 503, though capture has accepted it."""

    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        server: Any = self.server
        to = urlsplit(server.to)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        line = http.client.HTTPConnection(to.hostname or "", to.port or 80, timeout=20)
        line.request(self.command, self.path, body, dict(self.headers.items()))
        answer = line.getresponse()
        status, text = answer.status, answer.read()
        if self.command == "POST" and not server.stumbled.is_set():
            assert status < 300
            server.stumbled.set()
            status = 503
        self.send_response(status)
        for name, value in answer.getheaders():
            if name.lower() not in ("server", "date", "connection"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)
        line.close()

    do_GET = do_POST = do_OPTIONS = _pass_on

    def log_message(self, format: str, *_: Any) -> None:
        """Says nothing."""


@contextlib.contextmanager
def site(packages: Path, pages: Path = PAGES) -> Iterator[str]:
    """The site's origin."""
    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), partial(_Site, packages=packages, pages=pages))) as origin:
        yield origin


@contextlib.contextmanager
def stumbling(to: str) -> Iterator[str]:
    """The origin of a line to capture that breaks once."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), _Stumbling)
    server.to, server.stumbled = to, threading.Event()
    with _serving(server) as origin:
        yield origin
    assert server.stumbled.is_set(), "nothing came that way"


@contextlib.contextmanager
def _serving(server: ThreadingHTTPServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
