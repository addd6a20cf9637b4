"""A table as it is written: where it is from, when it was made, and its lines. What stands in it is its maker's affair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.enrich.domain.tables import DATA

_MADE = "# Made: "


@dataclass(frozen=True, slots=True)
class Table:
    """A table with what its first lines say. `says` is a sentence on what its lines mean."""

    name: str
    says: str
    source: str
    licence: str
    lines: tuple[tuple[str, ...], ...]

    @property
    def path(self) -> Path:
        return DATA / f"{self.name}.tsv"

    def text(self, *, made: str) -> str:
        """The whole file."""
        head = (self.says, f"Source: {self.source}. Licence: {self.licence}. Written by services/enrich/generate.")
        lines = [*(f"# {line}" for line in head), _MADE + made, *("\t".join(line) for line in self.lines)]
        return "\n".join(lines) + "\n"

    def is_stale(self) -> bool:
        """Whether the file that is kept says anything else, the day that it was made apart."""
        if not self.path.exists():
            return True
        kept = self.path.read_text("utf-8").splitlines()
        fresh = self.text(made="").splitlines()
        return _undated(kept) != _undated(fresh)

    def write(self) -> None:
        """Writes the file with today's date."""
        self.path.write_text(self.text(made=datetime.now(UTC).date().isoformat()), "utf-8")


def _undated(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if not line.startswith(_MADE)]
