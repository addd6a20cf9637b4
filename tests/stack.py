"""A real Kafka and a real Postgres for the tests: from the environment, else from Docker, else the local stack in a folder of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import psutil

from deploy.local import installation, kafka, layout, ports, postgres, stack
from deploy.local.layout import Layout, SetupError

_PREFIX = "leadflow-test-"
_KAFKA_IMAGE = f"apache/kafka:{kafka.VERSION}"
_POSTGRES_IMAGE = "postgres:18"


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """Where the tests' Kafka (host:port) and Postgres (a superuser's DSN) are."""

    kafka: str
    postgres: str


@contextlib.contextmanager
def infrastructure() -> Iterator[Infrastructure]:
    """The first that is there: LEADFLOW_KAFKA and LEADFLOW_POSTGRES, a Docker engine, the local stack. Ends what it began."""
    given = os.environ.get("LEADFLOW_KAFKA"), os.environ.get("LEADFLOW_POSTGRES")
    if given[0] and given[1]:
        yield Infrastructure(given[0], given[1])
    elif any(given):
        raise RuntimeError(
            "LEADFLOW_KAFKA and LEADFLOW_POSTGRES (a superuser's DSN) go together for tests: set both or none."
        )
    elif _docker_has_images():
        with _containers() as found:
            yield found
    else:
        with local(services=False) as home:
            facts = installation.load_or_make(home, {})
            yield Infrastructure(home.kafka, facts.store(home, "postgres"))


@contextlib.contextmanager
def database(server: str) -> Iterator[str]:
    """The DSN of a fresh, empty database; dropped afterwards, whoever is still connected."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    asyncio.run(_execute(server, f"CREATE DATABASE {name}"))
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        asyncio.run(_execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(server: str, statement: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextlib.contextmanager
def local(*, services: bool = True, **environ: str) -> Iterator[Layout]:
    """A whole local stack of its own, on free ports in a temporary home; nothing of it is left afterwards.

    `environ` are LEADFLOW_ settings of the stack's layout, such as LEADFLOW_PORT_BASE. It also ends by itself when
    this process is killed.
    """
    _sweep()
    home = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    home.chmod(0o755)  # Postgres' unprivileged user has to enter it
    settings = {name: value for name, value in os.environ.items() if name == "LEADFLOW_CACHE"}
    settings |= {"LEADFLOW_HOME": str(home), "LEADFLOW_PORT_BASE": str(ports.free_base())} | environ
    wanted = replace(layout.from_environment(settings), tied_to=os.getpid())
    try:
        yield stack.start(wanted, services=services)
    finally:
        stack.stop(wanted)
        stack.remove(wanted)


def _sweep() -> None:
    """Removes what test runs left that were killed themselves; their processes have ended by their tie."""
    for home in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = home.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            left = layout.from_environment({"LEADFLOW_HOME": str(home)})
            with contextlib.suppress(SetupError, OSError):
                stack.stop(left)
                stack.remove(left)


def _docker_has_images() -> bool:
    """Whether an engine answers and has, or can get, both images; a machine without a registry falls back to the local stack."""
    if shutil.which("docker") is None or not _docker("version"):
        return False
    return all(
        _docker("image", "inspect", image) or _docker("pull", image) for image in (_KAFKA_IMAGE, _POSTGRES_IMAGE)
    )


def _docker(*arguments: str) -> bool:
    return subprocess.run(["docker", *arguments], capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def _containers() -> Iterator[Infrastructure]:
    from testcontainers.core.container import DockerContainer

    with socket.socket() as probe:  # the broker tells clients its outer port, so that has to be known beforehand
        probe.bind((layout.HOST, 0))
        port = probe.getsockname()[1]
    broker = DockerContainer(_KAFKA_IMAGE).with_bind_ports(port, port)
    for name, value in kafka.settings(broker=port, controller=9093, data="/var/lib/kafka/data").items():
        inside = value.replace(f"BROKER://{layout.HOST}", "BROKER://0.0.0.0") if name == "listeners" else value
        broker = broker.with_env("KAFKA_" + name.upper().replace(".", "_"), inside)
    database = DockerContainer(_POSTGRES_IMAGE).with_env("POSTGRES_PASSWORD", "tests").with_exposed_ports(5432)
    with broker, database:
        where = f"{database.get_container_host_ip()}:{database.get_exposed_port(5432)}"
        found = Infrastructure(f"{layout.HOST}:{port}", f"postgresql://postgres:tests@{where}/postgres")
        asyncio.run(_until_it_answers(found))
        yield found


async def _until_it_answers(found: Infrastructure) -> None:
    async with asyncio.timeout(120):
        while not (await kafka.answers(found.kafka) and await postgres.answers(found.postgres)):
            await asyncio.sleep(0.2)
