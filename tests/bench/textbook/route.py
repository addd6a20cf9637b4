"""The textbook's route, for `faust -A`."""

from __future__ import annotations

from shared import topology
from tests.bench.textbook import settings, steps
from tests.bench.textbook.worker import made

app = made("route", steps.route(), reads=settings.SCORED, as_=topology.SCORED, writes=settings.HANDOVER)
