"""CPU of enrich, score, route and the console's books for each lead, step by step, without Kafka: real stages over a real Postgres, in one process.

python -m tests.bench.stage_cost [--leads 20000] [--batch 500] [--warm 10000] [--profile enrich] [--form single|batch]

Postgres comes from LEADFLOW_POSTGRES (a superuser's DSN, with LEADFLOW_KAFKA beside it) or is started for the run. The leads are those of
`make bench`. Of what a service costs there, this leaves out the broker's client and the shell around a batch; it is for finding
out what a change brought, on a machine that does other work too, since CPU time is counted and not the clock.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import psutil
import uvloop

from services.capture.domain import form, segment
from services.capture.domain.captured import Scribe
from services.capture.domain.verdict import Arrival, Refused
from services.console import audit as books
from services.enrich import main as enrich
from services.route import main as route
from services.score import main as score
from shared import batch, clock, database, ownership
from shared.message import Message
from shared.rejects import RejectLimit
from shared.stage import Record, Stage
from tests import stack
from tests.bench.leads import Crowd, Kind, Lead, Writer, form_path

PARTITIONS = 4
SECRET = "s" * 32
ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Station:
    """One stage with its store, and what it has used so far."""

    stage: Stage
    pool: database.Pool
    database: str
    backend: int
    cpu: dict[str, float] = field(default_factory=lambda: defaultdict(float))  # seconds of this process, by step
    backend_cpu: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    offsets: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    records: int = 0
    epochs: dict[int, int] = field(default_factory=dict)

    def measured(self) -> Stage:
        """The stage with a clock at each of its functions."""
        stage = self.stage

        def timed(step: str, function):  # type: ignore[no-untyped-def]
            if function is None:
                return None

            async def clocked(*arguments):  # type: ignore[no-untyped-def]
                mine, theirs = time.process_time(), _cpu(self.backend)
                try:
                    return await function(*arguments)
                finally:
                    self.cpu[step] += time.process_time() - mine
                    self.backend_cpu[step] += _cpu(self.backend) - theirs

            return clocked

        return replace(
            stage, load=timed("load", stage.load), save=timed("save", stage.save), seen=timed("seen", stage.seen)
        )


def main() -> None:
    """Parses the command line, measures, prints a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stage_cost", description=__doc__)
    parser.add_argument("--leads", type=int, default=20_000)
    parser.add_argument("--warm", type=int, default=10_000, help="leads that are in the stores before, not measured")
    parser.add_argument("--batch", type=int, default=500, help="records in one transaction")
    parser.add_argument(
        "--form", choices=("single", "batch"), default="single", help="form posts, or events of a batch"
    )
    parser.add_argument("--profile", help="one stage's name: its Python profile, and no table that counts")
    told = parser.parse_args()
    with stack.infrastructure() as found:
        uvloop.run(_measure(found.postgres, told))


async def _measure(server: str, told: argparse.Namespace) -> None:
    stations = [await opened(server, stage) for stage in (*stages(), books.STAGE)]
    posts = _captured(told.form)
    profile = cProfile.Profile()
    for counts, leads in ((False, told.warm), (True, told.leads)):
        if counts:
            for station in stations:
                station.cpu.clear()
                station.backend_cpu.clear()
                station.records = 0
        done = 0
        while done < leads:
            messages = [next(posts) for _ in range(told.batch)]
            done += len(messages)
            written = list(messages)
            for station in stations:
                if station.stage is books.STAGE:
                    messages = written  # of the whole way
                watched = counts and told.profile == station.stage.name
                if watched:
                    profile.enable()
                messages = await run(station, messages)
                written += messages
                if watched:
                    profile.disable()
    if told.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    for station in stations:
        _print(station)
        await station.pool.close()
    control = await asyncpg.connect(server)
    for station in stations:
        await control.execute(f"DROP DATABASE {station.database} WITH (FORCE)")
    await control.close()


async def opened(server: str, stage: Stage) -> Station:
    """The stage with an empty database of its own, all numbers claimed."""
    name = f"cost_{stage.name}_{uuid.uuid4().hex[:8]}"
    control = await asyncpg.connect(server)
    await control.execute(f"CREATE DATABASE {name}")
    await control.close()
    pool = await database.connect(f"{server.rpartition('/')[0]}/{name}", max_size=1)
    service = "console" if stage is books.STAGE else stage.name
    await database.migrate(pool, database.CORE_MIGRATIONS, ROOT / "services" / service / "migrations")
    station = Station(stage, pool, name, await pool.fetchval("SELECT pg_backend_pid()"))
    for part in range(PARTITIONS):
        claim = await ownership.claim(
            pool, stage=stage.name, part=part, owner="cost", begin={topic.name: 0 for topic in stage.reads}
        )
        station.epochs[part] = claim.epoch
    return station


async def run(station: Station, messages: Sequence[Message]) -> list[Message]:
    """One batch of what a station reads, as the shell does it; what it writes."""
    stage = station.measured()
    records = [_record(station, one) for one in messages if one.topic in {topic.name for topic in stage.reads}]
    if not records:
        return []
    began, backend = time.process_time(), _cpu(station.backend)
    decoded = batch.decode(stage, records)
    station.cpu["decode"] += time.process_time() - began
    inside = dict(station.cpu)
    started = time.process_time()
    written = await batch.write(
        station.pool,
        stage,
        decoded,
        terms=batch.Terms(station.epochs, PARTITIONS),
        acknowledged=[],
        rejects=RejectLimit(),
    )
    whole = time.process_time() - started
    station.cpu["decide and shell"] += whole - sum(
        station.cpu[step] - inside.get(step, 0) for step in ("seen", "load", "save")
    )
    theirs = _cpu(station.backend) - backend
    station.backend_cpu["all"] += theirs
    station.cpu["all"] += time.process_time() - began
    station.records += len(records)
    # What the broker acknowledged is swept by the next batch in life; here at once, and not measured.
    await station.pool.execute("DELETE FROM outbox")
    return [message for one in written for sent in one.messages.values() for message in sent]


def _record(station: Station, message: Message) -> Record:
    place = (message.topic, message.part)
    station.offsets[place] += 1
    now = clock.to_ms(datetime.now(UTC))
    return Record(
        message.topic,
        message.part,
        station.offsets[place],
        now,
        message.key,
        message.value,
        dict(message.headers),
        message.headers,
    )


def stages() -> list[Stage]:
    """Enrich, score and route with the reference documents in force."""
    rulesets = score.started_with(ROOT / "services/score/rulesets/default.yaml")
    routing = route.routings_in(ROOT / "services/route/routing/default.yaml")
    return [enrich.stage(SECRET.encode()), score.stage(rulesets), route.stages(routing)[0]]


def _captured(kind: str) -> Iterator[Message]:
    """What capture writes for the benchmark's posts."""
    scribe = Scribe(secret=SECRET.encode(), partitions=PARTITIONS, new_id=lambda: str(uuid.uuid4()))
    crowd, writer = Crowd(1), Writer(1)
    while True:
        lead = crowd.next()
        if lead.kind is Kind.INVALID:
            continue
        made = scribe.captured(*submission(kind, writer, lead))
        assert isinstance(made, Message), made
        yield made


def submission(kind: str, writer: Writer, lead: Lead):  # type: ignore[no-untyped-def]
    arrival = Arrival("bench", datetime.now(UTC), "127.0.0.1", None)
    if kind == "single":
        fields = form.of_json(writer.form(lead))
        assert isinstance(fields, dict)
        found = form.submission(form_path(lead).rpartition("/")[2], fields, arrival)
    else:
        event = segment.event(writer.event(lead))
        assert not isinstance(event, Refused)
        found = segment.submission(event, "track", arrival)
    assert not isinstance(found, Refused), found
    return found, arrival


def _cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _print(station: Station) -> None:
    count = station.records
    steps = ", ".join(f"{step} {1e6 * used / count:.0f}" for step, used in station.cpu.items() if step != "all")
    theirs = ", ".join(
        f"{step} {1e6 * used / count:.0f}" for step, used in station.backend_cpu.items() if step != "all"
    )
    print(
        f"{station.stage.name}: {count} records; Python {1e6 * station.cpu['all'] / count:.0f} us a record ({steps}); "
        f"Postgres {1e6 * station.backend_cpu['all'] / count:.0f} us ({theirs})"
    )


if __name__ == "__main__":
    main()
