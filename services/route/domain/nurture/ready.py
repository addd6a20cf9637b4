"""A nurture document with what makes asking it cheap: which tracks a stage may lead into, which forms ask for something. Knows no lead."""

from __future__ import annotations

import re

from msgspec import Struct

from services.route.domain.nurture.about import Seen
from services.route.domain.nurture.document import Nurturing, Send, Track, Wait, WaitFor
from services.route.domain.nurture.state import Facts, Nurtured

_CLOSE = re.compile(r"\blead\s*(?:\[|\.\s*(?:previous_stage|stage_since|episodes)\b)")
_STAGES = 64  # remembered; stages are a handful, but others may write to the topic


class Begun(Struct, frozen=True):
    """A track as a lead enters it that waits first: at which step, how long, and what comes after it."""

    track: str
    step: str
    lasts: int
    ahead: tuple[str, ...]


class Ready:
    """One document. Remembers answers, so it is no value; the answers are."""

    __slots__ = (
        "_at_once",
        "_begun",
        "_by_stage",
        "asks_of_activities",
        "doc",
        "forms",
        "looks_at_sales",
        "looks_closely",
        "shortest",
    )

    def __init__(self, doc: Nurturing) -> None:
        self.doc = doc
        self.forms = tuple(f'"{form}"'.encode() for form in doc.magnets)
        self._by_stage: dict[str, tuple[Track, ...]] = {}
        self._at_once: dict[str, bool] = {}
        self._begun: dict[tuple[str, int], tuple[Begun, ...] | None] = {}
        questions = [track.when for track in doc.tracks.values()] + ([doc.exit] if doc.exit is not None else [])
        asked = [
            *questions,
            *(
                step.unless
                for track in doc.tracks.values()
                for step in track.steps.values()
                if isinstance(step, Send) and step.unless is not None
            ),
        ]
        # Whether a condition asks for more of a lead than its stage, its segments, its profile and what nurture itself knows.
        self.looks_closely = any(one.mentions("score") or _CLOSE.search(one.condition.source) for one in asked)
        self.asks_of_activities = any(one.mentions("activity") for one in questions)
        self.looks_at_sales = any(one.mentions("lead") and "recycled" in one.condition.source for one in questions)

        steps = [step for track in doc.tracks.values() for step in track.steps.values()]
        waits = [step.lasts if isinstance(step, Wait) else step.at_most for step in steps if not isinstance(step, Send)]
        self.shortest = min(
            waits, default=0
        )  # the least time from entering a track to a send, where it does not send at once

    def tracks(self, stage: str) -> tuple[Track, ...]:
        """The tracks that a lead in this stage may enter, if all else that they ask for holds too."""
        found = self._by_stage.get(stage)
        if found is None:
            found = tuple(track for track in self.doc.tracks.values() if track.when.can_hold(stage))
            if len(self._by_stage) < _STAGES:
                self._by_stage[stage] = found
        return found

    def begun(self, stage: str, episodes: int) -> tuple[Begun, ...] | None:
        """The tracks that a lead enters of which nothing more was heard than this, where that and each track's first step say it all: every
        condition asks for no more, and every track begins with a wait. None where they don't."""
        key = (stage, episodes)
        if key in self._begun:
            return self._begun[key]
        found = self._begins(stage, episodes)
        if len(self._begun) < _STAGES:
            self._begun[key] = found
        return found

    def _begins(self, stage: str, episodes: int) -> tuple[Begun, ...] | None:
        tracks, leaves = self.tracks(stage), self.doc.exit
        if self.asks_of_activities or not all(
            one.asks_few for one in (*(track.when for track in tracks), *([leaves] if leaves else ()))
        ):
            return None
        seen = Seen(Nurtured(Facts(0, stage, "", "", "", None, episodes, (), b"{}", b"{}")))
        if leaves is not None and leaves.holds(seen):
            return ()
        found: list[Begun] = []
        for track in tracks:
            if track.when.holds(seen):
                first = next(iter(track.steps.values()))
                if not isinstance(first, Wait) or not first.lasts:
                    return None
                found.append(Begun(track.id, first.id, first.lasts, track.ahead(first.id)))
        return tuple(found)

    def may_ask(self, activity: bytes) -> bool:
        """Whether an activity may be a form that asks for a magnet: its name stands somewhere in it."""
        for form in self.forms:  # noqa: SIM110 - any() costs each record a generator
            if form in activity:
                return True
        return False

    def sends_at_once(self, stage: str) -> bool:
        """Whether entering a track in this stage may lead to a send in the same batch."""
        found = self._at_once.get(stage)
        if found is None:
            found = any(isinstance(next(iter(track.steps.values())), Send | WaitFor) for track in self.tracks(stage))
            if len(self._at_once) < _STAGES:
                self._at_once[stage] = found
        return found

    def may_come_again(self, nurtured: Nurtured, stage: str, now: int) -> bool:
        """Whether a track that the lead was in takes it again by now."""
        return any(
            track.again_after is not None
            and (entered := nurtured.entered.get(track.id)) is not None
            and now >= entered.last + track.again_after
            for track in self.tracks(stage)
        )

    def waits_for(self, nurtured: Nurtured) -> bool:
        """Whether an activity may be one that the lead is waited for."""
        for one in nurtured.active:
            track = self.doc.tracks.get(one.track)
            if track is None or isinstance(track.steps.get(one.step), WaitFor | None):
                return True
        return False
