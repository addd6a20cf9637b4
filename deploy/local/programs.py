"""Which processes a local stack consists of, and what each is told by its environment. Starts none."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from deploy.local import kafka, postgres
from deploy.local.installation import Installation
from deploy.local.layout import HOST, SERVICES, Layout
from deploy.local.supervisor import Program

_WORKERS = {"signals": "services.score.signals"}
MARK = "LEADFLOW_STACK"  # each process of a stack can be told by it, also when its supervisor is gone


def infrastructure(stack: Layout) -> list[Program]:
    """Kafka and Postgres, and for a tied stack the process that ends it together with the one it is tied to."""
    programs = [
        # Interrupt is Postgres' fast shutdown: it ends the connections instead of waiting for them.
        Program(
            name="postgres",
            command=postgres.command(stack),
            priority=10,
            user=postgres.user(),
            stop_signal="INT",
            directory=Path("/"),  # its user may not be able to enter the checkout
        ),
        Program(name="kafka", command=kafka.command(stack), priority=20),
    ]
    if stack.tied_to is not None:
        programs.append(
            Program(name="tie", command=[_python(), "-m", "deploy.local.tie", str(stack.tied_to)], priority=1)
        )
    return [dataclasses.replace(program, environment={MARK: stack.name}) for program in programs]


def service(stack: Layout, facts: Installation, member: str) -> Program:
    """One instance of a service, or of a worker; configured by its environment alone."""
    name = member.partition("-")[0]
    own = (
        {
            "LEADFLOW_STORE": facts.store(stack, name),
            "LEADFLOW_TOKEN": facts.token,
            "LEADFLOW_SECRET": facts.secret,
        }
        if name in SERVICES
        else {}
    )
    return Program(
        name=member,
        command=[_python(), "-m", f"services.{name}.main" if name in SERVICES else _WORKERS[name]],
        priority=100,
        environment={
            MARK: stack.name,
            "PYTHONUNBUFFERED": "1",
            "LEADFLOW_KAFKA": stack.kafka,
            "LEADFLOW_HTTP_HOST": HOST,
            "LEADFLOW_HTTP_PORT": str(stack.port(member)),
            "LEADFLOW_MEMBER": member,
            "LEADFLOW_PARTITIONS": str(facts.partitions),
            **own,
            **stack.environment.get(name, {}),
            **stack.environment.get(member, {}),
        },
    )


def _python() -> str:
    """This environment's interpreter by one name only, since a command that changes restarts its program."""
    return str(Path(sys.prefix) / "bin" / "python")
