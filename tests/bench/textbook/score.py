"""The textbook's score, for `faust -A`."""

from __future__ import annotations

from shared import topology
from tests.bench.textbook import settings, steps
from tests.bench.textbook.worker import made

app = made("score", steps.score(), reads=settings.ENRICHED, as_=topology.ENRICHED, writes=settings.SCORED)
