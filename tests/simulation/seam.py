"""The one place where the simulation takes hold of the core: its clients of Kafka, its clock, its logs and its figures."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

from prometheus_client.metrics import MetricWrapperBase

import shared.runner
from shared import logs, metrics
from tests.simulation.broker import EPOCH_MS
from tests.simulation.consumer import FakeConsumer
from tests.simulation.loop import VirtualLoop
from tests.simulation.producer import FakeProducer

Runner = shared.runner.Runner


class _Silent:
    """A logger, and a figure, that nobody reads."""

    def __getattr__(self, _: str) -> Any:
        return self._nothing

    def _nothing(self, *_: Any, **__: Any) -> Any:
        return self


@contextmanager
def simulated(loop: VirtualLoop) -> Iterator[None]:
    """The modules of `shared` use the fake clients and the loop's time."""
    virtual = SimpleNamespace(
        monotonic=loop.time,
        perf_counter=loop.time,
        process_time=loop.time,
        time=lambda: EPOCH_MS / 1000 + loop.virtual,
        time_ns=lambda: int((EPOCH_MS / 1000 + loop.virtual) * 1_000_000) * 1000,
    )
    silent = _Silent()
    fakes = {"AIOKafkaConsumer": FakeConsumer, "AIOKafkaProducer": FakeProducer}
    figures = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    before: list[tuple[ModuleType, str, Any]] = [(logs, "get", logs.get)]
    for name, module in list(sys.modules.items()):
        if module is None or not (name == "shared" or name.startswith("shared.")):
            continue
        for attribute, value in list(vars(module).items()):
            if attribute in fakes or value is time or any(value is figure for figure in figures):
                before.append((module, attribute, value))
    logs.get = lambda: silent
    for module, attribute, value in before[1:]:
        setattr(module, attribute, fakes.get(attribute, virtual if value is time else silent))
    try:
        yield
    finally:
        for module, attribute, value in before:
            setattr(module, attribute, value)
