"""The delivery core and its records: poison, repeats, dead letters, the reject limit, timers, rebuild."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator

import httpx
import pytest
from aiokafka.producer import message_accumulator
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from shared import ids
from shared.message import Message
from tests.core.driver import PARTITIONS, Drive, counts, event_id


@pytest.fixture
async def drive(kafka: str, store: str, prefix: str) -> AsyncIterator[Drive]:
    made = Drive(kafka, store, prefix)
    await made.prepare()
    yield made
    await made.close()


async def test_one_bad_record_never_stops_loses_or_delays_the_others(drive: Drive) -> None:
    bad = [{"key": "k0", "do": do, "event_id": event_id(do)} for do in ("raise", "reject", "refuse", "big")]
    bad.append({"key": "k\x00", "event_id": event_id("a key that can't even be asked for")})
    good = [{"key": f"k{k % 12}"} for k in range(300)]
    await drive.add([*good[:100], *bad[:2], *good[100:200], *bad[2:], *good[200:]], raw=[b"\x00\xff{", b""])
    await drive.start()
    await drive.until_counted(300)
    dead = await drive.until_dead(7)
    assert sorted(one["reason"] for one in dead) == [
        "decide-failed",
        "invalid",
        "refused-by-store",
        "refused-by-store",
        "too-large",
        "undecodable",
        "undecodable",
    ]
    by_reason = {one["reason"]: one for one in dead}
    assert by_reason["decide-failed"]["detail"] == "KeyError"
    assert {one["detail"] for one in dead if one["reason"] == "refused-by-store"} == {"23514", "22021"}
    garbage = next(one for one in dead if b64decode(one["value"]) == b"\x00\xff{")
    assert b64decode(garbage["key"]) == b"garbage"
    assert [(name, b64decode(value)) for name, value in garbage["headers"]] == [("x-from", b"test")]
    place = garbage["place"]
    assert garbage["event_id"] == ids.dead_id(drive.stage_name, place["topic"], place["partition"], place["offset"])


async def test_a_header_name_that_is_no_text_stops_nobody(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    class Name(str):
        def encode(self, *_: object) -> bytes:
            return b"na\xffme"

    monkeypatch.setattr(message_accumulator, "DefaultRecordBatchBuilder", _DefaultRecordBatchBuilderPy)
    await drive.add([{"key": f"k{k}"} for k in range(50)])
    await drive.emitter.send([Message(drive.reads.name, 0, b"k", b"garbage", [(Name("name"), b"v")], "")])
    await drive.add([{"key": f"k{k}"} for k in range(50)])
    await drive.start()
    await drive.until_counted(100)
    (dead,) = await drive.until_dead(1)
    assert [(name, b64decode(value)) for name, value in dead["headers"]] == [("na\\xffme", b"v")]


async def test_a_rejected_record_can_be_replayed_under_its_own_id(drive: Drive) -> None:
    """A reject makes no inbox entry: what is mended and sent again counts."""
    await drive.add([{"key": "k1", "do": "reject", "event_id": event_id("again")}])
    await drive.start()
    await drive.until_dead(1)
    await drive.add([{"key": "k1", "event_id": event_id("again")}])
    await drive.until_counted(1)
    await drive.add([{"key": "k1", "event_id": event_id("again")}, {"key": "k1"}])
    await drive.until_counted(2)
    assert (await drive.rows())["k1"]["count"] == 2


async def test_too_many_failures_of_our_own_code_stop_the_stage_until_an_operator_accepts(drive: Drive) -> None:
    await drive.start()
    await drive.ready()
    await drive.add([{"key": "k0", "do": "raise"} for _ in range(700)])
    part = ids.partition(b"k0", PARTITIONS)
    url = f"http://127.0.0.1:{drive.ports['tally-0']}"
    async with httpx.AsyncClient() as client, asyncio.timeout(30):
        while True:
            answer = await client.get(f"{url}/readyz")
            if answer.status_code == 503 and "leads dead accept" in answer.text:
                break
            await asyncio.sleep(0.2)
        assert len(await drive.dead()) <= 500
        wanted = {"stage": drive.stage_name, "topic": drive.reads.name, "part": part, "until_offset": 700}
        refused = await client.post(f"{url}/v1/dead/accept", json=wanted)
        assert refused.status_code == 401
        accepted = await client.post(
            f"{url}/v1/dead/accept", json=wanted, headers={"Authorization": "Bearer " + "t" * 32}
        )
        assert accepted.status_code == 200
    await drive.add([{"key": "k0"}])
    await drive.until_counted(1)
    assert len(await drive.until_dead(700)) == 700


async def test_garbage_from_outside_never_stops_the_stage(drive: Drive) -> None:
    await drive.start()
    await drive.add([], raw=[b"garbage %d" % k for k in range(1500)])
    await drive.add([{"key": "k0"}])
    await drive.until_counted(1)
    assert len(await drive.until_dead(1500)) == 1500


async def test_a_timer_rings_once_over_a_kill_and_before_later_records(drive: Drive) -> None:
    await drive.start()
    await drive.ready()
    await drive.add([{"key": f"k{k}", "ring_in_ms": 1500} for k in range(40)])
    await drive.until_counted(40)
    await drive.kill()
    await drive.start()
    async with asyncio.timeout(30):
        while sum(row["rings"] for row in (await drive.rows()).values()) < 40:
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    await drive.until_idle()
    rang = [one for one in await drive.told(drive.sums.name) if one["ce"]["ce_type"] == b"tally.rang"]
    assert len({one["event_id"] for one in rang}) == 40
    assert all(row["rings"] == 1 and row["due_at"] is None for row in (await drive.rows()).values())


async def test_an_empty_store_is_rebuilt_from_the_topics_and_nothing_is_told_again(drive: Drive) -> None:
    await drive.start()
    await drive.add([{"event_id": event_id(str(k)), "key": f"k{k % 12}"} for k in range(400)], raw=[b"garbage"])
    await drive.until_counted(400)
    await drive.until_idle()
    before = {key: tuple(row) for key, row in (await drive.rows()).items()}
    inbox = await drive.fetch("SELECT * FROM inbox ORDER BY 1, 2")
    told = [await drive.told(topic) for topic in (drive.sums.name, drive.tens.name)]
    dead = await drive.until_dead(1)
    await drive.kill(sign=15)
    await drive.fetch("DROP SCHEMA public CASCADE")
    await drive.fetch("CREATE SCHEMA public")
    await drive.start()
    await drive.until_counted(400)
    await drive.add([{"key": "after"}])
    await drive.until_counted(401)
    await drive.until_idle()
    rows = await drive.rows()
    del rows["after"]
    assert {key: tuple(row) for key, row in rows.items()} == before
    again = await drive.fetch("SELECT * FROM inbox ORDER BY 1, 2")
    assert {tuple(row) for row in inbox} < {tuple(row) for row in again}
    assert len(await drive.told(drive.sums.name)) == len(told[0]) + 1
    assert len(await drive.told(drive.tens.name)) == len(told[1])
    assert await drive.dead() == dead
    async with asyncio.timeout(10):
        while await drive.fetch("SELECT 1 FROM recalled"):
            await asyncio.sleep(0.2)


async def test_a_store_restored_from_before_the_last_batches_hands_nothing_over_again(drive: Drive) -> None:
    await drive.start()
    await drive.add([{"event_id": event_id(str(k)), "key": f"k{k % 3}"} for k in range(60)])
    await drive.until_counted(60)
    await drive.until_idle()
    await drive.kill(sign=15)
    backup = [await drive.fetch(f"SELECT * FROM {table}") for table in ("tally", "inbox", "cursor")]
    await drive.start()
    await drive.add([{"event_id": event_id(str(k)), "key": f"k{k % 3}"} for k in range(60, 120)])
    await drive.until_counted(120)
    await drive.until_idle()
    await drive.kill(sign=15)
    tens = counts(await drive.told(drive.tens.name))
    for table, rows in zip(("tally", "inbox", "cursor"), backup, strict=True):
        await drive.fetch(f"DELETE FROM {table}")
        for row in rows:
            marks = ", ".join(f"${k + 1}" for k in range(len(row)))
            await drive.fetch(f"INSERT INTO {table} VALUES ({marks})", *row.values())
    await drive.start()
    await drive.until_counted(120)
    await drive.until_idle()
    await asyncio.sleep(1)
    assert counts(await drive.told(drive.tens.name)) == tens
    assert max(tens.values()) == 1


async def test_one_event_id_on_two_numbers_at_once_is_told_of_as_counted_meanwhile(drive: Drive) -> None:
    """The inbox is one for the whole store: the second to commit sees the first and drops the repeat."""
    await drive.start("tally-0")
    await drive.start("tally-1")
    await drive.ready("tally-0")
    await drive.ready("tally-1")
    event = {"event_id": event_id("twice"), "key": "k1", "n": 1}
    import msgspec

    for _ in range(20):
        await drive.emitter.send(
            [Message(drive.reads.name, part, b"k", msgspec.json.encode(event), [], "") for part in range(PARTITIONS)]
        )
    await drive.until_counted(1)
    await asyncio.sleep(1)
    assert (await drive.rows())["k1"]["count"] == 1
