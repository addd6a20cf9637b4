"""Five hundred rows of the past, imported by the command line that is killed half way: each counts once, at its own time, and nobody is called."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local import stack
from deploy.local.layout import CHECKOUT, Layout
from services.console import reading
from shared.topology import CAPTURED, HANDOVER, SCORED
from tests.e2e import console
from tests.e2e.console import eventually

PEOPLE, EACH = 125, 4
BROKEN = {100: "gestern", 300: "31.02.2025 10:00"}  # row -> what stands for its time
BEGIN = datetime.fromisoformat("2025-03-01T09:00:00+01:00")
MAP = """
name: {value: webinar-attended}
occurred_at: {from: Datum, format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}
traits: {email: E-Mail, phone: Telefon, country: {value: Germany}, company: Firma}
properties: {webinar: Webinar}
consent: {marketing_email: Einwilligung}
"""


def the_file(path: Path) -> dict[int, tuple[str, datetime]]:
    """Writes it as a German Excel does: for each row that is good its person's address and its time."""
    lines, good = ["E-Mail;Telefon;Firma;Datum;Webinar;Einwilligung"], {}
    for row in range(PEOPLE * EACH):
        email, at = f"p{row % PEOPLE}@import{row % PEOPLE}.example", BEGIN + timedelta(minutes=row)
        said = BROKEN.get(row, f"{at:%d.%m.%Y %H:%M}")
        lines.append(
            f'{email};+49 30 55{row % PEOPLE:05};"Müller; Söhne";{said};Frühling {row};{"ja" if row % 2 else ""}'
        )
        if row not in BROKEN:
            good[row] = (email, at)
    path.write_bytes("\r\n".join(lines).encode("windows-1252"))
    return good


def kept(leadflow: Layout, topic: str, property_: str) -> list[dict[str, Any]]:
    """What stands on a topic of this property's events, or of its people."""
    mark = property_.encode() if topic == CAPTURED.name else b".example"
    records = asyncio.run(
        reading.kept(
            leadflow.kafka, (topic,), since_ms=0, wanted=lambda one: mark in one.value and b"@import" in one.value
        )
    )
    return [json.loads(record.value) for record in records]


def killed_half_way(leadflow: Layout, arguments: list[str], progress: Path) -> int:
    """Runs the command until 200 rows are done, and kills it; how many were done then."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LEADFLOW_")}
    with subprocess.Popen(
        [str(Path(sys.prefix) / "bin" / "leads"), *arguments, "--rate", "100"],
        env=environment | {"LEADFLOW_HOME": str(leadflow.home)},
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as running:

        def rows() -> int | None:
            assert running.poll() is None, running.stderr.read() if running.stderr else ""
            done = json.loads(progress.read_bytes())["rows"] if progress.exists() else 0
            return done if done >= 200 else None

        done = eventually(rows, what="half of the rows")
        running.send_signal(signal.SIGKILL)
    return done


@pytest.mark.timeout(300)
def test_an_import_that_is_killed_half_way_and_run_again_counts_each_row_once_at_its_own_time(
    leadflow: Layout, tmp_path: Path
) -> None:
    operator = console.of(leadflow)
    made = operator.knows("property", "add", "Old CRM")
    file, map_, key = tmp_path / "webinars.csv", tmp_path / "map.yaml", tmp_path / "key"
    good = the_file(file)
    map_.write_text(MAP)
    key.write_text(made["write_key"] + "\n")
    described: Any = stack.describe(leadflow)
    capture = described["services"]["capture"][0]["url"]
    auth = (made["write_key"], "")
    eventually(
        lambda: httpx.post(f"{capture}/v1/batch", json={"batch": []}, auth=auth).status_code == 200, what="the key"
    )
    arguments = ["import", str(file), "--property", made["property"], "--map", str(map_), "--key-file", str(key)]

    dry = operator.knows(*arguments, "--as-history", "--dry-run")
    assert (dry["encoding"], dry["delimiter"], dry["rows"], dry["not_understood"]) == ("windows-1252", ";", 500, 2)
    assert dry["first"][0]["event"]["timestamp"] == "2025-03-01T08:00:00+00:00"

    done = killed_half_way(leadflow, [*arguments, "--as-history"], file.with_name(f"{file.name}.old-crm.progress.json"))
    assert done < 500
    said = operator.knows(*arguments, "--as-history")
    assert (said["rows"], said["accepted"], said["rejected"]) == (500, 498, 2)
    rejects = [json.loads(line) for line in Path(said["rejects"]).read_text().splitlines()]
    assert [one["line"] for one in rejects] == [row + 2 for row in BROKEN]
    assert [one["row"]["Datum"] for one in rejects] == list(BROKEN.values())
    assert operator.knows(*arguments, "--as-history")["accepted"] == 498  # a third time: it is done, nothing is sent

    captured = {one["event_id"]: one for one in kept(leadflow, CAPTURED.name, made["property"])}
    assert len(captured) == 498
    times = {(one["traits"]["email"], datetime.fromisoformat(one["occurred_at"])) for one in captured.values()}
    assert times == set(good.values())
    assert Counter("consent" in one for one in captured.values()) == {True: 250, False: 248}

    def scored() -> list[dict[str, Any]] | None:
        found = kept(leadflow, SCORED.name, made["property"])
        return found if len({one["activity"]["id"] for one in found if "activity" in one}) == 498 else None

    found = eventually(scored, what="every row's activity")
    counts = Counter(one["activity"]["id"] for one in found if "activity" in one)
    assert counts.keys() == captured.keys()
    assert {one["stage"] for one in found} <= {"raw", "IQL", "MQL"}
    assert max(one["score"]["total"] for one in found) >= 100  # ready for sales, were it not long ago

    # What happens now hands over the one whom it happens to, and nobody else.
    live = {"type": "track", "event": "email-clicked", "messageId": "now", "traits": {"email": good[0][0]}}
    assert httpx.post(f"{capture}/v1/batch", json={"batch": [live]}, auth=auth).status_code == 200
    [handover] = eventually(lambda: kept(leadflow, HANDOVER.name, made["property"]), what="the handover")
    assert handover["profile"]["email"]["address"] == good[0][0]
    assert len(handover["recent_activities"]) == EACH + 1
