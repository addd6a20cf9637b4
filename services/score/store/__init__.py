"""Score's own Postgres: batches.py is the way of what comes, history.py reads what was known of leads at any moment. Decides nothing."""

from __future__ import annotations

from services.score.store.batches import due, load, save

__all__ = ["due", "load", "save"]
