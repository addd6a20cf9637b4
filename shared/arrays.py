"""Arrays as Postgres writes them in text: for the driver one value each. An array of its own costs it 0.5 us more an entry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime


def plain(values: Iterable[int | str]) -> str:
    """Numbers or moments. (UUIDs would cost Postgres more than they spare the driver.)"""
    return f"{{{','.join(map(str, values))}}}"


def texts(values: Sequence[str]) -> str:
    """Any texts, each in quotes."""
    if not values:
        return "{}"
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return f'{{"{joined}"}}'


def values(column: Sequence[str | int | bool | datetime | None]) -> str:
    """Texts, numbers, moments or truths of one kind; None is NULL."""
    if not isinstance(next((value for value in column if value is not None), None), str):
        return plain(["NULL" if value is None else str(value) for value in column])
    if None not in column:
        return texts(column)  # type: ignore[arg-type]
    return plain(["NULL" if value is None else texts([str(value)])[1:-1] for value in column])
