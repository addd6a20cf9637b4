"""Reading records whose header names are no UTF-8: aiokafka's fast reader gives up on the whole fetch, this slow one goes on.

Anybody with access to a topic can write such a record; it must not stop the others (SPEC Q6).
"""

from __future__ import annotations

from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy


class _Text(bytearray):
    """Bytes whose slices always become text: what is no UTF-8 is written as \\xff."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _Text(found) if isinstance(index, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return bytes(self).decode(encoding, errors)


class _Batch(_DefaultRecordBatchPy):  # type: ignore[misc]
    _buffer: Any

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        if not isinstance(self._buffer, _Text):
            self._buffer = _Text(self._buffer)


class _Records(_MemoryRecordsPy):  # type: ignore[misc]
    def next_batch(self) -> Any:
        slice_ = self._next_slice
        found = super().next_batch()
        return _Batch(slice_) if found is not None and slice_[self.MAGIC_OFFSET] >= 2 else found


def use(lenient: bool) -> None:
    """From now on this process reads records the lenient way, or the usual one again."""
    fetcher.MemoryRecords = _Records if lenient else MemoryRecords
