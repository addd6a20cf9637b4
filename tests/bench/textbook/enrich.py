"""The textbook's enrich, for `faust -A`."""

from __future__ import annotations

from shared import topology
from tests.bench.textbook import settings, steps
from tests.bench.textbook.worker import made

app = made(
    "enrich", steps.enrich(settings.SECRET), reads=settings.CAPTURED, as_=topology.CAPTURED, writes=settings.ENRICHED
)
