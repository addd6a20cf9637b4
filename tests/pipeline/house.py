"""A house in memory: four real stages, each over a world that is a dict, joined by lists of records instead of topics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from services.enrich.main import stage as enrich_stage
from services.route.domain.events import Scored
from services.route.domain.nurture.state import Stored
from services.route.main import routings_in
from services.route.main import stages as route_stages
from services.score.main import stage as score_stage
from services.score.main import started_with
from shared import batch, clock, contracts, ids
from shared.fold import fold
from shared.message import Message
from shared.outcome import Reason, Reject
from shared.stage import Input, Record, Stage
from shared.topology import BY_NAME, CAPTURED, OUTCOMES
from tests.unit.score.builders import Desk, ruleset

ROOT = Path(__file__).parents[2]
RULESET = ROOT / "services/score/rulesets/default.yaml"
PARTITIONS = 4
START = datetime.fromisoformat("2026-11-27T09:00:00+00:00")

_LATER_MS = 48 * 3_600_000


@cache
def _stages() -> tuple[Stage, ...]:
    routing = routings_in(ROOT / "tests/unit/route/always.yaml")
    rulesets = started_with(RULESET)
    return enrich_stage(b"s" * 32), score_stage(rulesets), *route_stages(routing)


class House:
    """Enrich, score, route and its intake. `effects` is everything that was written, in order, as (stage, type, subject). A record may
    be refused for one of the reasons `may_refuse` and for no other."""

    def __init__(self, *, may_refuse: Collection[Reason] = ()) -> None:
        self.stages = _stages()
        self._may_refuse = may_refuse
        self._desk = Desk(ruleset(RULESET.read_text()))
        self._worlds: dict[str, dict[Hashable, Any]] = defaultdict(dict)
        self._seen: dict[str, set[str]] = defaultdict(set)
        self._ends: dict[tuple[str, int], int] = defaultdict(int)
        self._now_ms = clock.to_ms(START) + _LATER_MS  # nothing is told before it happens
        self.effects: list[tuple[str, str, str]] = []
        self.written: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def capture(self, *events: contracts.Captured) -> None:
        """These submissions arrive, and everything that follows from them happens."""
        self.arrive(
            [
                Message(
                    CAPTURED.name, 0, b"pk", contracts.encode(event), [("ce_type", b"lead.captured")], event.event_id
                )
                for event in events
            ]
        )

    def outcome(self, **fields: Any) -> None:
        """Sales says what came of a handover."""
        self.arrive([Message(OUTCOMES.name, 1, b"any", msgspec.json.encode(fields), [], "")])

    def types(self, stage: str) -> list[str]:
        """What one stage wrote, in order, by type."""
        return [type_ for by, type_, _ in self.effects if by == stage]

    def handed(self) -> list[str]:
        """What route wrote to sales tools, in order, by type."""
        return [type_ for type_ in self.types("route") if not type_.startswith("lead.nurture")]

    def last(self, topic: str) -> dict[str, Any]:
        """The newest record of a topic."""
        return self.written[topic][-1]

    def arrive(self, messages: Sequence[Message]) -> None:
        """These records arrive, and everything that follows from them happens."""
        waiting = [self._record(message) for message in messages]
        while waiting:
            topic = waiting[0].topic
            records = [record for record in waiting if record.topic == topic]
            waiting = [record for record in waiting if record.topic != topic]
            for stage in self.stages:
                if topic in {read.name for read in stage.reads}:
                    waiting += [self._record(message) for message in self._run(stage, records)]

    def _record(self, message: Message) -> Record:
        self._now_ms += 10
        place = (message.topic, message.part)
        offset = self._ends[place]
        self._ends[place] += 1
        return Record(
            message.topic,
            message.part,
            offset,
            self._now_ms,
            message.key,
            message.value,
            dict(message.headers),
            message.headers,
        )

    def _run(self, stage: Stage, records: Sequence[Record]) -> list[Message]:
        said = [one.said for one in batch.decode(stage, records)]
        rejected = [one for one in said if isinstance(one, Reject) and one.reason not in self._may_refuse]
        assert not rejected, rejected
        inputs = {one.event_id: one for one in said if isinstance(one, Input)}
        fresh = [one for id_, one in inputs.items() if id_ not in self._seen[stage.name]]
        self._seen[stage.name] |= inputs.keys()
        for one in fresh:  # nobody is suppressed here
            if type(one.event) is Scored:
                self._worlds[stage.name][Stored("suppressed", one.event.lead_id)] = ()
        messages = []
        # Score's store says of each activity what it was before; the others' worlds hold all there is.
        for together in [[one] for one in fresh] if stage.name == "score" else [fresh]:
            world = self._desk.load(together) if stage.name == "score" else self._worlds[stage.name]
            done = fold(stage, world, together, partitions=PARTITIONS, refused={})
            assert not done.rejected, [
                (message.headers, message.value)
                for sent in done.messages.values()
                for message in sent
                if message.topic == "leads.dead.v1"
            ]
            messages += [message for sent in done.messages.values() for message in sent]
            if stage.name == "score":
                self._desk.save(done.changes)
        for message in messages:
            headers = dict(message.headers)
            self.effects.append((stage.name, headers["ce_type"].decode(), headers.get("ce_subject", b"").decode()))
            self.written[message.topic].append(msgspec.json.decode(message.value))
            assert message.topic in BY_NAME
        return messages


def captured(
    *,
    id: str,
    kind: str = "form",
    name: str = "contact",
    email: str | None = None,
    anonymous: str | None = None,
    minutes: float = 0,
    **traits: Any,
) -> contracts.Captured:
    """A submission with believable defaults; each test names what matters to it."""
    at = clock.from_ms(clock.to_ms(START) + int(minutes * 60_000))
    page = contracts.Page(url="https://acme.example/pricing", path="/pricing") if kind == "page" else None
    return contracts.Captured(
        event_id=ids.submission_id("web", id),
        property="web",
        kind=kind,
        name=name,
        occurred_at=at,
        received_at=at,
        anonymous_id=anonymous,
        traits={**({"email": email} if email else {}), **traits},
        context=contracts.Context(page=page),
    )
