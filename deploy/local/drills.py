"""Drills on a running stack: kill, stop, start, scale, and what a service is told. Each returns when it is done."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import time
from collections.abc import Mapping

import psutil

from deploy.local import installation, layout, stack, supervisor
from deploy.local.layout import INFRASTRUCTURE, SERVICES, WORKERS, Layout, SetupError
from shared import leaving


def kill(wanted: Layout, name: str, *, hold: bool = False) -> list[int]:
    """SIGKILL for every process of it; the supervisor restarts them, unless they are held dead until `start`.

    Takes `kafka`, `postgres`, a service, or one instance such as `score-1`. Gives the pids that were killed.
    """
    running = _running(wanted)
    killed = []
    for member in _members(running, name):
        process = supervisor.processes(running)[member]
        if not process.pid:
            continue
        if hold:
            # Frozen first, so that the supervisor's polite request to stop, which it needs to know of, is never heard.
            os.kill(process.pid, signal.SIGSTOP)
            supervisor.call(running, "stopProcess", member, False)
        os.killpg(process.pid, signal.SIGKILL)
        killed.append(process.pid)
    for pid in killed:
        _until_gone(pid)
    return killed


def stop(wanted: Layout, name: str) -> None:
    """Stops it politely; it stays down until `start`."""
    running = _running(wanted)
    members = _members(running, name)
    for member in members:
        supervisor.call(running, "stopProcessGroup", member, False)
    while any(supervisor.processes(running)[member].pid for member in members):
        time.sleep(0.05)


def start(wanted: Layout, name: str, *, wait: bool = True) -> None:
    """Starts what was stopped or held, and waits until it answers."""
    running = _running(wanted)
    members = _members(running, name)
    found = supervisor.processes(running)
    for member in members:
        if found[member].state not in ("RUNNING", "STARTING"):
            supervisor.call(running, "startProcess", member, False)
    if wait:
        asyncio.run(stack.until_ready(running, members))


def scale(wanted: Layout, service: str, instances: int, *, wait: bool = True) -> None:
    """Adds or removes instances, the highest numbers last in and first out, and waits until the new ones answer."""
    running = _running(wanted)
    if service not in (*SERVICES, *WORKERS) or instances < 0:
        raise SetupError(
            f"Only a service can be scaled, to 0 or more: {', '.join((*SERVICES, *WORKERS))}. Example: leads stack scale score 2."
        )
    before = running.members
    running = dataclasses.replace(running, instances={**running.instances, service: instances})
    added = [member for member in running.members if member not in before]
    stack.check_ports({member: running.port(member) for member in added})
    stack.apply(running, _facts(running))
    if removed := [member for member in before if member not in running.members]:
        asyncio.run(leaving.leave(running.kafka, *removed))  # the others get their partitions at once
    if wait:
        asyncio.run(stack.until_ready(running, added))


def tell(wanted: Layout, name: str, environment: Mapping[str, str], *, wait: bool = True) -> None:
    """Sets what a service or one instance finds in its environment beyond the usual, and restarts it if that changed.

    Replaces what was told before; nothing takes it back. It lasts until the stack is taken down.
    """
    running = _running(wanted)
    if name in INFRASTRUCTURE:
        raise SetupError(
            f"{name} is not told by its environment; deploy/local has its settings. Name a service or an instance."
        )
    members = _members(running, name)
    told = {key: values for key, values in running.environment.items() if key != name}
    running = dataclasses.replace(running, environment={**told, **({name: dict(environment)} if environment else {})})
    stack.apply(running, _facts(running))
    if wait:
        asyncio.run(stack.until_ready(running, members))


def _running(wanted: Layout) -> Layout:
    if not supervisor.is_running(wanted):
        raise SetupError(
            f"No stack runs in {wanted.home}. Start it with `leads up`, or set LEADFLOW_HOME to the one that does."
        )
    return layout.saved(wanted)


def _facts(running: Layout) -> installation.Installation:
    return installation.load_or_make(running, {})


def _members(running: Layout, name: str) -> list[str]:
    if name in INFRASTRUCTURE or name in running.members:
        return [name]
    if name in (*SERVICES, *WORKERS):
        return [member for member in running.members if member.startswith(f"{name}-")]
    names = ", ".join((*INFRASTRUCTURE, *SERVICES, *WORKERS, *running.members))
    raise SetupError(f"There is no {name} in this stack. There are: {names}.")


def _until_gone(pid: int) -> None:
    """A process may be gone between any two looks at it: that is what is waited for, too."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
