"""A nurture document with what makes asking it cheap: which tracks a stage may lead into, which forms ask for something. Knows no lead."""

from __future__ import annotations

from services.route.domain.nurture.document import Nurturing, Send, Track, Wait, WaitFor

_STAGES = 64  # remembered; stages are a handful, but others may write to the topic


class Ready:
    """One document. Remembers answers, so it is no value; the answers are."""

    __slots__ = ("_by_stage", "asks_of_activities", "doc", "forms", "looks_at_sales", "shortest")

    def __init__(self, doc: Nurturing) -> None:
        self.doc = doc
        self.forms = tuple(f'"{form}"'.encode() for form in doc.magnets)
        self._by_stage: dict[str, tuple[Track, ...]] = {}
        questions = [track.when for track in doc.tracks.values()] + ([doc.exit] if doc.exit is not None else [])
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

    def may_ask(self, activity: bytes) -> bool:
        """Whether an activity may be a form that asks for a magnet: its name stands somewhere in it."""
        return any(form in activity for form in self.forms)

    def sends_at_once(self, stage: str) -> bool:
        """Whether entering a track in this stage may lead to a send in the same batch."""
        return any(isinstance(next(iter(track.steps.values())), Send | WaitFor) for track in self.tracks(stage))
