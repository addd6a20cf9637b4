"""Grafana's boards as data: which panels there are and what each asks. Their JSON, which deploy.generate writes, is made in grafana.py."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph. `asks` are pairs of an expression and its legend; `unit` is Grafana's name of one (s, reqps, short, percentunit, bytes)."""

    title: str
    description: str
    unit: str
    asks: tuple[tuple[str, str], ...]
    kind: str = "timeseries"  # or stat


@dataclass(frozen=True, slots=True)
class Board:
    """A board: rows of panels under titles."""

    uid: str
    title: str
    description: str
    rows: tuple[tuple[str, tuple[Panel, ...]], ...]
