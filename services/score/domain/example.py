"""Whether a ruleset does what its own examples say. A ruleset whose examples fail is not put in force."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from services.score.domain.decide import decide
from services.score.domain.document import Mistake
from services.score.domain.inforce import Fact, InForce
from services.score.domain.lead import Due, Lead, Told
from services.score.domain.rescore import Tallied, rescored
from services.score.domain.ruleset import Example

NOON = datetime(
    2026, 6, 17, 12, tzinfo=UTC
)  # the moment of every example: a Wednesday, far from midnight anywhere in Europe


def failures(in_force: InForce) -> Iterator[Mistake]:
    """What each example expected and did not get."""
    for example in in_force.ruleset.examples:
        try:
            yield from _failures(in_force, example)
        except msgspec.ValidationError as error:
            yield Mistake(example.line, f"example {example.name!r}: {error}")


def _failures(in_force: InForce, example: Example) -> Iterator[Mistake]:
    profile = msgspec.json.encode(example.profile)
    lead = Lead(lead_id="example", part=0, bodies=())
    for number, (seconds_ago, fields) in enumerate(sorted(example.activities, key=lambda one: -one[0])):
        at = NOON - timedelta(seconds=seconds_ago)
        name = f"{number:08x}-0000-5000-8000-000000000000"  # equal instants stand in the document's order
        body = msgspec.json.encode(
            {"name": "example", "property": "example", **fields, "id": name, "revision": 0, "occurred_at": at}
        )
        lead = _after(lead, in_force, in_force.fact(body), body, profile)
    if not example.activities:
        lead = _after(lead, in_force, Fact("nothing-happened", 0, NOON, "", False, ()), b"{}", profile)
    # The clock goes on from the last activity to noon; then all is looked at once more.
    lead = decide(lead, Due(lead.lead_id), in_force, now=NOON, input_id="noon").changes[lead.lead_id]
    state, _ = rescored(
        lead.state,
        in_force,
        Tallied(lead.state.tally, lead.history, lead.state.fit),
        profile=profile,
        absorbed=(),
        now=NOON,
        now_in=lead.state.stage,
        may_enter_sql=lead.state.may_enter_sql,
        by_clock=True,
    )
    points = {"fit": state.fit_points, "engagement": state.engagement, "total": state.total}
    for name, expected in example.points.items():
        if points[name] != expected:
            yield Mistake(
                example.line, f"example {example.name!r}: {name} is {points[name] / 100:g}, expected {expected / 100:g}"
            )
    for name, got, wanted in (("stage", state.stage, example.stage), ("grade", state.grade, example.grade)):
        if wanted is not None and got != wanted:
            yield Mistake(example.line, f"example {example.name!r}: {name} is {got}, expected {wanted}")
    if example.segments is not None and set(example.segments) != set(state.segments):
        got, wanted = (", ".join(sorted(one)) or "none" for one in (state.segments, example.segments))
        yield Mistake(example.line, f"example {example.name!r}: segments are {got}, expected {wanted}")


def _after(lead: Lead, in_force: InForce, fact: Fact, body: bytes, profile: bytes) -> Lead:
    told = Told(lead.lead_id, 0, fact, body, profile, b"", b"", ())
    after: Lead = decide(lead, told, in_force, now=fact.at, input_id=fact.id).changes[lead.lead_id]
    return after
