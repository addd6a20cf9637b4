"""How long a backtest takes, and what it needs: made-up histories straight into score's tables, then the service's own way over them.

python -m tests.bench.backtest [--leads 100000] [--activities 20] [--draft FILE]

Postgres comes from LEADFLOW_POSTGRES (a superuser's DSN, with LEADFLOW_KAFKA beside it) or is started for the run. The draft is the
reference ruleset with other points, another limit and a rule more, so that no two of its parts can be shared with the one before.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec
import psutil
import uvloop

from services.score import main as score
from services.score.backtest.runs import Runs
from services.score.domain.inforce import InForce
from services.score.domain.lead import State
from services.score.domain.load import load
from services.score.store import backtests
from shared import clock, database
from tests import stack

REFERENCE = Path(score.__file__).parent / "rulesets" / "reference.yaml"
_PAGES = ("/pricing", "/blog/what-is-a-lead", "/blog/calls", "/careers", "/compare", "/", "/docs/start", "/about")
_KINDS = ["page"] * 14 + ["track"] * 4 + ["form"] * 2
_TRACKED = ("email-clicked", "email-opened", "webinar-attended", "email-bounced", "email-unsubscribed")
_FORMS = ("contact", "enquiry", "magnet-guide", "magnet-checklist", "demo")
_WORDS = ("accepted", "accepted", "won", "rejected", "recycled")
_encode = msgspec.msgpack.Encoder().encode


def draft(reference: str) -> str:
    """Another ruleset of the same size, of which no activity falls under just the same rules."""
    more = "    - id: mail-opened\n      match: {kind: track, name: email-opened}\n      points: 1\n      limit: 1 per day\n"
    return (
        reference.replace("points: 25\n      cap: 75", "points: 20\n      cap: 60")
        .replace("limit: 3 per week", "limit: 2 per week")
        .replace("half_life: 90d", "half_life: 60d")
        .replace("    - id: careers-page\n", more + "    - id: careers-page\n")
    )


def main() -> None:
    """Parses the command line, fills, measures, prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.backtest", description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--activities", type=int, default=20, help="of a lead, on average")
    parser.add_argument("--draft", type=Path, help="a ruleset's file; else one is made of the reference")
    told = parser.parse_args()
    reference = REFERENCE.read_text()
    text = told.draft.read_text() if told.draft else draft(reference)
    with stack.infrastructure() as found, stack.database(found.postgres) as store:
        uvloop.run(_measure(store, told.leads, told.activities, (reference, text)))


async def _measure(store: str, leads: int, activities: int, texts: tuple[str, str]) -> None:
    pool = await database.connect(store)
    await database.migrate(pool, database.CORE_MIGRATIONS, score.MIGRATIONS)
    at = clock.from_ms(clock.now_ms())
    began = time.monotonic()
    count = await _fill(pool, leads, activities, at, InForce(load(texts[0], source="reference")).ruleset.fingerprint)
    print(f"{leads:,} leads with {count:,} activities, made in {time.monotonic() - began:.0f} s", flush=True)
    backtest_id = uuid.uuid4()
    await backtests.ask(pool, backtest_id, now=at, at=at, before=texts[0], after=texts[1])
    began = time.monotonic()
    Runs(pool, store).start(backtest_id)
    memory, cpu = 0, dict[int, float]()
    while (found := await backtests.one(pool, backtest_id)) is not None and found.status in backtests.OPEN:
        resident = 0
        for one in psutil.Process().children():
            try:
                if str(backtest_id) in one.cmdline():
                    resident += one.memory_info().rss
                    cpu[one.pid] = sum(one.cpu_times()[:2])
            except psutil.Error:  # it has just ended
                continue
        memory = max(memory, resident)
        await asyncio.sleep(0.2)
    seconds = time.monotonic() - began
    assert found is not None
    print(f"{found.status} {found.reason or ''} in {seconds:.1f} s: {count / seconds:,.0f} activities a second")
    print(f"{len(cpu)} workers: {memory / 2**20:.0f} MB together at the most, {sum(cpu.values()):.1f} s of CPU,")
    print(f"{sum(cpu.values()) / count * 1e6:.1f} us an activity under both rulesets")
    if found.report is not None:
        report = msgspec.json.decode(found.report)
        print(f"into SQL {report['entering_sql']}, out of it {report['leaving_sql']}; {report['outcomes']}")
    await pool.close()


async def _fill(pool: asyncpg.Pool, leads: int, activities: int, at: datetime, fingerprint: str) -> int:
    """Histories of a year, a page in two from somebody who never comes back; how many activities."""
    chance, count = random.Random(20261127), 0
    for begin in range(0, leads, 2_000):
        names = [f"ld_{chance.getrandbits(96):024x}" for _ in range(min(2_000, leads - begin))]
        acts = [(name, *one) for name in names for one in _activities(chance, activities, at)]
        count += len(acts)
        await pool.copy_records_to_table(
            "lead",
            records=[(name, 0, _document(chance, at, fingerprint)) for name in names],
            columns=("lead_id", "part", "data"),
        )
        await pool.copy_records_to_table(
            "activity", records=acts, columns=("lead_id", "activity_id", "revision", "known_at", "body")
        )
        said = [
            (name, uuid.UUID(int=chance.getrandbits(128)), 0, chance.choice(_WORDS), at - timedelta(days=3), at, 1)
            for name in names
            if chance.random() < 0.05
        ]
        await pool.copy_records_to_table(
            "outcome",
            records=said,
            columns=("lead_id", "event_id", "life", "outcome", "occurred_at", "known_at", "episode"),
        )
    await pool.execute("ANALYZE")
    return count


def _document(chance: random.Random, at: datetime, fingerprint: str) -> bytes:
    profile = {
        "email": {
            "address": "jo.doe@acme.example",
            "kind": chance.choice(["business", "free"]),
            "domain": "acme.example",
        },
        "name": {"full": "Jo Doe", "given": "Jo", "family": "Doe"},
        "company": {"name": "Acme", "size": chance.choice([10, 200, 2000])},
        "job": {"title": "Head of Sales", "seniority": chance.choice(["head", "vp", "staff"])},
        "country": chance.choice(["DE", "AT", "FR", "US"]),
        "sources": {"email": "form", "name": "form", "country": "phone"},
    }
    touch = b'{"at":"2026-01-01T00:00:00Z","channel":"organic-search","direction":"inbound"}'
    state = State(
        fingerprint=fingerprint,
        stage="IQL",
        stage_since=at - timedelta(days=40),
        score_version=9,
        known_at=at - timedelta(days=40),
    )
    return _encode((1, msgspec.json.encode(profile), touch, touch, state))


def _activities(chance: random.Random, most: int, at: datetime) -> Iterator[tuple[uuid.UUID, int, datetime, bytes]]:
    # Half of the leads have half as many, a third as many as the average, some five times as many.
    many = max(1, round(most * chance.choice([0.5, 0.5, 0.5, 1.0, 1.0, 2.5])))
    for _ in range(many):
        id_ = uuid.UUID(int=chance.getrandbits(128), version=4)
        when = at - timedelta(seconds=chance.randrange(365 * 86_400))
        kind = chance.choice(_KINDS)
        path = chance.choice(_PAGES)
        name = "page" if kind == "page" else chance.choice(_TRACKED if kind == "track" else _FORMS)
        page = (
            f',"page":{{"url":"https://www.acme.example{path}?utm_source=x","path":"{path}","title":"A page of ours","referrer":"https://search.example/"}}'
            if kind == "page"
            else ""
        )
        body = (
            f'{{"id":"{id_}","revision":0,"name":"{name}","kind":"{kind}","occurred_at":"{clock.text(when)}","property":"www",'
            f'"channel":"organic-search","direction":"inbound","campaign":{{"source":"newsletter","medium":"email","name":"spring"}},'
            f'"human":1.0{page},"properties":{{"plan":"pro","seats":12}}}}'
        )
        yield id_, 0, when, body.encode()


if __name__ == "__main__":
    main()
