"""`leads topics plan|apply`: the topics of the topology on a broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import typer
from aiokafka.errors import KafkaError

from services.console import screen, where
from services.console.screen import Json
from services.console.where import Trouble
from shared import address
from shared import topics as shared_topics

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="Compare the broker's topics with the topology, and make what is missing.")


@app.command()
def plan(as_json: Json = False) -> None:
    """Say what apply would do. Exit code 1 when a topic does not fit."""
    found = where.find()
    _print(_done(found.kafka, shared_topics.plan(found.kafka, found.partitions)), as_json=as_json)


@app.command()
def apply(
    replicas: Annotated[int, typer.Option(min=1, help="Copies of each new topic: 3 on three brokers.")] = 1,
    wait: Annotated[float, typer.Option(min=0, help="Seconds that a broker which is just starting may take.")] = 0,
    as_json: Json = False,
) -> None:
    """Make the topics that are missing. Never changes the number of partitions."""
    found = where.find()
    until = time.monotonic() + wait
    while time.monotonic() < until and not _answers(found.kafka):
        time.sleep(0.5)
    _print(_done(found.kafka, shared_topics.apply(found.kafka, found.partitions, replicas=replicas)), as_json=as_json)


@app.command()
def allow(as_json: Json = False) -> None:
    """Give each process its permissions on a broker that asks for them (deploy/kafka/acls.sh lists them). Takes none away."""
    found = where.find()
    count = _done(found.kafka, shared_topics.allow(found.kafka))
    if as_json:
        screen.as_json({"permissions": count})
    else:
        screen.line(f"{count} permissions stand.")


def _answers(kafka: str) -> bool:
    try:
        asyncio.run(shared_topics.plan(kafka, 1))
    except (KafkaError, OSError):
        return False
    return True


def _done(kafka: str, work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except shared_topics.Refused as refused:
        raise Trouble(f"Nothing was made on {address.shown(kafka)}: {refused}.") from None
    except (KafkaError, OSError) as error:
        raise Trouble(
            f"Kafka does not answer at {address.shown(kafka)} ({type(error).__name__}). Look at `leads status`, or start it with `leads up`."
        ) from None


def _print(steps: list[shared_topics.Step], *, as_json: bool) -> None:
    if as_json:
        screen.as_json([{"topic": step.topic, "action": step.action, "detail": step.detail} for step in steps])
    else:
        screen.table("", ("topic", "action", "detail"), [(step.topic, step.action, step.detail) for step in steps])
    if any(step.action == "refuse" for step in steps):
        raise SystemExit(1)
