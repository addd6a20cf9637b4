"""What operators ask for, and what they have said of activities. No rules here."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from services.enrich.domain.world.identifiers import Rank


class Human(Struct, frozen=True, tag="human", gc=False):
    """Asks that this activity is as human as it says, whatever it seemed."""

    event_id: str
    human: float
    reason: str | None = None


class Merge(Struct, frozen=True, tag="merge", gc=False):
    """Asks that these leads are one; that `survivor` remains, else the one that was made first."""

    lead_ids: tuple[str, ...]
    survivor: str | None = None
    reason: str | None = None


class Split(Struct, frozen=True, tag="split", gc=False):
    """Asks that these identifiers, by name, or these events leave the lead, or else that of the command."""

    lead_id: str | None
    identifiers: tuple[str, ...] = ()
    event_ids: tuple[str, ...] = ()
    reason: str | None = None


class Answer(Struct, frozen=True, tag="review", gc=False):
    """Says whether the two are one person that a question of the review queue is about."""

    review_id: str
    accept: bool
    reason: str | None = None


Asked = Human | Merge | Split | Answer


class Command(Struct, frozen=True, gc=False):
    """What somebody asked for at `at`, by `by`. Of several that say something about the same the latest counts, then the greater id. `told`: a rebuild
    found a merge or a split on the topic that it brought about."""

    command_id: str
    at: datetime
    lead_id: str | None
    by: str | None
    asked: Asked
    told: bool = False


class Ruling(Struct, frozen=True, gc=False):
    """What an operator said about one activity."""

    event_id: str
    at: datetime
    command_id: str
    human: float
    by: str | None = None
    reason: str | None = None

    @property
    def rank(self) -> Rank:
        return self.at, self.command_id
