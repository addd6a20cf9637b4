"""Score's own Postgres: batches.py is the way of what comes, timers.py what time brings, history.py reads what was known of leads at any moment. Decides nothing."""

from __future__ import annotations

from services.score.store.batches import load, save
from services.score.store.timers import due

__all__ = ["due", "load", "save"]
