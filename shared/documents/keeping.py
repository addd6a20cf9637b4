"""The shell's part: documents in a batch are kept before what comes after them is decided, and what is in force is read anew then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from shared.database import Pool
from shared.documents import record, store
from shared.stage import Record, Stage


class Keeping:
    """Of one stage in one instance: which records are documents, and that `stage.documents` know what is in force for the numbers held."""

    def __init__(self, stage: Stage, pool: Pool) -> None:
        self._stage = stage
        self._pool = pool
        self._read_for: Mapping[int, int] | None = None  # the claims (number -> epoch) for which it was read
        kinds = {one.kind: one for one in stage.documents}
        self._for_documents = replace(
            stage, decode=record.decoder(kinds), load=store.load, decide=record.decide, save=store.save, due=None
        )

    def runs(self, records: Sequence[Record]) -> Iterator[tuple[Stage, Sequence[Record]]]:
        """The records in their order, cut before and after documents, each run with the stage that decides on it. Who asks for the next run has
        committed the one before, and asks `refresh` first."""
        if not self._stage.documents or not any(one.key == record.KEY for one in records):
            yield self._stage, records
            return
        for is_document, run in groupby(records, key=record.is_one):
            try:
                yield self._for_documents if is_document else self._stage, list(run)
            finally:
                if is_document:
                    self._read_for = None  # what was kept in this run is not known yet

    async def refresh(self, epochs: Mapping[int, int]) -> None:
        """Reads what is in force for the numbers held, if that may have changed: they were claimed just now, or a document came.

        Raises the world's faults, then the next call reads again; and Unusable when a document that is in force can't be used by this version
        of the service.
        """
        if self._read_for == epochs:
            return
        for documents in self._stage.documents:
            await store.refresh(self._pool, documents, parts=list(epochs))
        self._read_for = dict(epochs)
