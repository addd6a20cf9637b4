"""Which ports are taken and by whom, and which are free. Opens none for longer than a look."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping
from contextlib import closing

import psutil

from deploy.local.layout import HOST, PORT_VARIABLES


def is_taken(port: int) -> bool:
    """Whether somebody listens on this port of the loopback address (or of all addresses)."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections in TIME_WAIT do not count
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def holder(port: int) -> str:
    """Who listens there, in words; without the right to see it, says so."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        connections = []
    for connection in connections:
        if (
            connection.status == psutil.CONN_LISTEN
            and connection.pid
            and connection.laddr
            and connection.laddr.port == port
        ):
            try:
                command = " ".join(psutil.Process(connection.pid).cmdline())[:80]
            except psutil.Error:
                command = "?"
            return f"pid {connection.pid}: {command}"
    return "a process that this user may not see"


def complaints(used: Mapping[str, int]) -> list[str]:
    """One sentence for each port that is taken: which, by whom, and which variable moves it."""
    return [
        f"Port {port} of {program} is held by {holder(port)}."
        f" Set {PORT_VARIABLES[program.partition('-')[0]]} (or LEADFLOW_PORT_BASE for all) to another."
        for program, port in used.items()
        if is_taken(port)
    ]


def free_base(width: int = 100) -> int:
    """A LEADFLOW_PORT_BASE whose whole range nobody uses now, below the ports that clients get at random."""
    for _ in range(200):
        base = random.randrange(20_000, 32_000, width)
        if not any(is_taken(base + offset) for offset in range(width)):
            return base
    raise RuntimeError(f"no {width} neighbouring free ports between 20000 and 32000")
