"""Where a local stack lives: its home, its ports and its instances, read from the environment. Starts nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SERVICES = ("capture", "enrich", "score", "route", "console")
WORKERS = ("signals",)  # processes beside them that have no store and that nobody waits for
INFRASTRUCTURE = ("kafka", "postgres")
HOST = "127.0.0.1"

# name: (default port, offset from LEADFLOW_PORT_BASE)
_PORTS = {
    "capture": (8010, 10),
    "enrich": (8020, 20),
    "score": (8030, 30),
    "route": (8040, 40),
    "console": (8000, 0),
    "signals": (8060, 60),
    "kafka": (19092, 92),
    "controller": (19093, 93),
    "postgres": (15432, 54),
}
PORT_VARIABLES = {
    name: "LEADFLOW_KAFKA_CONTROLLER_PORT" if name == "controller" else f"LEADFLOW_{name.upper()}_PORT"
    for name in _PORTS
}


class SetupError(Exception):
    """The local stack cannot do what was asked; the message says what happened, where, and what to do next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One local stack: everything about it that does not change while it runs, except how many instances it has.

    `environment` is what a service or one instance is told beyond the usual. A stack that is `tied_to` a process ends
    soon after that process.
    """

    home: Path
    cache: Path
    ports: Mapping[str, int]
    instances: Mapping[str, int]
    environment: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    tied_to: int | None = None

    @property
    def kafka(self) -> str:
        """Kafka's address for clients, host:port."""
        return f"{HOST}:{self.ports['kafka']}"

    @property
    def log(self) -> Path:
        """The folder of the log files, one per program."""
        return self.home / "log"

    @property
    def name(self) -> str:
        """A short name that only this home has, for paths outside of it."""
        return "leadflow-" + hashlib.sha256(str(self.home).encode()).hexdigest()[:12]

    @property
    def socket(self) -> Path:
        """The supervisor's socket: in the home, or in the temporary folder where the home's path is too long for one."""
        inside = self.home / "supervisor.sock"
        # 107 bytes are allowed; the supervisor first makes it under a name that is longer by a dot and its pid.
        return inside if len(str(inside)) <= 90 else Path(tempfile.gettempdir()) / f"{self.name}.sock"

    @property
    def members(self) -> tuple[str, ...]:
        """The instances of services and workers by name: score-0, score-1 ..."""
        return tuple(f"{name}-{k}" for name in (*SERVICES, *WORKERS) for k in range(self.instances.get(name, 0)))

    def port(self, program: str) -> int:
        """The port of `kafka`, `postgres`, `controller`, or of a service's instance (`score-2` is two above score's)."""
        service, _, k = program.partition("-")
        return self.ports[service] + int(k or 0)

    def used_ports(self) -> dict[str, int]:
        """Every port that this stack listens on, by program."""
        return {program: self.port(program) for program in ("kafka", "controller", "postgres", *self.members)}


def from_environment(environ: Mapping[str, str] = os.environ) -> Layout:
    """The stack that the environment describes; all mistakes are told at once."""
    mistakes: list[str] = []

    def number(variable: str) -> int | None:
        text = environ.get(variable)
        if not text:
            return None
        if text.isdecimal() and 0 < int(text) < 65536:
            return int(text)
        mistakes.append(f"{variable} is {text!r}, not a port number. Example: {variable}=18010.")
        return None

    base = number("LEADFLOW_PORT_BASE")
    ports = {
        name: number(PORT_VARIABLES[name]) or (default if base is None else base + offset)
        for name, (default, offset) in _PORTS.items()
    }
    mistakes += [
        f"{PORT_VARIABLES[name]} would be {port}, past 65535. Set LEADFLOW_PORT_BASE to at most {65535 - 93}."
        for name, port in ports.items()
        if port > 65535
    ]
    if mistakes:
        raise SetupError("\n".join(mistakes))
    home = Path(environ.get("LEADFLOW_HOME") or CHECKOUT / "var").absolute()
    cache = Path(environ.get("LEADFLOW_CACHE") or CHECKOUT / "var" / "cache").absolute()
    return Layout(home=home, cache=cache, ports=ports, instances=dict.fromkeys((*SERVICES, *WORKERS), 1))


def saved(layout: Layout) -> Layout:
    """The same home as it was last started, so that `down` and `status` need no port variables; as given when it never was."""
    try:
        known = json.loads((layout.home / "stack.json").read_text())
    except FileNotFoundError:
        return layout
    return dataclasses.replace(layout, **known)


def save(layout: Layout) -> None:
    """Keeps what `saved` gives back."""
    kept = ("ports", "instances", "environment", "tied_to")
    text = json.dumps({name: getattr(layout, name) for name in kept}, indent=2)
    write_private(layout.home / "stack.json", text)


def write_private(path: Path, text: str) -> None:
    """Replaces a file in one step, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
