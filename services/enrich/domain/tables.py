"""How the tables in data/ are read: lines of cells between tabs, comments behind `#`. What is in them is their readers' affair."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

DATA = Path(__file__).parent / "data"


def rows(path: Path) -> Iterator[list[str]]:
    """The lines of a table as cells without blanks around them; empty lines and comments are left out."""
    for line in path.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield [cell.strip() for cell in line.split("\t")]


def words(cell: str) -> list[str]:
    """What a cell lists, between commas; nothing for `-`."""
    return [] if cell == "-" else [word for part in cell.split(",") if (word := part.strip())]
