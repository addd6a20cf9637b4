"""Random rulesets that use every key of the format, as text; and activities that fall under their rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.unit.score.builders import an_activity

BEGIN = datetime(2026, 3, 27, 21, tzinfo=UTC)  # two days before the clocks change in Berlin

_durations = st.sampled_from(["1h", "1d", "36h", "3d", "7d", "30d", "60d"])
_matches = st.sampled_from(
    [
        "{kind: form}",
        "{kind: page}",
        "{kind: [form, track], name: 'a*'}",
        "{name: b}",
        "{property: www}",
        "{kind: track, human: 1.0}",
    ]
)
_points = st.sampled_from([1, 2.5, 3.33, 10, 20, 60, -1, -7.77, -20])


@st.composite
def _rule(draw: st.DrawFn, number: int) -> str:
    keys = [f"id: r{number}", f"match: {draw(_matches)}"]
    if draw(st.integers(0, 9)) == 0:
        keys.append("reset: true")
        if draw(st.booleans()):
            return "{" + ", ".join(keys) + "}"
    keys.append(f"points: {draw(_points)}")
    if draw(st.booleans()):
        by = draw(st.sampled_from(["", "", " by name", " by properties.plan"]))
        limit = draw(st.sampled_from(["once", "1 per day", "2 per week", "3 per month", "1 per 3d", "1 per 1h"]))
        keys.append(f"limit: {limit}{by}")
    decay = draw(st.sampled_from([None, None, "half_life", "window", "fade"]))
    if decay is not None:
        keys.append(f"{decay}: {draw(_durations)}")
    if draw(st.integers(0, 3)) == 0:
        keys.append(f"at_least: {draw(st.integers(2, 4))} within {draw(_durations)}")
    if draw(st.integers(0, 2)) == 0:
        keys.append(f"cap: {draw(st.sampled_from([0, 5, 12.5, 30]))}")
    return "{" + ", ".join(keys) + "}"


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A ruleset's document."""
    rules = [draw(_rule(number)) for number in range(draw(st.integers(1, 6)))]
    group = {
        "cap": draw(st.sampled_from([None, 40, 150])),
        "floor": draw(st.sampled_from([None, 0, -20])),
        "min_human": draw(st.sampled_from([None, 0.5])),
    }
    total = {"cap": draw(st.sampled_from([None, 60])), "floor": draw(st.sampled_from([None, -30, 0]))}
    idle = [
        f"{{id: i{number}, after: {draw(_durations)}, points: {draw(st.sampled_from([-10, -3.5, 4]))}"
        + (f", every: {draw(_durations)}" if draw(st.booleans()) else "")
        + (f", cap: {draw(st.sampled_from([5, 25]))}" if draw(st.booleans()) else "")
        + "}"
        for number in range(draw(st.integers(0, 2)))
    ]
    overrides = [
        f"{{id: o{number}, match: {draw(_matches)}, stage: {draw(st.sampled_from(['MQL', 'SQL']))}, for: {draw(_durations)}}}"
        for number in range(draw(st.integers(0, 1)))
    ]
    lines = [
        "format: 1",
        "id: random",
        f"timezone: {draw(st.sampled_from(['UTC', 'Europe/Berlin', 'America/St_Johns']))}",
    ]
    lines += ["fit:", "  rules:", "    - {id: business, when: 'profile.email.kind == \"business\"', points: 12.5}"]
    lines += ["engagement:", *(f"  {key}: {value}" for key, value in group.items() if value is not None)]
    lines += ["  rules:", *(f"    - {rule}" for rule in rules)]
    if given := [f"{key}: {value}" for key, value in total.items() if value is not None]:
        lines.append("total: {" + ", ".join(given) + "}")
    lines += [f"idle: [{', '.join(idle)}]", f"override: [{', '.join(overrides)}]"]
    dwell = draw(st.sampled_from(["", ", dwell: 24h", ", dwell: 10d"]))
    lines += ["stages:", "  IQL: {any: ['lead.activities[\"form\"] > 0', 'engagement > 10']}"]
    lines += ["  MQL: {enter: 20, leave: 15, min_fit: 5}", f"  SQL: {{enter: 40, leave: 30{dwell}}}"]
    lines += ["grades:", "  fit: {A: 10, B: -1000}", "  engagement: {1: 60, 2: 20, 3: 5, 4: -1000}"]
    lines += ["segments:", "  - {id: warm, when: 'total >= 10'}"]
    lines += ["  - {id: again, when: 'lead.episodes > 1 && engagement < 50'}"]
    return "\n".join(lines) + "\n"


@st.composite
def activities(draw: st.DrawFn, *, within: timedelta = timedelta(days=40)) -> dict[str, Any]:
    """An activity of the time after BEGIN, often at one moment with another one, often a little off a day's end."""
    hours = draw(st.integers(0, int(within.total_seconds() // 3600)) | st.sampled_from([0, 1, 24, 72, 168]))
    plan = draw(st.sampled_from([None, None, {"plan": "pro"}, {"plan": 3}]))
    return an_activity(
        draw(st.integers(0, 12)),
        at=BEGIN + timedelta(hours=hours, microseconds=draw(st.sampled_from([0, 0, 1, 999_999]))),
        revision=draw(st.sampled_from([0, 0, 0, 1, 2])),
        kind=draw(st.sampled_from(["form", "page", "track"])),
        name=draw(st.sampled_from(["a", "ab", "b", "c"])),
        human=draw(st.sampled_from([0.0, 0.5, 1.0, 1.0, 1.0])),
        property=draw(st.sampled_from(["www", "shop"])),
        properties=plan,
        withdrawn=draw(st.sampled_from([None, None, None, None, True])),
    )
