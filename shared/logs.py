"""Logs: one JSON object a line on stdout. What is logged holds names, counts and places, never personal data."""

from __future__ import annotations

import asyncio
import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog


def configure(service: str, member: str) -> None:
    """From here on everything that is logged, libraries included, is a JSON line that names service and member."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, _exception, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service, member=member)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _exception,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def _exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as its class and the places it went through. Never its message or local values: they may be somebody's data."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    chain = []
    while isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        chain.append(
            {"type": type(error).__name__, "at": [f"{one.filename}:{one.lineno} {one.name}" for one in frames]}
        )
        error = error.__cause__ or error.__context__
    if chain:
        event["exception"] = chain
    return event


def of_the_loop(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What asyncio tells of failures that nobody waited for: its own words, and the exception without its message."""
    get().error("asyncio: " + str(context.get("message", "")).partition("\n")[0], exc_info=context.get("exception"))


def get() -> structlog.typing.FilteringBoundLogger:
    """The logger of the house."""
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return log
