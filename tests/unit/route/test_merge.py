"""Two leads turn out to be one person: one owner stays, the other is told."""

from __future__ import annotations

import msgspec

from services.route.domain.events import withdrawal_event
from services.route.domain.lifecycle import State
from services.route.domain.state import Key
from shared.contracts import HandoverWithdrawn
from tests.unit.route.builders import Desk, commanded, handover, owners, scored

DACH = {"country": "DE"}
WORLD = {"country": "FR"}


def test_the_survivor_s_owner_stays_and_the_other_is_told() -> None:
    desk = Desk()
    desk.reads(scored("ld_jo", profile=DACH), scored("ld_old", profile=WORLD))
    (written,) = desk.reads(scored("ld_jo", version=2, absorbed=["ld_old"], profile=DACH))
    assert (written.key, written.type) == ("ld_jo", "lead.handover.withdrawn")
    told = written.data
    assert isinstance(told, HandoverWithdrawn)
    assert (told.handover_id, told.lead_id, told.owner.id) == ("ho_ld_old_1_1", "ld_old", "cleo")
    assert told.because == "merged into ld_jo"
    assert desk.handover("ho_ld_old_1_1").state is State.WITHDRAWN
    assert desk.handover().state is State.OFFERED
    assert desk.lead().owner == "anna"


def test_the_absorbed_lead_s_handover_moves_over_when_the_survivor_has_none() -> None:
    desk = Desk()
    desk.reads(scored("ld_jo", stage="MQL"), scored("ld_old", profile=WORLD))
    assert desk.reads(scored("ld_jo", version=2, absorbed=["ld_old"], profile=DACH)) == []
    moved = desk.handover("ho_ld_old_1_1")
    assert (moved.lead_id, moved.owner, moved.state) == ("ld_jo", "cleo", State.OFFERED)
    assert desk.lead().owner == "cleo"
    desk.reads(scored("ld_jo", version=3, stage="MQL"))
    assert owners(desk.reads(scored("ld_jo", version=4, profile=DACH))) == ["cleo"]


def test_only_the_newest_of_several_moves_over() -> None:
    desk = Desk()
    desk.reads(scored("ld_a", profile=WORLD), scored("ld_b", profile=WORLD), scored("ld_jo", stage="MQL"))
    written = desk.reads(scored("ld_jo", version=2, stage="MQL", absorbed=["ld_a", "ld_b"]))
    assert [msgspec.to_builtins(one.data)["handover_id"] for one in written] == ["ho_ld_a_1_1"]
    assert desk.handover("ho_ld_b_1_1").lead_id == "ld_jo"


def test_a_merge_that_is_told_again_changes_nothing() -> None:
    desk = Desk()
    desk.reads(scored("ld_jo"), scored("ld_old"), scored("ld_jo", version=2, absorbed=["ld_old"]))
    assert desk.reads(scored("ld_jo", version=3, absorbed=["ld_old"])) == []


def test_a_closed_handover_stays_where_it_was() -> None:
    desk = Desk()
    desk.reads(scored("ld_old"), commanded("won", handover_id="ho_ld_old_1_1", lead_id="ld_old"))
    desk.reads(scored("ld_jo", stage="MQL"), scored("ld_jo", version=2, stage="MQL", absorbed=["ld_old"]))
    assert desk.handover("ho_ld_old_1_1").state is State.WON
    assert desk.lead().owner == "anna"  # and whoever knows the person keeps the person


def test_a_record_of_an_absorbed_lead_opens_nothing() -> None:
    desk = Desk()
    desk.reads(scored("ld_jo", stage="MQL", absorbed=["ld_old"]))
    assert desk.reads(scored("ld_old")) == []


def test_merges_of_merges_lead_to_the_last_survivor() -> None:
    desk = Desk()
    desk.reads(scored("ld_b", stage="MQL", absorbed=["ld_a"]), scored("ld_jo", stage="MQL", absorbed=["ld_b"]))
    assert desk.world[Key("absorbed", "ld_a")] == desk.world[Key("absorbed", "ld_b")] == "ld_jo"


def test_an_outcome_of_a_handover_that_moved_over_finds_it() -> None:
    desk = Desk()
    desk.reads(scored("ld_old"), scored("ld_jo", stage="MQL"), scored("ld_jo", version=2, absorbed=["ld_old"]))
    desk.reads(commanded("accepted", handover_id="ho_ld_old_1_1", lead_id="ld_old"))
    assert desk.handover("ho_ld_old_1_1").state is State.ACCEPTED


def test_what_was_said_of_the_absorbed_lead_before_any_handover_is_applied_to_the_survivor_s() -> None:
    desk = Desk()
    desk.reads(commanded("accepted", handover_id=None, lead_id="ld_old"))
    desk.reads(scored("ld_jo", stage="MQL", absorbed=["ld_old"]), scored("ld_jo", version=2))
    assert desk.handover().state is State.ACCEPTED


def test_a_queued_lead_that_is_absorbed_leaves_the_queue() -> None:
    desk = Desk()
    desk.reads(scored("ld_old", stage="MQL"))
    desk.world["ld_old"] = msgspec.structs.replace(desk.lead("ld_old"), queued=True)
    desk.reads(scored("ld_jo", stage="MQL", absorbed=["ld_old"]))
    assert desk.world[Key("queue", "ld_old")] is None


def test_a_rebuild_that_meets_the_merge_first_keeps_the_absorbed_lead_s_handover() -> None:
    desk = Desk()
    (kept,) = desk.reads(scored("ld_old", profile=WORLD))
    for was_withdrawn in (False, True):
        again = Desk()
        again.world[Key("recalled", kept.event_id)] = kept.data
        if was_withdrawn:
            again.world[Key("recalled", withdrawal_event("ho_ld_old_1_1"))] = b'{"at": "2026-11-27T12:00:01Z"}'
        again.reads(scored("ld_jo", stage="MQL", absorbed=["ld_old"]), scored("ld_old", profile=WORLD))
        found = again.handover("ho_ld_old_1_1")
        assert (found.state is State.WITHDRAWN) is was_withdrawn
        assert found.lead_id == ("ld_old" if was_withdrawn else "ld_jo")
    assert handover(kept).owner.id == "cleo"


def test_a_lead_that_is_itself_again_is_handed_over_anew_and_the_open_handover_stays_with_one() -> None:
    desk = Desk()
    desk.reads(scored("ld_jo", stage="MQL"), scored("ld_old", profile=WORLD, episode=1))
    desk.reads(scored("ld_jo", version=2, stage="MQL", absorbed=["ld_old"], profile=DACH))
    assert desk.handover("ho_ld_old_1_1").lead_id == "ld_jo"

    assert desk.reads(scored("ld_jo", version=3, stage="MQL", restored=["ld_old"])) == []
    assert desk.handover("ho_ld_old_1_1").state is State.OFFERED
    assert desk.handover("ho_ld_old_1_1").lead_id == "ld_jo"
    assert desk.reads(scored("ld_old", version=2, stage="raw", episode=1)) == []
    assert len(owners(desk.reads(scored("ld_old", version=3, profile=WORLD, episode=2)))) == 1

    desk.reads(scored("ld_jo", version=4, stage="MQL", absorbed=["ld_old"]))
    assert desk.world[Key("absorbed", "ld_old")] == "ld_jo"


def test_a_release_that_comes_late_does_not_take_a_lead_from_the_third_that_it_became_since() -> None:
    desk = Desk()
    desk.reads(scored("ld_old", stage="MQL"), scored("ld_jo", stage="MQL", absorbed=["ld_old"]))
    desk.reads(scored("ld_cy", stage="MQL", absorbed=["ld_old"]))  # of another number, which is ahead
    desk.reads(scored("ld_jo", version=2, stage="MQL", restored=["ld_old"]))
    assert desk.world[Key("absorbed", "ld_old")] == "ld_cy"
    assert desk.lead("ld_jo").absorbed == ""
    assert desk.reads(scored("ld_old", version=9)) == []
