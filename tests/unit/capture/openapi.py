"""The OpenAPI document against what capture does: schemathesis makes requests of it, right ones and wrong ones, and every answer must be a declared one. For tests."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from services.capture.main import fastapi_app
from services.capture.reception import Reception
from shared import service
from shared.health import Health
from tests import serving
from tests.unit.capture.door import KEY, Visitor

_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "missing_required_header",
    "unsupported_method",
)


# One path of each kind: the short paths lead to the same functions.
_DISTINCT = r"^/v1/(track|batch|forms/.*|hooks/.*|pixel\.gif|projects/.*)$|^/leads\.js$|^/livez$"


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[str]:
    """Capture's app and door on a socket, with a writer for which everything is durable; the address."""
    health = Health()
    health.report("start", None)
    door = Visitor().door
    server = service.server(fastapi_app(health))
    server.config.http = Reception(lambda: door)  # type: ignore[assignment]
    async with serving.served(server) as url:
        yield url


async def mistakes(folder: Path, *, seed: int, examples: int) -> str:
    """What schemathesis says where an answer is none of the declared ones, else nothing. `folder` is for what it writes."""
    async with served() as url:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json",
            "--phases", "examples,coverage,fuzzing", "--mode", "all", "--checks", ",".join(_CHECKS),
            "--max-examples", str(examples), "--include-path-regex", _DISTINCT, "--seed", str(seed), "--generation-database", "none",
            "--no-color", "--suppress-health-check", "too_slow",
            "--header", f"Authorization: Bearer {KEY}", "--request-timeout", "20",
            cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
    return said.decode() if process.returncode else ""
