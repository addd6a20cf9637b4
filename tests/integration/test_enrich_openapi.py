"""Enrich's OpenAPI document against what it does: schemathesis makes requests of it, right ones and wrong ones, and every answer must be a declared one."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.enrich import api, main
from shared import commands, ops, service
from shared.database import CORE_MIGRATIONS, Pool
from shared.health import Health
from tests import serving
from tests.integration.enrich import batch
from tests.integration.stores import migrated
from tests.unit.enrich.memory import event, page

_TOKEN = "the-operators-token"
_CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,missing_required_header,unsupported_method,ignored_auth"


@contextlib.asynccontextmanager
async def served(pool: Pool) -> AsyncIterator[str]:
    """Enrich's app on a socket, over a broker that takes everything; the address."""

    async def send(*_: object) -> None: ...

    app = ops.app("enrich", Health())
    for router in (api.routes(pool, send), commands.routes(pool)):
        app.include_router(router, dependencies=[ops.operator(_TOKEN)])
    async with serving.served(service.server(app)) as url:
        yield url


@pytest.mark.timeout(600)  # by the clock; of CPU it takes 20 s
async def test_every_answer_is_declared_whatever_is_sent(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with (
        migrated(request.getfixturevalue("store"), CORE_MIGRATIONS, main.MIGRATIONS) as pool,
        served(pool) as url,
    ):
        await batch(pool, [page("p1", "c1"), event("e1", email="jo@acme.example", anonymous_id="c1", at=1)])
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json",
            "--phases", "examples,coverage,fuzzing", "--mode", "all", "--checks", _CHECKS,
            "--max-examples", "5", "--include-path-regex", "^/v1/(leads|accounts|reviews|commands)", "--seed", "1", "--generation-database", "none", "--no-color",
            "--suppress-health-check", "too_slow,filter_too_much", "--header", f"Authorization: Bearer {_TOKEN}", "--request-timeout", "20",
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
