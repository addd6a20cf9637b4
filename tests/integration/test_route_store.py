"""Route's store on a real Postgres: what is saved is what is loaded, few round trips, and fairness over several numbers at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.route import main
from services.route.domain import intake
from services.route.domain.events import Due
from services.route.store import batch
from services.route.store import intake as intake_store
from shared import clock
from shared.database import CORE_MIGRATIONS, Pool
from shared.outcome import Decision
from shared.stage import Input, Record
from shared.topology import HANDOVER
from tests.integration.route import reads
from tests.integration.stores import migrated
from tests.unit.route.builders import (
    ALWAYS,
    NOON,
    Desk,
    activity,
    commanded,
    outcome_record,
    owners,
    record,
    reported,
    scored,
    two_free_owners,
)


@pytest.fixture
async def pool(store: str) -> AsyncIterator[Pool]:
    async with migrated(store, CORE_MIGRATIONS, main.MIGRATIONS, max_size=8) as made:
        yield made


async def test_a_story_in_the_store_ends_as_it_does_in_memory(pool: Pool) -> None:
    story: list[Any] = [
        commanded("contacted", payload={"occurred_at": "2026-11-27T11:59:00Z"}),
        scored("ld_jo", stage="MQL", activity=activity(name="first")),
        scored("ld_old", profile={"country": "FR"}),
        scored("ld_jo", version=2, activity=activity(name="second", occurred_at="2026-11-27T12:00:00Z")),
        scored("ld_x", profile={"country": "DE"}),
        scored("ld_jo", version=3, absorbed=["ld_old"]),
        commanded("won", payload={"amount": 12.5, "currency": "EUR", "reason": "price"}, by="sam"),
        commanded("won", handover_id="ho_ld_old_1_1", lead_id="ld_old"),
        scored("ld_new", stage="MQL"),
        scored("ld_new", version=2, absorbed=["ld_jo"]),
        commanded("accepted", handover_id="ho_ld_new_1_1", lead_id="ld_new"),
        scored("ld_x", version=2, stage="IQL"),
        scored("ld_x", version=3, episode=7),
    ]
    desk = Desk()
    told = [one if isinstance(one, Record) else record(one) for one in story]
    told = [
        msgspec.structs.replace(one, timestamp_ms=one.timestamp_ms + 1000 * number)
        for number, one in enumerate(told, start=1)
    ]
    in_memory = desk.reads(*told)
    stored = []
    for one in told:
        stored += await reads(pool, one)
    assert stored == in_memory
    for lead in [value for key, value in desk.world.items() if isinstance(key, str)]:
        async with pool.acquire() as connection:
            world = await batch.load(connection, [Input("", Due(lead.lead_id, ""), NOON, 0)])
        assert world[lead.lead_id] == lead
    rows = await pool.fetch("SELECT handover_id, lead_id, owner, state FROM handover ORDER BY handover_id")
    assert [tuple(row) for row in rows] == [
        ("ho_ld_jo_1_1", "ld_jo", "anna", "won"),
        ("ho_ld_new_1_1", "ld_new", "anna", "accepted"),
        ("ho_ld_old_1_1", "ld_old", "cleo", "withdrawn"),
        ("ho_ld_x_1_1", "ld_x", "ben", "offered"),
        ("ho_ld_x_7_1", "ld_x", "ben", "offered"),
    ]
    verdicts = await pool.fetch("SELECT verdict, count(*) FROM outcome_log GROUP BY verdict ORDER BY verdict")
    assert [tuple(row) for row in verdicts] == [("applied", 3), ("impossible", 1)]
    assert await pool.fetchval("SELECT count(*) FROM command WHERE status = 'done' AND result = 'applied'") == 3
    assert {row[0]: row[1] for row in await pool.fetch("SELECT lead_id, survivor FROM absorbed")} == {
        "ld_old": "ld_new",
        "ld_jo": "ld_new",
    }


async def test_two_batches_the_other_way_round_say_the_same_of_every_outcome(pool: Pool) -> None:
    """What stands in the store is a fold over what was said, in the order in which it happened: also where a handover that moved or
    was withdrawn, a lead only, or an attempt that never was is meant."""
    at = [NOON + timedelta(minutes=minute) for minute in range(12)]
    first: list[Record] = [
        record(scored("ld_a"), at=at[1]),
        record(scored("ld_old", profile={"country": "FR"}), at=at[1]),
        record(scored("ld_jo", stage="MQL"), at=at[1]),
        record(scored("ld_jo", version=2, absorbed=["ld_old"]), at=at[5]),
        record(scored("ld_a", version=2, absorbed=["ld_jo"]), at=at[8]),
        commanded("lost", handover_id="ho_ld_a_1_1", lead_id="ld_a", at=at[11]),
    ]
    second: list[Record] = [
        commanded("contacted", handover_id="ho_ld_a_1_1", lead_id="ld_a", at=at[9]),
        commanded("meeting", handover_id=None, lead_id="ld_old", at=at[6]),
        commanded("opportunity", handover_id="ho_ld_old_1_1", lead_id="ld_jo", at=at[9]),
        commanded("accepted", handover_id="ho_ld_old_1_1", at=at[10], payload={"occurred_at": clock.text(at[7])}),
        commanded("accepted", handover_id=None, lead_id="ld_jo", at=at[4]),
        commanded("won", handover_id="ho_ld_a_1_2", lead_id="ld_a", at=at[10]),
    ]
    found = []
    for order in ((first, second), (second, first), (second[::-1], [first[-1]], first[:-1])):
        await pool.execute("TRUNCATE lead, handover, pool_member, account, absorbed, queue, outcome_log, command")
        for one in order:
            await reads(pool, *one)
        found.append(
            [
                [tuple(row) for row in await pool.fetch(f"SELECT * FROM {table} ORDER BY 1")]
                for table in ("handover", "outcome_log", "command", "lead", "absorbed")
            ]
        )
    assert found[1] == found[0]
    assert found[2] == found[0]
    rows = await pool.fetch("SELECT handover_id, lead_id, state FROM handover ORDER BY handover_id")
    assert [tuple(row) for row in rows] == [("ho_ld_a_1_1", "ld_a", "lost"), ("ho_ld_old_1_1", "ld_jo", "withdrawn")]
    rows = await pool.fetch("SELECT outcome, handover_id, verdict FROM outcome_log ORDER BY received_at, outcome")
    assert [tuple(row) for row in rows] == [
        ("accepted", "ho_ld_old_1_1", "applied"),  # said of ld_jo, which had it a minute later
        ("meeting", "ho_ld_old_1_1", "applied"),  # said of ld_old, which was ld_jo by then
        ("contacted", "ho_ld_a_1_1", "applied"),
        ("opportunity", "ho_ld_old_1_1", "impossible"),
        ("accepted", "ho_ld_old_1_1", "late"),
        ("won", "ho_ld_a_1_2", "unknown"),
        ("lost", "ho_ld_a_1_1", "applied"),
    ]


async def test_what_waited_or_was_withdrawn_before_outcomes_were_folded_is_judged_as_well(pool: Pool) -> None:
    await reads(pool, commanded("accepted", handover_id=None), scored("ld_x"))
    await pool.execute("UPDATE outcome_log SET by_lead = false")
    await pool.execute("UPDATE handover SET state = 'withdrawn'")
    await reads(
        pool, scored(), commanded("won", handover_id="ho_ld_x_1_1", lead_id="ld_x", at=NOON + timedelta(hours=1))
    )
    rows = await pool.fetch("SELECT state, verdict FROM handover JOIN outcome_log USING (handover_id) ORDER BY state")
    assert [tuple(row) for row in rows] == [("accepted", "applied"), ("withdrawn", "impossible")]


async def test_a_batch_needs_one_round_trip_to_load_and_one_to_save_and_one_more_when_it_hands_over(pool: Pool) -> None:
    trips: list[int] = []
    await reads(pool, *(scored(f"ld_{number}", stage="MQL") for number in range(50)), trips=trips)
    await reads(pool, *(scored(f"ld_{number}", version=2) for number in range(50)), trips=trips)
    await reads(pool, *(scored(f"ld_{number}", version=3) for number in range(50)), trips=trips)
    assert trips == [1, 1, 2, 1, 1, 1]


async def test_a_handover_that_did_not_look_like_one_is_made_all_the_same(pool: Pool) -> None:
    trips: list[int] = []
    assert owners(await reads(pool, scored(previous_stage="SQL"), trips=trips)) == ["anna"]
    assert trips == [3, 1]


async def test_numbers_that_hand_over_at_once_stay_fair_at_every_moment(pool: Pool) -> None:
    by = two_free_owners()

    async def one_number(part: int) -> list[str]:
        given: list[str] = []
        for turn in range(12):
            batch_ = [scored(f"ld_{part}_{turn}_{lead}") for lead in range(1 + (part + turn) % 3)]
            given += owners(await reads(pool, *batch_, by=by, part=part))
            levels = [row["given"] for row in await pool.fetch("SELECT given FROM pool_member")]
            assert max(levels) - min(levels) <= 1
        return given

    numbers = await asyncio.gather(*(one_number(part) for part in range(4)))
    got = Counter(owner for number in numbers for owner in number)
    assert abs(got["ann"] - got["bob"]) <= 1
    assert sum(got.values()) == sum(1 + (part + turn) % 3 for part in range(4) for turn in range(12))


async def test_two_first_leads_of_one_company_in_two_numbers_at_once_get_one_owner(pool: Pool) -> None:
    for company in range(15):
        profile = {
            "country": "FR",
            "email": {"address": "a@c.example", "kind": "business", "domain": f"c{company}.example"},
        }
        written = await asyncio.gather(
            *(reads(pool, scored(f"ld_{company}_{part}", profile=profile), part=part) for part in range(4))
        )
        assert len({owners(one)[0] for one in written}) == 1


async def test_a_merge_and_a_handover_of_the_absorbed_lead_at_once_leave_one_open_handover(pool: Pool) -> None:
    for number in range(10):
        survivor, old = f"ld_s{number}", f"ld_o{number}"
        await reads(pool, scored(survivor, stage="MQL"), scored(old, stage="MQL"))
        await asyncio.gather(
            reads(pool, scored(survivor, version=2, absorbed=[old]), part=0),
            reads(pool, scored(old, version=2), part=1),
        )
        still_open = "SELECT count(*) FROM handover WHERE opened_for = ANY ($1) AND state = 'offered'"
        assert await pool.fetchval(still_open, [survivor, old]) == 1


async def test_a_handover_that_was_recalled_from_the_topic_is_kept(pool: Pool) -> None:
    (kept,) = await reads(pool, scored(profile={"country": "FR"}))
    await pool.execute("TRUNCATE lead, handover, pool_member, account")
    await pool.execute(
        "INSERT INTO recalled (stage, event_id, part, topic, type, subject, value) VALUES ('route', $1, 0, $2, $3, $4, $5)",
        kept.event_id,
        "leads.handover.v1",
        "lead.handover",
        "ld_jo",
        kept.data,
    )
    await reads(pool, scored("ld_other", profile={"country": "FR"}))  # would be the first in the pool: cleo
    (again,) = await reads(pool, scored(version=9, profile={"country": "DE"}))
    assert again == kept
    assert await pool.fetchval("SELECT owner FROM lead WHERE lead_id = 'ld_jo'") == "cleo"
    assert await pool.fetchval("SELECT given FROM pool_member WHERE member = 'cleo'") == 2


async def test_the_intake_finds_whose_a_handover_is_now(pool: Pool) -> None:
    await reads(pool, scored("ld_old"), scored("ld_jo", stage="MQL"))
    await reads(pool, scored("ld_jo", version=2, stage="MQL", absorbed=["ld_old"]))
    said = [
        reported(handover_id="ho_ld_old_1_1"),
        {"outcome": "won", "lead_id": "ld_old"},
        reported(handover_id="ho_ld_far_1_1"),
    ]
    inputs = [intake.decode(outcome_record(one, offset=number)) for number, one in enumerate(said)]
    async with pool.acquire() as connection, connection.transaction():
        world = await intake_store.load(connection, [one for one in inputs if isinstance(one, Input)])
    decisions = [intake.decide(world, one) for one in inputs if isinstance(one, Input)]
    assert [one.emit[0].key for one in decisions if isinstance(one, Decision)] == ["ld_jo", "ld_jo", "ld_far"]


def test_the_wiring_holds_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    route, intake_stage, webhooks_stage = main.stages(main.routings_in(ALWAYS))
    assert (route.name, route.same_part, intake_stage.name, intake_stage.same_part) == ("route", True, "intake", False)
    assert (webhooks_stage.name, webhooks_stage.reads) == ("webhooks", (HANDOVER,))
    bad = tmp_path / "routing.yaml"
    bad.write_text("format: 1\nowners: []\nid: x\nrules: []\ndeadlines: {}\n")
    with pytest.raises(SystemExit):
        main.routings_in(bad)
    with pytest.raises(SystemExit):
        main.routings_in(tmp_path / "none.yaml")
    said = capsys.readouterr().err
    assert f"{bad}:2:9: owners is empty: somebody must get the leads" in said
    assert "No such file" in said
