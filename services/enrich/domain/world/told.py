"""What was told of events and leads before a store was lost, what is owed when it is built anew, and what is still to be told. No rules here."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from services.enrich.domain.world.asked import Command
from services.enrich.domain.world.events import Happened


class Told(Struct, frozen=True, gc=False):
    """In a rebuild: what the output topic says of one event. It counted as the record of `at` said it, which happened at `occurred_at` (absent:
    not known), and was told last in `revision`, under `lead_id`, or as nobody's. `absorbed`: the lead that it was told of, and those on the way
    to the one that stands here, were absorbed since, and it was not told under this one yet. `human` as it was told last, `repeat`: last as a repeat."""

    at: datetime | None
    revision: int
    lead_id: str | None = None
    absorbed: tuple[str, ...] = ()
    occurred_at: datetime | None = None
    human: float | None = None
    repeat: bool = False


class Recalled(Struct, frozen=True, gc=False):
    """In a rebuild: this lead stands on the output topic already, from its first profile version to its last, and may be absorbed."""

    first: int
    last: int
    absorbed_into: str | None = None


class Owed(Struct, frozen=True, gc=False):
    """What a rebuild decides when it is over: an event that the topic does not tell of, a record that was not taken since another one under
    its id counted at first, or a command. `at` is the record's time."""

    part: int
    at: datetime
    event: Happened | Command


class Untold(Struct, frozen=True, gc=False):
    """An activity that is still to be told under a lead in this revision, or withdrawn from it; `history` as in lead.enriched. `part` and `at` are
    those of the record that caused it."""

    lead_id: str
    event_id: str
    revision: int
    withdrawn: bool
    history: bool
    part: int
    at: datetime

    @property
    def key(self) -> tuple[str, str, str, bool]:
        """Under which it is in a world: one for each activity and lead, the later one counts."""
        return "untold", self.lead_id, self.event_id, self.withdrawn
