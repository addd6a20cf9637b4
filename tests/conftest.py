"""What all tests share: a real Kafka and Postgres on request, markers by folder, and no silent skips in CI."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from hypothesis import Phase, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from deploy.local.layout import Layout
from tests import stack

R = TypeVar("R", pytest.TestReport, pytest.CollectReport)
TESTS = Path(__file__).parent
# A folder's tests carry its name as a marker. What is marked as needing the real Kafka and Postgres may not be skipped in CI.
REAL = {
    "integration": "one part with a real Kafka and a real Postgres",
    "e2e": "the whole stack as a user meets it",
    "chaos": "the whole stack while parts of it are killed",
}
FAST = ("unit", "pipeline")


# How long an example takes by the clock says what else the machine does, not what the code does.
# A failure names what to paste above the test so that exactly this example is met again.
settings.register_profile("house", deadline=None, print_blob=True)
# Whether a test is red, and not by which smallest example: for make mutate.
settings.register_profile("red", deadline=None, phases=(Phase.explicit, Phase.generate), database=None)
settings.load_profile(os.environ.get("LEADFLOW_HYPOTHESIS", "house"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: only in `make test-all`, so that `make test` stays short")
    for name, meaning in REAL.items():
        config.addinivalue_line("markers", f"{name}: {meaning} (by folder: tests/{name})")


class _RealOnOneWorker(LoadScopeScheduling):  # type: ignore[misc]  # the library has no types
    """What needs the real Kafka and Postgres goes to one worker, which begins with it; all else one by one to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        folder = nodeid.removeprefix(f"{TESTS.name}/").partition("/")[0]
        return "real" if folder in REAL else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _RealOnOneWorker(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = _folder(item.path)
        if folder in REAL:
            item.add_marker(folder)
        if folder in FAST and "infrastructure" in getattr(item, "fixturenames", ()):
            raise pytest.UsageError(
                f"{item.nodeid} needs a real Kafka or Postgres, so it belongs to tests/integration."
            )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _not_silently_skipped((yield), item)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _not_silently_skipped((yield), collector)


@pytest.fixture(scope="session")
def infrastructure() -> Iterator[stack.Infrastructure]:
    """One Kafka and one Postgres for the whole session, started when the first test asks and stopped at its end."""
    with ThreadPoolExecutor(1) as elsewhere:  # it runs event loops of its own
        running = stack.infrastructure()
        yield elsewhere.submit(running.__enter__).result()
        elsewhere.submit(running.__exit__, None, None, None).result()


@pytest.fixture(scope="session")
def kafka(infrastructure: stack.Infrastructure) -> str:
    """Kafka's address, host:port."""
    return infrastructure.kafka


@pytest.fixture(scope="session")
def leadflow() -> Iterator[Layout]:
    """The whole system, services included, as one local stack of its own for the session; `stack.describe` says where things are."""
    if os.environ.get("LEADFLOW_CAPTURE_URL"):
        pytest.skip("the environment names a running stack, which is not ours to kill or scale")
    with ThreadPoolExecutor(1) as elsewhere:
        running = stack.local()
        yield elsewhere.submit(running.__enter__).result()
        elsewhere.submit(running.__exit__, None, None, None).result()


@pytest.fixture
def store(infrastructure: stack.Infrastructure) -> Iterator[str]:
    """The DSN of a fresh, empty database; dropped after the test, whoever is still connected."""
    with ThreadPoolExecutor(1) as elsewhere:  # in a loop of its own, so that a test's loop is not touched
        made = stack.database(infrastructure.postgres)
        yield elsewhere.submit(made.__enter__).result()
        elsewhere.submit(made.__exit__, None, None, None).result()


@pytest.fixture
def prefix() -> str:
    """Begins the names of this test's topics, groups and members, so that no two tests disturb each other."""
    return f"t{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def topic(kafka: str, prefix: str) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Makes a topic and gives its name: `name = await topic("captured", partitions=4, cleanup="compact")`; deleted afterwards."""
    made: list[str] = []

    async def make(name: str = "topic", *, partitions: int = 4, cleanup: str = "delete", **configs: str) -> str:
        full = f"{prefix}.{name}"
        settings = {"cleanup.policy": cleanup, **{key.replace("_", "."): value for key, value in configs.items()}}
        await admin.create_topics([NewTopic(full, partitions, 1, topic_configs=settings)])
        made.append(full)
        return full

    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        yield make
        if made:
            await admin.delete_topics(made)
    finally:
        await admin.close()


def _folder(path: Path) -> str:
    return path.relative_to(TESTS).parts[0] if path.is_relative_to(TESTS) and path != TESTS else ""


def _not_silently_skipped(report: R, node: pytest.Item | pytest.Collector) -> R:
    """In CI a skip of what needs the real Kafka and Postgres is a failure, be it a test's or a whole file's."""
    if report.skipped and _folder(node.path) in REAL and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{node.nodeid} was skipped, and in CI it may not be: {report.longrepr}"
    return report
