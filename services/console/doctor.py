"""`leads doctor`: looks at what the local stack needs on this machine, at how its services are when it runs, and says what to do. Changes nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from deploy.local import kafka, layout, ports, postgres, supervisor
from deploy.local import stack as local
from deploy.local.layout import Layout, SetupError

GIGABYTE = 1024**3
MEMORY_GIGABYTES = 2.0
DISK_GIGABYTES = 3.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. Only what is `needed` and not `ok` makes the doctor fail; `remedy` says what to do then."""

    name: str
    ok: bool
    found: str
    needed: bool = True
    remedy: str = ""


def run(*, as_json: bool = False, environ: Mapping[str, str] = os.environ) -> int:
    """Prints the findings; the result is the exit code, 1 when something that is needed is missing."""
    findings = examine(environ)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        table = Table("", "what", "found", "what to do")
        for finding in findings:
            sign = "[green]✓[/]" if finding.ok else "[red]✗[/]" if finding.needed else "[yellow]![/]"
            table.add_row(sign, finding.name, finding.found, "" if finding.ok else finding.remedy)
        Console().print(table)
    return 1 if any(finding.needed and not finding.ok for finding in findings) else 0


def examine(environ: Mapping[str, str] = os.environ) -> list[Finding]:
    """All findings, in the order in which they matter."""
    try:
        stack = layout.from_environment(environ)
    except SetupError as mistake:
        return [
            python(sys.version_info[:3]),
            Finding("settings", False, str(mistake), remedy="Correct the environment."),
        ]
    fetched = kafka.libraries(stack).is_dir()
    return [
        python(sys.version_info[:3]),
        java(_output("java", "-version")),
        maven(shutil.which("mvn"), fetched=fetched),
        _postgres(environ),
        *_ports(stack),
        memory(psutil.virtual_memory().available),
        disk(shutil.disk_usage(_existing(stack)).free),
        chromium(next(filter(None, map(shutil.which, BROWSERS)), None)),
        *_services(stack),
    ]


def python(version: tuple[int, int, int]) -> Finding:
    """Python 3.11 or newer."""
    return Finding(
        "Python",
        version >= (3, 11, 0),
        ".".join(map(str, version)),
        remedy="Install Python 3.11 and run `make install`.",
    )


def java(said: str) -> Finding:
    """Java 17 or newer, from what `java -version` said; older ones call themselves 1.8."""
    match = re.search(r'version "(?:1\.)?(\d+)[^"]*"', said)
    return Finding(
        "Java",
        match is not None and int(match[1]) >= 17,
        match[0].removeprefix("version ").strip('"') if match else "not found",
        remedy="Kafka needs 17 or newer: " + _install("openjdk-17-jre-headless", "a Java 17 runtime"),
    )


def maven(path: str | None, *, fetched: bool) -> Finding:
    """Maven, needed until it has fetched Kafka's jars."""
    found = path or "not found"
    return Finding(
        "Maven",
        path is not None,
        f"{found}, Kafka's jars are fetched" if fetched else found,
        needed=not fetched,
        remedy="It fetches Kafka's jars once: " + _install("maven", "Maven"),
    )


def memory(available_bytes: float) -> Finding:
    """Enough memory for Kafka, Postgres and the services."""
    return Finding(
        "memory",
        available_bytes >= MEMORY_GIGABYTES * GIGABYTE,
        f"{available_bytes / GIGABYTE:.1f} GB free",
        remedy=f"The stack takes up to {MEMORY_GIGABYTES:.0f} GB: end something, or give the machine more.",
    )


def disk(free_bytes: float) -> Finding:
    """Enough room for the stack's data."""
    return Finding(
        "disk",
        free_bytes >= DISK_GIGABYTES * GIGABYTE,
        f"{free_bytes / GIGABYTE:.1f} GB free",
        remedy=f"Make room for {DISK_GIGABYTES:.0f} GB, or set LEADFLOW_HOME to a folder on another disk.",
    )


def chromium(path: str | None) -> Finding:
    """A browser, for the tests of the web page alone."""
    return Finding(
        "Chromium",
        path is not None,
        path or "not found",
        needed=False,
        remedy="Only tests of the web page need it: " + _install("chromium", "Chromium"),
    )


def service(member: str, said: Mapping[str, Any] | None) -> Finding:
    """One instance, from what its /readyz says (None: nothing). One that does its work in another way than it should is told, and is
    no failure: so capture, while events wait in its spool."""
    if said is None:
        remedy = f"See its log, or start it with `leads stack start {member}`."
        return Finding(member, False, "gives no answer", remedy=remedy)
    ready, reasons, degraded = (said.get(part) or {} for part in ("ready", "reasons", "degraded"))
    if not ready:
        told = "; ".join(f"{part}: {why}" for part, why in reasons.items())
        return Finding(member, False, f"not ready. {told}", remedy="`leads status` shows what runs; its log says more.")
    told = "; ".join(f"{part}: {why}" for part, why in degraded.items())
    remedy = "It mends itself when what is away is back: `leads status`, `leads stack start kafka`."
    return Finding(member, not degraded, f"ready. {told}".rstrip(" ."), needed=False, remedy=remedy)


def _services(stack: Layout) -> list[Finding]:
    stack = layout.saved(stack)
    if not supervisor.is_running(stack):
        return []
    found = []
    with httpx.Client(trust_env=False, timeout=2) as client:
        for member in stack.members:
            try:
                said = client.get(f"{local.url(stack, member)}/readyz").json()
            except (httpx.HTTPError, ValueError):
                said = None
            found.append(service(member, said))
    return found


def _postgres(environ: Mapping[str, str]) -> Finding:
    try:
        binaries = postgres.found(environ)
    except SetupError as mistake:
        return Finding("Postgres", False, "not found", remedy=str(mistake))
    return Finding("Postgres", True, str(binaries))


def _ports(stack: Layout) -> list[Finding]:
    if supervisor.is_running(layout.saved(stack)):
        return [Finding("ports", True, "held by this stack, which is running")]
    taken = ports.complaints(stack.used_ports())
    if not taken:
        return [Finding("ports", True, "all free")]
    return [Finding("ports", False, "taken", remedy=complaint) for complaint in taken]


def _install(package: str, otherwise: str) -> str:
    if shutil.which("apt-get"):
        return f"{'' if os.geteuid() == 0 else 'sudo '}apt-get install {package} (`make install` does it)."
    return f"install {otherwise} with this system's package manager."


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def _existing(stack: Layout) -> str:
    folder = stack.home
    while not folder.exists():
        folder = folder.parent
    return str(folder)
