"""The local stack keeps its word with a real Kafka and Postgres: started, drilled, killed, stopped without leftovers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.local import drills, installation, kafka, layout, ports, postgres, programs, stack, supervisor
from deploy.local.layout import Layout, SetupError
from tests.stack import local


@pytest.fixture(scope="module")
def home() -> Iterator[Layout]:
    with local(services=False) as started:
        yield started


def processes_of(home: Layout) -> list[str]:
    """What still runs of a stack, by command."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(programs.MARK) == home.name or str(home.home) in " ".join(process.cmdline()):
                found.append(" ".join(process.cmdline())[:100])
    return found


def answers(home: Layout) -> bool:
    facts = installation.load_or_make(home, {})

    async def both() -> bool:
        return all(await asyncio.gather(kafka.answers(home.kafka), postgres.answers(facts.store(home, "postgres"))))

    return asyncio.run(both())


async def connect(home: Layout, role: str, database: str) -> None:
    connection = await asyncpg.connect(installation.load_or_make(home, {}).store(home, role, database))
    await connection.close()


def test_what_was_started_answers_and_a_second_start_changes_nothing(home: Layout) -> None:
    assert answers(home)
    before = {name: process.pid for name, process in supervisor.processes(home).items()}
    stack.start(home, services=False)
    assert {name: process.pid for name, process in supervisor.processes(home).items()} == before


async def test_a_service_can_connect_to_its_own_database_only(home: Layout) -> None:
    await connect(home, "score", "score")
    for database in ("route", "postgres", "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connect(home, "score", database)


async def test_postgres_is_durable_and_listens_on_the_loopback_address_only(home: Layout) -> None:
    connection = await asyncpg.connect(installation.load_or_make(home, {}).store(home, "postgres"))
    try:
        settings = {name: await connection.fetchval(f"SHOW {name}") for name in ("fsync", "listen_addresses")}
    finally:
        await connection.close()
    assert settings == {"fsync": "on", "listen_addresses": "127.0.0.1"}


def test_a_second_stack_on_the_same_ports_is_told_about_all_of_them_before_anything_starts(
    home: Layout, tmp_path: Path
) -> None:
    with pytest.raises(SetupError) as told:
        stack.start(replace(home, home=tmp_path / "other"), services=False)
    for variable in ("LEADFLOW_KAFKA_PORT", "LEADFLOW_KAFKA_CONTROLLER_PORT", "LEADFLOW_POSTGRES_PORT"):
        assert variable in str(told.value)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("name", ["postgres", pytest.param("kafka", marks=pytest.mark.slow)])
def test_the_supervisor_restarts_what_was_killed(home: Layout, name: str) -> None:
    (killed,) = drills.kill(home, name)
    drills.start(home, name)
    assert supervisor.processes(home)[name].pid not in (0, killed)
    assert answers(home)


@pytest.mark.parametrize("name", ["postgres", pytest.param("kafka", marks=pytest.mark.slow)])
def test_what_is_killed_and_held_stays_dead_until_it_is_started(home: Layout, name: str) -> None:
    drills.kill(home, name, hold=True)
    time.sleep(2)
    assert supervisor.processes(home)[name].pid == 0
    assert not ports.is_taken(home.port(name))
    drills.start(home, name)
    assert answers(home)


def test_what_is_stopped_politely_stays_down_until_it_is_started(home: Layout) -> None:
    drills.stop(home, "postgres")
    assert not ports.is_taken(home.port("postgres"))
    drills.start(home, "postgres")
    assert answers(home)


def test_a_drill_on_what_is_not_there_names_what_is(home: Layout) -> None:
    with pytest.raises(SetupError, match=r"There is no scoring in this stack\. There are: kafka, postgres, capture"):
        drills.stop(home, "scoring")


def test_nothing_is_left_of_a_stopped_and_removed_stack_though_its_supervisor_was_killed() -> None:
    with local(services=False) as home:
        supervisor_process = psutil.Process(supervisor.pid(home))
        supervisor_process.kill()
        supervisor_process.wait(10)
        assert processes_of(home)
    assert not processes_of(home)
    assert not any(ports.is_taken(port) for port in home.used_ports().values())
    assert not home.home.exists()
    assert not home.socket.exists()
    assert not postgres.reach(home).exists()


def test_a_tied_stack_ends_with_the_process_it_is_tied_to() -> None:
    script = (
        "from tests.stack import local\n"
        "with local(services=False) as home:\n"
        "    print(home.home, flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=layout.CHECKOUT
    ) as owner:
        assert owner.stdout is not None
        home = layout.saved(layout.from_environment({"LEADFLOW_HOME": owner.stdout.readline().strip()}))
        os.kill(owner.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while processes_of(home) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not processes_of(home)
    stack.remove(home)


def test_a_drill_without_a_stack_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="Start it with `leads up`"):
        drills.kill(layout.from_environment({"LEADFLOW_HOME": str(tmp_path)}), "score")


def test_a_port_that_is_taken_by_somebody_else_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        wanted = layout.from_environment(
            {
                "LEADFLOW_HOME": str(tmp_path / "home"),
                "LEADFLOW_PORT_BASE": str(ports.free_base()),
                "LEADFLOW_CONSOLE_PORT": str(server.getsockname()[1]),
            }
        )
        with pytest.raises(SetupError, match=r"of console-0 is held by pid \d+"):
            stack.start(wanted)
    assert not (tmp_path / "home").exists()
