"""`python -m services.score.backtest.worker ID`: folds leads for a backtest. Started and fed by the score service, never by hand.

Each line on stdin names a piece of the leads (msgspec's JSON of Piece); each is answered by a line on stdout once its leads are kept.
When stdin ends, so does the worker: with the summary of all its pieces as its last line.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import uuid

import msgspec
import uvloop
from msgspec import Struct

from services.score.domain.backtest.lead import Pair, Row
from services.score.domain.backtest.summary import Summary, summary
from services.score.domain.inforce import InForce
from services.score.domain.load import load
from services.score.store import backtests, history
from shared import database
from shared.database import Pool

STORE = "LEADFLOW_STORE"
_POLITE = 10  # traffic comes first: what the service decides meanwhile, and Postgres
_PAGE = 100  # leads in memory at once
_encode = msgspec.json.Encoder().encode


class Piece(Struct, frozen=True):
    """The leads after an id up to another one, in the order of ids."""

    number: int
    after: str
    upto: str


class Folded(Struct, frozen=True):
    """A piece that is done, and how many leads it held; at the end the summary of all."""

    piece: int | None = None
    leads: int = 0
    summary: Summary | None = None


def main() -> None:
    """Works until stdin ends."""
    os.nice(_POLITE)
    gc.disable()  # nothing here makes a cycle, and looking for some takes a tenth of the time
    uvloop.run(_work(uuid.UUID(sys.argv[1])))


async def _work(backtest_id: uuid.UUID) -> None:
    pool = await database.connect(os.environ[STORE], max_size=1)
    asked = await backtests.one(pool, backtest_id)
    if asked is None:
        raise SystemExit("there is no such backtest")
    before, after = (InForce(load(text, source="ruleset")) for text in (asked.before, asked.after))
    pair, counted = Pair(before, after), summary(before.ruleset, after.ruleset)
    told = msgspec.json.Decoder(Piece).decode
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        piece = told(line)
        _say(Folded(piece.number, await _fold(pool, asked, piece, pair, counted)))
    await pool.close()
    _say(Folded(summary=counted))


async def _fold(pool: Pool, asked: backtests.Backtest, piece: Piece, pair: Pair, counted: Summary) -> int:
    """Folds and keeps the leads of a piece; how many there were."""
    lines = []
    async for known in history.all_known(pool, at=asked.at, after=piece.after, upto=piece.upto, page=_PAGE):
        if known.decided.absorbed_into is None and known.profiled.profile_version >= 0:
            row = pair.row(known)
            counted.add(row)
            lines.append(_encode(_line(row)))
    if lines:
        await backtests.keep(pool, asked.backtest_id, piece.number, b"\n".join([*lines, b""]))
    return len(lines)


def _line(row: Row) -> dict[str, object]:
    """A lead as `GET .../leads` tells it; `afresh` is there where a stage rests on earlier decisions."""
    told: dict[str, object] = {"lead_id": row.lead_id}
    for name, side in (("before", row.before), ("after", row.after)):
        one = {"total": side.points.total / 100, "stage": side.stage}
        if side.afresh != side.stage:
            one["afresh"] = side.afresh
        told[name] = one
    return told


def _say(folded: Folded) -> None:
    sys.stdout.buffer.write(_encode(folded) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
