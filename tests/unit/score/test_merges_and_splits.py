"""What a merge and a split do to a lead's score, in any order of versions."""

from __future__ import annotations

from tests.unit.score.builders import (
    NOON,
    Desk,
    activity_id,
    an_activity,
    days,
    enriched,
    in_sql,
    outcome,
    rules_of,
)


def test_an_absorbed_lead_is_emptied_and_nothing_of_it_is_said_any_more() -> None:
    desk = in_sql()
    merged = {"event_id": enriched({})["event_id"], "survivor": "ld_new", "absorbed": "ld_jo", "because": "same mail"}
    assert desk.tell(merged, type_="lead.merged") is None
    assert desk.tell(enriched(an_activity(8))) is None
    assert desk.tell(outcome("won"), type_="lead.command") is None
    lead = desk.leads["ld_jo"]
    assert (lead.profile, lead.state.absorbed_into, lead.state.tally.rules) == (b"", "ld_new", {})


def test_a_merge_that_a_split_has_undone_already_does_not_end_the_lead_when_it_is_told_late() -> None:
    """Two instances of enrich: the one that merged was killed before it told of it, the other one split them again."""
    desk = Desk()
    desk.tell(enriched(an_activity(1), profile_version=5))
    merged = {
        "event_id": activity_id(90),
        "survivor": "ld_al",
        "absorbed": "ld_jo",
        "because": "",
        "profile_version": 3,
    }
    assert desk.tell(merged, type_="lead.merged") is None
    scored = desk.tell(enriched(an_activity(2), profile_version=6))
    assert scored is not None
    desk.tell({**merged, "event_id": activity_id(91), "profile_version": 7}, type_="lead.merged")
    assert desk.leads["ld_jo"].state.absorbed_into == "ld_al"


def test_a_merge_sends_everything_again_and_the_survivor_names_whom_it_absorbed_from_then_on() -> None:
    desk = Desk()
    desk.tell(enriched(an_activity(2, at=NOON), lead_id="ld_a"))
    desk.tell(enriched(an_activity(1, at=NOON - days(3), revision=1), lead_id="ld_a", joined=["ld_b"]))
    scored = desk.tell(enriched(an_activity(3, at=NOON + days(1)), lead_id="ld_a", joined=["ld_b", "ld_c", "ld_a"]))
    assert scored is not None
    assert (scored.absorbed, rules_of(scored)["contact"]) == (["ld_b", "ld_c"], 180)


def test_a_split_takes_the_points_off_the_lead_and_gives_them_back_to_the_one_that_is_restored() -> None:
    desk = Desk()
    alone = desk.tell(enriched(an_activity(1, at=NOON - days(2)), lead_id="ld_a"))
    before = desk.tell(enriched(an_activity(2, at=NOON - days(1)), lead_id="ld_b"))
    merged = {"event_id": activity_id(90), "survivor": "ld_a", "absorbed": "ld_b", "because": "an operator ruled so"}
    desk.tell(merged, type_="lead.merged")
    both = desk.tell(enriched(an_activity(2, at=NOON - days(1), revision=1), lead_id="ld_a", joined=["ld_b"]))
    assert desk.tell(enriched(an_activity(2, at=NOON - days(1), revision=1), lead_id="ld_b")) is None

    gone = an_activity(2, at=NOON - days(1), revision=2, withdrawn=True)
    left = desk.tell(enriched(gone, lead_id="ld_a", profile_version=2, restored=["ld_b"]))
    split = {"event_id": activity_id(91), "lead_id": "ld_a", "restored": "ld_b"}
    desk.tell(split, type_="lead.split")
    back = desk.tell(enriched(an_activity(2, at=NOON - days(1), revision=2), lead_id="ld_b", profile_version=9))

    assert alone is not None
    assert before is not None
    assert both is not None
    assert left is not None
    assert back is not None
    assert both.score.total > alone.score.total == left.score.total
    assert back.score == before.score
    assert (both.absorbed, left.absorbed) == (["ld_b"], None)
    assert back.score_version > before.score_version


def _turned(type_: str, number: int, version: int | None) -> tuple[dict[str, object], str]:
    """A merge of ld_jo, or the split that undoes it, in this profile version."""
    named = {"survivor": "ld_al", "absorbed": "ld_jo", "because": ""}
    if type_ == "lead.split":
        named = {"lead_id": "ld_al", "restored": "ld_jo"}
    return {"event_id": activity_id(number), "profile_version": version, **named}, type_


def test_a_split_that_is_told_late_does_not_revive_a_lead_that_was_merged_again() -> None:
    desk = Desk()
    desk.tell(enriched(an_activity(1), profile_version=2))
    for turn in (_turned("lead.merged", 90, 3), _turned("lead.merged", 92, 7), _turned("lead.split", 91, 5)):
        value, type_ = turn
        assert desk.tell(value, type_=type_) is None
    assert desk.leads["ld_jo"].state.absorbed_into == "ld_al"
    assert desk.tell(enriched(an_activity(1, revision=2), profile_version=6)) is None
    value, type_ = _turned("lead.split", 93, 9)
    desk.tell(value, type_=type_)
    value, type_ = _turned("lead.merged", 94, 8)
    desk.tell(value, type_=type_)
    assert desk.leads["ld_jo"].state.absorbed_into is None


def test_what_comes_after_a_split_counts_though_it_comes_before_it() -> None:
    """The next event of the lead may come by another number of enrich than the split that gave it back."""
    told = []
    for late in (False, True):
        desk = Desk()
        desk.tell(enriched(an_activity(1), profile_version=2))
        desk.tell(*_turned("lead.merged", 90, 3)[:1], type_="lead.merged")
        split, again = _turned("lead.split", 91, 5)[0], enriched(an_activity(1, revision=3), profile_version=6)
        newer = enriched(an_activity(2, at=NOON + days(1)), profile_version=8)
        for value, type_ in ((newer, "lead.enriched"), (split, "lead.split"), (again, "lead.enriched")) if late else (
            (split, "lead.split"), (again, "lead.enriched"), (newer, "lead.enriched"),
        ):  # fmt: skip
            last = desk.tell(value, type_=type_, now=NOON + days(2)) or None
        assert last is not None
        told.append((last.score, last.episode, last.stage))
    assert told[0] == told[1]
