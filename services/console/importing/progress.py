"""How far an import has come, on disk beside its file, and the rows that were rejected: so that it can be killed and run again."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct


class Progress(Struct, kw_only=True):
    """What was sent of `what` (a digest of the file, the map and the property). The next row to send is number `rows`, from 0."""

    what: str
    rows: int = 0
    line: int = 0
    accepted: int = 0
    rejected: int = 0
    rejects_bytes: int = 0
    done: bool = False


class Kept:
    """The two files of an import. Rejects are written first: what is in them beyond what the progress says is cut off again."""

    def __init__(self, *, progress: Path, rejects: Path, what: str) -> None:
        self.rejects = rejects
        self._path = progress
        self.progress = _read(progress) or Progress(what=what)
        self.begins_anew = self.progress.what != what
        if self.begins_anew:
            self.progress = Progress(what=what)
        self._file = os.open(rejects, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._file, self.progress.rejects_bytes)
        os.lseek(self._file, 0, os.SEEK_END)

    def reject(self, line: int, reasons: Sequence[str], row: Any) -> None:
        """One row that is not taken, with the line on which it begins."""
        text = json.dumps({"line": line, "reasons": list(reasons), "row": row}).encode() + b"\n"
        os.write(self._file, text)
        self.progress.rejected += 1
        self.progress.rejects_bytes += len(text)

    def save(self) -> None:
        """From here on a new run begins."""
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        fresh.write_bytes(msgspec.json.encode(self.progress))
        fresh.replace(self._path)

    def close(self) -> None:
        """An empty file of rejects is removed."""
        os.close(self._file)
        if not self.progress.rejects_bytes:
            self.rejects.unlink(missing_ok=True)


def _read(path: Path) -> Progress | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Progress)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
