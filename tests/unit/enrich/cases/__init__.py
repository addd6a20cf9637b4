"""Cases as data: what people, browsers and vendors write, what is to be made of it, and where each case comes from."""

from __future__ import annotations

import json
from pathlib import Path

from services.enrich.domain.tables import rows


def cases(name: str) -> list[tuple[str, ...]]:
    """The lines of a table of cases, each of them once."""
    found = [tuple(cells) for cells in rows(Path(__file__).parent / f"{name}.tsv")]
    assert len(set(found)) == len(found)
    return found


def absent(cell: str) -> str | None:
    """A cell; `-` is nothing, and one in quotes is JSON."""
    if cell[0] == '"' == cell[-1]:
        return str(json.loads(cell))
    return cell if cell != "-" else None
