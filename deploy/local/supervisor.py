"""The supervisor of a local stack: writes its configuration, starts it, asks it. Decides nothing about services."""

from __future__ import annotations

import os
import re
import resource
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from supervisor.xmlrpc import SupervisorTransport

from deploy.local.layout import CHECKOUT, Layout, SetupError, write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One process that the supervisor keeps alive. Lower priorities start earlier and stop later."""

    name: str
    command: list[str]
    priority: int
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    directory: Path = CHECKOUT


@dataclass(frozen=True, slots=True)
class Process:
    """What the supervisor says about a program; pid is 0 when it is not running."""

    name: str
    state: str
    pid: int
    why: str


def write(layout: Layout, programs: Iterable[Program]) -> None:
    """Replaces the configuration of the supervisor itself and of the programs that stay for as long as it runs."""
    layout.log.mkdir(parents=True, exist_ok=True)
    files = min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    sections = [
        _section("unix_http_server", {"file": str(layout.socket), "chmod": "0700"}),
        _section(
            "supervisord",
            {
                "logfile": str(layout.log / "supervisord.log"),
                "pidfile": str(layout.home / "supervisord.pid"),
                "childlogdir": str(layout.log),
                "directory": str(CHECKOUT),
                "minfds": str(files),
                **({"user": "root"} if os.geteuid() == 0 else {}),
            },
        ),
        _section(
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
        _section("supervisorctl", {"serverurl": f"unix://{layout.socket}"}),
        _section("include", {"files": str(_changing(layout))}),
        *(_program(layout, program) for program in programs),
    ]
    write_private(_configuration(layout), "\n".join(sections))


def write_changing(layout: Layout, programs: Iterable[Program]) -> None:
    """Replaces the programs that come and go by `update`. They hold passwords, so only the owner can read the file."""
    write_private(_changing(layout), "\n".join(_program(layout, program) for program in programs))


def start(layout: Layout) -> None:
    """Starts the supervisor, which starts the programs of its configuration; returns when it listens."""
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(_configuration(layout))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT)
    if done.returncode:
        raise SetupError(f"The supervisor could not be started:\n{done.stdout}{done.stderr}")
    for _ in range(100):
        if is_running(layout):
            return
        time.sleep(0.05)
    raise SetupError(f"The supervisor does not listen at {layout.socket}. Its log: {layout.log / 'supervisord.log'}")


def is_running(layout: Layout) -> bool:
    """Whether this home's supervisor answers."""
    try:
        call(layout, "getPID")
    except (OSError, xmlrpc.client.Error):
        return False
    return True


def pid(layout: Layout) -> int:
    """The supervisor's own process id."""
    return cast(int, call(layout, "getPID"))


def processes(layout: Layout) -> dict[str, Process]:
    """All programs by name."""
    return {
        info["name"]: Process(info["name"], info["statename"], info["pid"], info["spawnerr"] or info["description"])
        for info in cast(list[dict[str, Any]], call(layout, "getAllProcessInfo"))
    }


def update(layout: Layout) -> None:
    """Makes what runs agree with the configuration that was written: starts what is new, stops what is gone or changed."""
    added, changed, removed = cast(list[list[list[str]]], call(layout, "reloadConfig"))[0]
    for name in (*removed, *changed):
        call(layout, "stopProcessGroup", name)
        call(layout, "removeProcessGroup", name)
    for name in (*added, *changed):
        call(layout, "addProcessGroup", name)


def call(layout: Layout, method: str, *arguments: str | bool) -> object:
    """One call of the supervisor's API."""
    transport = SupervisorTransport(None, None, f"unix://{layout.socket}")
    with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
        return getattr(proxy.supervisor, method)(*arguments)


def log_file(layout: Layout, program: str) -> Path:
    """Where a program's output goes."""
    return layout.log / f"{program}.log"


def _configuration(layout: Layout) -> Path:
    return layout.home / "supervisord.conf"


def _changing(layout: Layout) -> Path:
    return layout.home / "services.conf"


def _program(layout: Layout, program: Program) -> str:
    settings = {
        "command": shlex.join(program.command),
        "priority": str(program.priority),
        "autostart": "true",
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "100",  # a service that cannot start while its database is away comes back by itself
        "stopsignal": program.stop_signal,
        "stopwaitsecs": "15",
        "stopasgroup": "true",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": str(log_file(layout, program.name)),
        "stdout_logfile_maxbytes": "20MB",
        "stdout_logfile_backups": "2",
        "directory": str(program.directory),
    }
    if program.user:
        settings["user"] = program.user
    if program.environment:
        settings["environment"] = ",".join(f"{key}={_quoted(value)}" for key, value in program.environment.items())
    return _section(f"program:{program.name}", settings)


def _quoted(value: str) -> str:
    if re.search(r"""["'\n]|\s[;#]""", value):
        raise SetupError(
            f"{value!r} cannot be an environment value of the stack: its supervisor cannot pass on quotes, line breaks,"
            " or a semicolon or hash behind a space."
        )
    return f'"{value}"'


def _section(name: str, settings: Mapping[str, str]) -> str:
    lines = (f"{key} = {value.replace('%', '%%')}" for key, value in settings.items())
    return "\n".join((f"[{name}]", *lines, ""))
