"""Retry-After (RFC 9110, 10.2.3), as whoever answers us means it."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime


def seconds(said: str | None, now: datetime) -> float | None:
    """From now on: a number, or until a date, never below zero; None for anything else, a date without a zone too."""
    text = (said or "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - now).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
