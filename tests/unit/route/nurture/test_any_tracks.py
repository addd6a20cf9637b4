"""Whatever the tracks, the limits and what happens: caps hold over any span, nothing is sent at a quiet time, a step is decided once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.route.domain.nurture.state import Stored
from shared.clock import from_ms
from shared.stage import Record
from tests.unit.route.builders import activity, record, scored
from tests.unit.route.nurture import promises
from tests.unit.route.nurture.builders import GIVEN, JO, MONDAY, House

ZONES = ("UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kathmandu")
SPANS = ("1h", "11h", "1d", "2d", "6d", "9d")


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A document of up to four tracks that often want the same day."""
    caps = {
        name: {span: draw(st.integers(0, 3)) for span in ("per_day", "per_week") if draw(st.booleans())}
        for name in ("email", "ads", "any")
    }
    limits = ", ".join(
        f"{name}: {{{', '.join(f'{span}: {most}' for span, most in cap.items())}}}" for name, cap in caps.items() if cap
    )
    begins, ends = draw(
        st.sampled_from([("20:00", "08:00"), ("00:00", "23:59"), ("01:30", "03:30"), ("12:00", "12:01")])
    )
    quiet = draw(st.lists(st.sampled_from(["sat", "sun", "mon", "wed"]), max_size=3, unique=True))
    again = draw(st.sampled_from(["", ", again_after: 3d"]))
    tracks = []
    for track in range(draw(st.integers(1, 4))):
        steps = []
        for step in range(draw(st.integers(1, 5))):
            match draw(st.integers(0, 3)):
                case 0:
                    steps.append(f"{{id: s{step}, wait: {draw(st.sampled_from(SPANS))}}}")
                case 1:
                    steps.append(
                        f"{{id: s{step}, wait_for: {{match: {{kind: page}}}}, at_most: {draw(st.sampled_from(SPANS))}}}"
                    )
                case _:
                    steps.append(f"{{id: s{step}, send: {draw(st.sampled_from(['a', 'b', 'c']))}}}")
        stage = draw(st.sampled_from(["'lead.stage == \"IQL\"'", '\'lead.stage in ["IQL", "MQL"]\'', "'true'"]))
        tracks.append(f"  - {{id: t{track}, when: {stage}, steps: [{', '.join(steps)}]{again}}}")
    return f"""format: 1
limits: {{{limits}{", " if limits else ""}quiet_hours: "{begins}-{ends}", quiet_days: [{", ".join(quiet)}]}}
channels: {{email: {{needs: {{consent: marketing_email, field: profile.email.address}}}}, ads: {{needs: {{consent: ads}}}}}}
content: {{a: {{channel: email}}, b: {{channel: email}}, c: {{channel: ads, audience: c}}}}
tracks:
{chr(10).join(tracks)}
exit: 'lead.stage == "SQL"'
"""


@st.composite
def lives(draw: st.DrawFn) -> list[Record]:
    """Records of one lead over some weeks, at any hour."""
    zone, at, told = draw(st.sampled_from(ZONES)), MONDAY, []
    for number in range(draw(st.integers(1, 12))):
        at += timedelta(hours=draw(st.integers(0, 90)), minutes=draw(st.integers(0, 59)))
        consents = {name: {**GIVEN, "given": draw(st.integers(0, 9)) > 0} for name in ("marketing_email", "ads")}
        more: dict[str, Any] = {}
        if draw(st.booleans()):
            more["activity"] = activity(kind=draw(st.sampled_from(["page", "form"])), occurred_at=at.isoformat())
        stage = draw(st.sampled_from(["raw", "IQL", "IQL", "MQL", "MQL", "SQL"]))
        told.append(
            record(
                scored(version=number + 1, stage=stage, profile={**JO, "timezone": zone, "consent": consents}, **more),
                at=at,
            )
        )
    return told


@given(documents(), lives())
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_limits_hold_nothing_is_sent_at_a_quiet_time_and_a_step_is_decided_once(text: str, life: list[Record]) -> None:
    house = House(text)
    for one in life:
        house.passes(MONDAY + timedelta(milliseconds=one.timestamp_ms - life[0].timestamp_ms))
        house.reads(one)
    house.passes(MONDAY + timedelta(days=120))
    promises.check(house.ready.doc, house.told)
    assert not house.lead().active if house.told else True


@given(documents(), lives(), st.data())
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_however_records_are_cut_into_batches_and_the_clock_looks_the_same_is_told(
    text: str, life: list[Record], data: st.DataObject
) -> None:
    """What a batch loads is all that its decisions look at, and a lead's due steps come before its next record, looked for or not."""
    one_by_one, in_batches = House(text), House(text)
    for one in life:
        one_by_one.reads_at_once(one)
    left = list(life)
    while left:
        size = data.draw(st.integers(1, len(left)))
        in_batches.reads_at_once(*left[:size])
        left = left[size:]
    for house in (one_by_one, in_batches):
        house.passes(MONDAY + timedelta(days=120))
    assert in_batches.told == one_by_one.told
    assert {key: value for key, value in in_batches.world.items() if type(key) is Stored and key.kind == "nurture"} == {
        key: value for key, value in one_by_one.world.items() if type(key) is Stored and key.kind == "nurture"
    }


@given(documents(), lives(), lives(), st.integers(0, 11))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_limits_count_over_both_since_two_leads_are_one_and_no_step_comes_twice(
    text: str, one: list[Record], other: list[Record], turn: int
) -> None:
    house = House(text)
    told: list[tuple[datetime, int, str, dict[str, Any]]] = []
    for lead_id, life in (("ld_jo", one), ("ld_old", other)):
        for number, record_ in enumerate(life):
            told.append((from_ms(record_.timestamp_ms), number, lead_id, msgspec.json.decode(record_.value)))
    told.sort(key=lambda life: life[:3])
    merge = told[turn % len(told)][0]
    absorbed = False
    for at, _, lead_id, said in told:
        if at >= merge and lead_id == "ld_jo" and not absorbed:
            said["absorbed"], absorbed, merge = ["ld_old"], True, at
        if not absorbed or lead_id == "ld_jo":
            house.passes(at)
            house.reads(record({**said, "lead_id": lead_id}, at=at))
    house.passes(MONDAY + timedelta(days=120))
    if absorbed:
        promises.check(house.ready.doc, house.told, one_since=merge)
