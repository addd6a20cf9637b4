"""The two stacks that are measured, each on the same Kafka and Postgres: starting them, and where their door and last topics are."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.local import installation, layout, stack, supervisor
from deploy.local.installation import Installation
from deploy.local.layout import CHECKOUT, HOST, SERVICES, Layout
from shared import topics, topology
from tests.bench.textbook import settings as textbook

_SAMPLE = re.compile(
    r"^leadflow_(batch_records_sum|batch_records_count|batch_step_seconds_sum)\{(.*)\} (\S+)$", re.MULTILINE
)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A stack that takes leads. `programs` are the processes whose CPU is counted, by name, as they run now."""

    name: str
    kafka: str
    port: int
    key: str
    scored: str
    handover: str
    partitions: int
    programs: Callable[[], Mapping[str, int]]
    batches: Callable[[], Mapping[str, float]] = (
        dict  # what its stages have counted of their batches so far (`batch_counts`)
    )


class NotStarted(Exception):
    """A stack did not come up; the message says which part, and where its log is."""


def ours(home: Layout, *, property_: str = "bench") -> Target:
    """Leadflow as it runs in `home`, with a web property of its own."""
    facts = installation.load_or_make(home, {})
    return Target(
        name="Leadflow",
        kafka=home.kafka,
        port=home.port("capture-0"),
        key=_write_key(home, facts, property_),
        scored=topology.SCORED.name,
        handover=topology.HANDOVER.name,
        partitions=facts.partitions,
        programs=lambda: _supervised(home),
        batches=lambda: _batch_counts(home),
    )


def end_services(home: Layout) -> Layout:
    """Stops the services and leaves Kafka and Postgres running."""
    alone = dataclasses.replace(home, instances=dict.fromkeys(SERVICES, 0))
    stack.apply(alone, installation.load_or_make(home, {}))
    return alone


def make_textbook(home: Layout) -> None:
    """Makes its topics and its empty database."""
    asyncio.run(_make_textbook(home, installation.load_or_make(home, {})))


async def _make_textbook(home: Layout, facts: Installation) -> None:
    await topics.apply(home.kafka, facts.partitions, topics=textbook.TOPICS)
    connection = await asyncpg.connect(facts.store(home, "postgres"))
    await connection.execute("CREATE DATABASE textbook")
    await connection.close()
    connection = await asyncpg.connect(facts.store(home, "postgres", "textbook"))
    await connection.execute((Path(__file__).parent / "textbook" / "schema.sql").read_text())
    await connection.close()


@contextlib.contextmanager
def textbook_stack(home: Layout) -> Iterator[Target]:
    """The textbook stack on the Kafka and Postgres of `home`: its own topics, its own database (`make_textbook`), four processes."""
    facts = installation.load_or_make(home, {})
    data = home.home / "textbook"
    data.mkdir(exist_ok=True)
    port = _free_port()
    environment = {
        **os.environ,
        "TEXTBOOK_KAFKA": home.kafka,
        "TEXTBOOK_STORE": facts.store(home, "postgres", "textbook"),
        "TEXTBOOK_SECRET": facts.secret,
        "TEXTBOOK_DATA": str(data),
        "TEXTBOOK_PARTITIONS": str(facts.partitions),
    }
    door = ["uvicorn", "tests.bench.textbook.door:app", "--host", HOST, "--port", str(port), "--log-level", "warning"]
    commands = {"door": [*door, "--no-access-log"]}
    for stage in ("enrich", "score", "route"):
        commands[stage] = [
            "faust",
            "-A",
            f"tests.bench.textbook.{stage}",
            "worker",
            "--loglevel",
            "warn",
            "--without-web",
        ]
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            with (home.log / f"textbook-{name}.log").open("wb") as log:
                running[name] = subprocess.Popen(
                    [sys.executable, "-m", *command], cwd=CHECKOUT, env=environment, stdout=log, stderr=log
                )
        _wait_for_port(port, running["door"], home.log / "textbook-door.log")
        infrastructure = {name: pid for name, pid in _supervised(home).items() if name in layout.INFRASTRUCTURE}
        yield Target(
            name="textbook",
            kafka=home.kafka,
            port=port,
            key=textbook.KEY,
            scored=textbook.SCORED.name,
            handover=textbook.HANDOVER.name,
            partitions=facts.partitions,
            programs=lambda: {**_alive(running, home), **infrastructure},
        )
    finally:
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        for process in running.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def batch_counts(metrics: str) -> dict[str, float]:
    """From a service's metrics page: `stage records`, `stage batches` and `stage step seconds`, as counted since its start."""
    found: dict[str, float] = {}
    for name, labels, value in _SAMPLE.findall(metrics):
        told = dict(_LABEL.findall(labels))
        if name == "batch_records_sum":
            found[f"{told['stage']} records"] = float(value)
        elif name == "batch_records_count":
            found[f"{told['stage']} batches"] = float(value)
        else:
            found[f"{told['stage']} {told['step']} seconds"] = float(value)
    return found


def _batch_counts(home: Layout) -> dict[str, float]:
    found: dict[str, float] = {}
    for member in home.members:
        connection = http.client.HTTPConnection(HOST, home.port(member), timeout=5)
        try:
            connection.request("GET", "/metrics")
            page = connection.getresponse().read().decode()
        except OSError:
            continue
        finally:
            connection.close()
        for name, value in batch_counts(page).items():
            found[name] = found.get(name, 0.0) + value
    return found


def _alive(running: Mapping[str, subprocess.Popen[bytes]], home: Layout) -> dict[str, int]:
    for name, process in running.items():
        if process.poll() is not None:
            said = (home.log / f"textbook-{name}.log").read_text()[-2000:]
            raise NotStarted(f"The textbook stack's {name} ended with {process.returncode}:\n{said}")
    return {name: process.pid for name, process in running.items()}


def _supervised(home: Layout) -> dict[str, int]:
    return {name: one.pid for name, one in supervisor.processes(home).items() if one.pid and name != "tie"}


def _write_key(home: Layout, facts: Installation, property_: str) -> str:
    connection = http.client.HTTPConnection(HOST, home.port("capture-0"), timeout=10)
    body = json.dumps({"name": property_, "origins": []})
    headers = {"Authorization": f"Bearer {facts.token}", "Content-Type": "application/json"}
    connection.request("POST", "/v1/properties", body=body, headers=headers)
    response = connection.getresponse()
    said = response.read()
    connection.close()
    if response.status not in (200, 201):
        raise NotStarted(f"capture would not make a property: {response.status} {said[:300]!r}")
    return str(json.loads(said)["write_key"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.1)
    raise NotStarted(f"The textbook stack's door did not come up:\n{log.read_text()[-2000:]}")
