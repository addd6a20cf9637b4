"""The stacks that are measured, each on the same Kafka and Postgres: starting them, and where their door and last topics are."""

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
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local import installation, layout, programs, stack, supervisor
from deploy.local.installation import Installation
from deploy.local.layout import CHECKOUT, HOST, SERVICES, Layout
from shared import database, topics, topology
from tests.bench.bare import stages as bare
from tests.bench.bare.__main__ import MIGRATIONS as BARE_MIGRATIONS
from tests.bench.textbook import settings as textbook

_SAMPLE = re.compile(
    r"^leadflow_(batch_records_sum|batch_records_count|batch_step_seconds_sum)\{(.*)\} (\S+)$", re.MULTILINE
)
_STAGES = ("enrich", "score", "route")
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


def end_services(home: Layout, *, but: tuple[str, ...] = ()) -> Layout:
    """Stops the services, `but` those, and leaves Kafka and Postgres running."""
    left = dataclasses.replace(home, instances={name: int(name in but) for name in SERVICES})
    stack.apply(left, installation.load_or_make(home, {}))
    return left


@contextlib.contextmanager
def bare_stack(home: Layout) -> Iterator[Target]:
    """Bare stages behind the capture that runs in `home`, in the places of enrich, score and route, which have ended."""
    facts = installation.load_or_make(home, {})
    asyncio.run(_make_bare(home, facts))
    places = dataclasses.replace(home, instances={**home.instances, **dict.fromkeys(_STAGES, 1)})
    commands = {stage: [sys.executable, "-m", "tests.bench.bare", stage] for stage in _STAGES}
    environments = {stage: dict(programs.service(places, facts, f"{stage}-0").environment) for stage in _STAGES}
    for told in environments.values():
        told["LEADFLOW_STORE"] = facts.store(home, "postgres", "bare")
    with _running(home, "bare", commands, environments) as running:
        for stage in _STAGES:
            _wait_for_port(places.port(f"{stage}-0"), running[stage], home.log / f"bare-{stage}.log")
        yield dataclasses.replace(
            ours(home, property_="bare"),
            name="bare",
            scored=bare.SCORED.name,
            handover=bare.HANDOVER.name,
            programs=lambda: {**_supervised(home), **_alive("bare", running, home)},
            batches=lambda: _batch_counts(places),
        )


async def _make_bare(home: Layout, facts: Installation) -> None:
    """Its topics and its database, whose cursors begin where the topics end now: the leads before are not its."""
    await topics.apply(home.kafka, facts.partitions, topics=bare.TOPICS)
    connection = await asyncpg.connect(facts.store(home, "postgres"))
    await connection.execute("CREATE DATABASE bare")
    await connection.close()
    reads = {f"bare-{stage}": bare.stage(stage).reads[0].name for stage in _STAGES}
    places = [TopicPartition(topic, part) for topic in reads.values() for part in range(facts.partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=home.kafka)
    await consumer.start()
    ends = await consumer.end_offsets(places)
    await consumer.stop()
    pool = await database.connect(facts.store(home, "postgres", "bare"))
    await database.migrate(pool, database.CORE_MIGRATIONS, BARE_MIGRATIONS)
    await pool.executemany(
        "INSERT INTO cursor (stage, topic, part, owner_epoch, owner, next_offset) VALUES ($1, $2, $3, 0, '', $4)",
        [
            (stage, topic, place.partition, end)
            for stage, topic in reads.items()
            for place, end in ends.items()
            if place.topic == topic
        ],
    )
    await pool.close()


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
        "TEXTBOOK_KAFKA": home.kafka,
        "TEXTBOOK_STORE": facts.store(home, "postgres", "textbook"),
        "TEXTBOOK_SECRET": facts.secret,
        "TEXTBOOK_DATA": str(data),
        "TEXTBOOK_PARTITIONS": str(facts.partitions),
    }
    door = ["uvicorn", "tests.bench.textbook.door:app", "--host", HOST, "--port", str(port), "--log-level", "warning"]
    commands = {"door": [*door, "--no-access-log"]}
    for stage in _STAGES:
        app = f"tests.bench.textbook.{stage}"
        commands[stage] = ["faust", "-A", app, "worker", "--loglevel", "warn", "--without-web"]
    run = {name: [sys.executable, "-m", *command] for name, command in commands.items()}
    with _running(home, "textbook", run, dict.fromkeys(commands, environment)) as running:
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
            programs=lambda: {**_alive("textbook", running, home), **infrastructure},
        )


@contextlib.contextmanager
def _running(
    home: Layout, name: str, commands: Mapping[str, list[str]], environments: Mapping[str, Mapping[str, str]]
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """The commands as processes, each with a log of its own in `home`; ended at the end."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for program, command in commands.items():
            with (home.log / f"{name}-{program}.log").open("wb") as log:
                told = {**os.environ, **environments[program]}
                running[program] = subprocess.Popen(command, cwd=CHECKOUT, env=told, stdout=log, stderr=log)
        yield running
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


def _alive(stack_: str, running: Mapping[str, subprocess.Popen[bytes]], home: Layout) -> dict[str, int]:
    for name, process in running.items():
        if process.poll() is not None:
            said = (home.log / f"{stack_}-{name}.log").read_text()[-2000:]
            raise NotStarted(f"The {stack_} stack's {name} ended with {process.returncode}:\n{said}")
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
    raise NotStarted(f"{log.stem} did not come up:\n{log.read_text()[-2000:]}")
