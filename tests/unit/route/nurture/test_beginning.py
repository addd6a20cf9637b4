"""A lead that nurture first hears of begins by the short way as it does by the long one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.route.domain.decode import decode
from services.route.domain.nurture import decide
from services.route.domain.nurture.ready import Ready
from shared.stage import Input
from tests.unit.route.builders import record, scored
from tests.unit.route.nurture.builders import JO, MONDAY, ready, shipped

SEND_FIRST = shipped().replace("      - {wait: 1d}\n", "")
BY_PROFILE = shipped().replace('lead.stage == "MQL"\'', 'lead.stage == "MQL" && profile.country == "DE"\'')
NO_EXIT = shipped().replace('exit: \'lead.stage in ["SQL", "customer", "disqualified"]\'', "")
OFTEN = shipped().replace('lead.stage == "MQL"\'', 'lead.stage == "MQL" && lead.episodes > 1\'')


@given(
    st.sampled_from([shipped(), BY_PROFILE, NO_EXIT, OFTEN, SEND_FIRST]),
    st.sampled_from(["raw", "IQL", "MQL", "SQL", "customer", "no-such"]),
    st.sampled_from([None, 0, 1, 2]),
    st.sampled_from([JO, {**JO, "country": "DE"}, {**JO, "test": True}]),
    st.sampled_from([[], ["hot"]]),
)
def test_the_short_way_begins_what_the_long_one_does(
    text: str, stage: str, episode: int | None, profile: dict[str, object], segments: list[str]
) -> None:
    by_short = _begins(text, stage, episode, profile, segments)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Ready, "begun", lambda *_: None)
        by_long = _begins(text, stage, episode, profile, segments)
    assert by_short == by_long


def test_the_short_way_is_taken_under_the_shipped_document() -> None:
    assert [one.track for one in ready().begun("IQL", 0) or ()] == ["iql-welcome"]
    assert ready().begun("SQL", 1) == ()
    assert ready(BY_PROFILE).begun("MQL", 0) is None
    assert ready(SEND_FIRST).begun("MQL", 0) is None


def _begins(text: str, stage: str, episode: int | None, profile: dict[str, object], segments: list[str]) -> object:
    value = scored("ld_jo", version=1, stage=stage, profile=profile, segments=segments, episode=episode)
    input_ = decode(record(value, at=MONDAY))
    assert isinstance(input_, Input)
    nothing_suppressed: dict[object, object] = {("suppressed", "ld_jo"): ()}
    done = decide.on_scored(ready(text), nothing_suppressed, input_.event, now=MONDAY, part=3)
    return (done.changes, done.emit) if done is not None else None
