"""One local stack as a whole: starts it in order of need, waits until it answers, stops it, says where everything is."""

from __future__ import annotations

import asyncio
import functools
import importlib
import shutil
import signal
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from deploy.local import installation, kafka, layout, ports, postgres, programs, supervisor, waiting
from deploy.local.installation import Installation
from deploy.local.layout import HOST, INFRASTRUCTURE, SERVICES, WORKERS, Layout, SetupError

TIMEOUT_SECONDS = 90.0
Tell = Callable[[str], None]


def start(wanted: Layout, *, services: bool = True, tell: Tell = lambda _: None) -> Layout:
    """Starts what does not run yet and returns when everything answers; `tell` hears of each step.

    With `services=False` only Kafka and Postgres. Raises SetupError, and leaves what runs running, so that it can be looked at; `stop` ends it.
    """
    running = supervisor.is_running(wanted)
    stack = layout.saved(wanted) if running else wanted
    if not running:
        check_ports(stack.used_ports())
    stack.home.mkdir(parents=True, exist_ok=True)
    facts = installation.load_or_make(stack)
    if not running:
        if not kafka.libraries(stack).is_dir():
            tell("fetching Kafka's jars with Maven, once")
        kafka.fetch(stack)
        with ThreadPoolExecutor() as both:
            list(
                both.map(
                    lambda prepare: prepare(), (lambda: kafka.prepare(stack), lambda: postgres.prepare(stack, facts))
                )
            )
        layout.save(stack)
        tell("starting Kafka and Postgres")
        supervisor.write(stack, programs.infrastructure(stack))
        supervisor.write_changing(stack, [])
        supervisor.start(stack)
    asyncio.run(_make_ready(stack, facts))
    if services:
        tell("starting the services")
        apply(stack, facts)
        asyncio.run(until_ready(stack, stack.members))
    return stack


def stop(wanted: Layout) -> None:
    """Ends every process of this home's stack and returns when the last one is gone; fine when none runs."""
    stack = layout.saved(wanted)
    if supervisor.is_running(stack):
        main = psutil.Process(supervisor.pid(stack))
        family = [main, *main.children(recursive=True)]
        for program in supervisor.processes(stack):
            if program in stack.members:  # all at once, each drains by itself; the rest follows in order of need
                supervisor.call(stack, "stopProcessGroup", program, False)
        supervisor.call(stack, "shutdown")
        _, left = psutil.wait_procs(family, timeout=60)
        if left:
            raise SetupError(f"These processes of {stack.home} did not end: {[process.pid for process in left]}.")
    _end_orphans(stack)
    stack.socket.unlink(missing_ok=True)


def remove(wanted: Layout) -> None:
    """Deletes a stopped stack's data, logs and secrets; Kafka's jars stay."""
    stack = layout.saved(wanted)
    postgres.remove(stack)
    for entry in stack.home.iterdir() if stack.home.is_dir() else ():
        if entry == stack.cache or entry in stack.cache.parents:
            continue
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    if stack.home.is_dir() and not any(stack.home.iterdir()):
        stack.home.rmdir()


def apply(stack: Layout, facts: Installation) -> None:
    """Makes the supervisor run the instances that the layout names, no more and no less."""
    layout.save(stack)
    supervisor.write_changing(stack, [programs.service(stack, facts, member) for member in stack.members])
    supervisor.update(stack)


def check_ports(used: Mapping[str, int]) -> None:
    """SetupError that names every port that is taken."""
    if complaints := ports.complaints(used):
        raise SetupError("\n".join(complaints))


async def until_ready(stack: Layout, names: Iterable[str]) -> None:
    """Returns when all of them answer: `kafka`, `postgres`, instances of services."""
    facts = installation.load_or_make(stack, {})
    known: dict[str, waiting.Check] = {
        "kafka": functools.partial(kafka.answers, stack.kafka),
        "postgres": functools.partial(postgres.answers, facts.store(stack, "postgres")),
        **{member: functools.partial(waiting.is_ready, url(stack, member)) for member in stack.members},
    }
    await waiting.until(stack, {name: known[name] for name in names}, TIMEOUT_SECONDS)


def describe(wanted: Layout) -> dict[str, object]:
    """Where everything is, as `leads status --json` prints it; instances that do not run are not listed."""
    stack = layout.saved(wanted)
    facts = installation.load(stack)
    running = supervisor.processes(stack) if supervisor.is_running(stack) else {}
    here = Path.cwd()

    def instances(name: str) -> list[dict[str, object]]:
        members = (member for member in stack.members if member.startswith(f"{name}-"))
        return [
            {"pid": running[member].pid, "url": url(stack, member)}
            for member in members
            if member in running and running[member].pid
        ]

    return {
        "token": facts.token if facts else "",
        "kafka": stack.kafka,
        "stores": {service: facts.store(stack, service) for service in SERVICES} if facts else {},
        "services": {service: instances(service) for service in SERVICES},
        "workers": {worker: instances(worker) for worker in WORKERS},
        "data": str(stack.home.relative_to(here) if stack.home.is_relative_to(here) else stack.home),
    }


def url(stack: Layout, member: str) -> str:
    """An instance's address for HTTP."""
    return f"http://{HOST}:{stack.port(member)}"


async def _make_ready(stack: Layout, facts: Installation) -> None:
    await until_ready(stack, INFRASTRUCTURE)
    await postgres.provision(stack, facts)
    try:
        topics = importlib.import_module("shared.topics")
    except ModuleNotFoundError:
        return
    await topics.apply(stack.kafka, facts.partitions)


def _end_orphans(stack: Layout) -> None:
    """Ends what a supervisor left behind that was itself killed."""
    database = [*postgres.command(stack)] if postgres.is_initialised(stack) else None
    orphans = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(programs.MARK) == stack.name or process.cmdline() == database:
                orphans.append(process)
                process.send_signal(signal.SIGINT if process.cmdline() == database else signal.SIGTERM)
        except psutil.Error:
            continue  # it has just ended, or it is somebody else's
    for process in psutil.wait_procs(orphans, timeout=15)[1]:
        process.kill()
