"""An import that is killed and run again, and a door that is not always open: nothing is left out, nothing is sent under a second id."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.console import mapfile
from services.console.importing import rows, run
from services.console.importing.door import Door
from services.console.importing.progress import Kept
from services.console.where import Trouble

MAP = {"name": {"value": "old"}, "traits": {"email": "mail"}}


class Capture:
    """A door that takes everything but what names `bad`, and remembers it; `refuses` are answers to give first."""

    def __init__(self) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.refuses: list[httpx.Response | Exception] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.refuses:
            refusal = self.refuses.pop(0)
            if isinstance(refusal, Exception):
                raise refusal
            return refusal
        batch = json.loads(request.content)["batch"]
        self.batches.append(batch)
        bad = [index for index, one in enumerate(batch) if one["traits"]["email"] == "bad"]
        rejected = [{"index": n, "reason": "invalid", "detail": "No.", "pointer": f"/batch/{n}/traits"} for n in bad]
        return httpx.Response(200, json={"success": True, "accepted": [], "rejected": rejected})

    def ids(self) -> list[str]:
        return [one["messageId"] for batch in self.batches for one in batch]


class Import:
    """One file, one map, one door, and time that passes when somebody sleeps."""

    def __init__(self, home: Path) -> None:
        self.file = home / "leads.csv"
        self.map = home / "map.json"
        self.map.write_text(json.dumps(MAP))
        self.capture = Capture()
        self.now = 0.0
        self.waits: list[str | None] = []

    def write(self, *mails: str) -> None:
        self.file.write_text("\n".join(["mail", *mails]))

    def run(self, told: Callable[[Any], None] = lambda _: None, *, rate: float = 1e9) -> Kept:
        table = rows.look(self.file)
        field_map = run.load_map(self.map, table)
        kept = Kept(
            progress=self.file.with_suffix(".progress"),
            rejects=self.file.with_suffix(".rejects"),
            what=run.fingerprint(table, self.map, "shop", as_history=False),
        )
        try:
            run.send_all(table, field_map, kept, self.door(rate), as_history=False, told=told)
        finally:
            kept.close()
        return kept

    def door(self, rate: float) -> Door:
        def sleep(seconds: float) -> None:
            self.now += seconds

        return Door(
            url="http://capture",
            key="wk_1",
            rows_per_second=rate,
            told=self.waits.append,
            sleep=sleep,
            clock=lambda: self.now,
            transport=httpx.MockTransport(self.capture.answer),
        )

    def rejects(self) -> list[tuple[int, list[str]]]:
        lines = self.file.with_suffix(".rejects").read_text().splitlines()
        return [(said["line"], said["reasons"]) for said in map(json.loads, lines)]


@pytest.fixture
def importing(tmp_path: Path) -> Import:
    return Import(tmp_path)


MAILS = [f"p{number}@acme.example" for number in range(250)]


def test_every_row_is_sent_once_in_batches(importing: Import) -> None:
    importing.write(*MAILS)
    done = importing.run().progress
    assert (done.rows, done.accepted, done.rejected, done.done) == (250, 250, 0, True)
    assert [len(batch) for batch in importing.capture.batches] == [100, 100, 50]
    assert len(set(importing.capture.ids())) == 250
    assert not importing.file.with_suffix(".rejects").exists()


class Killed(BaseException):
    pass


@pytest.mark.parametrize("at", ["after the answer", "after the save"])
def test_an_import_that_is_killed_goes_on_where_it_was_and_repeats_under_the_same_ids(
    importing: Import, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    importing.write("", "bad", *MAILS, "", "bad", "x,y")

    def die(*_: Any) -> None:
        raise Killed

    if at == "after the answer":
        monkeypatch.setattr(Kept, "save", die)
    with pytest.raises(Killed):
        importing.run(told=die)
    monkeypatch.undo()
    done = importing.run().progress
    assert (done.rows, done.accepted, done.rejected) == (253, 250, 3)
    assert len(importing.capture.ids()) == 252 + (100 if at == "after the answer" else 0)
    assert len(set(importing.capture.ids())) == 251  # both bad rows say the same
    assert importing.rejects() == [
        (3, ["traits: invalid: No."]),
        (255, ["traits: invalid: No."]),
        (256, ["the row has 2 fields, the header 1"]),
    ]


def test_another_map_begins_anew(importing: Import) -> None:
    importing.write("bad", "jo@acme.example")
    assert importing.run().progress.rejected == 1
    importing.map.write_text(json.dumps({**MAP, "properties": {"from": {"value": "crm"}}}))
    kept = importing.run()
    assert (kept.begins_anew, kept.progress.rows, kept.progress.rejected) == (True, 2, 1)
    assert len(set(importing.capture.ids())) == 2


def test_no_more_rows_a_second_are_sent_than_asked(importing: Import) -> None:
    importing.write(*MAILS)
    importing.run(rate=10)
    assert importing.now == pytest.approx(20)


def test_it_waits_as_long_as_capture_says_and_sends_the_same_again(importing: Import) -> None:
    importing.write("jo@acme.example")
    importing.capture.refuses = [
        httpx.Response(429, headers={"retry-after": "7"}),
        httpx.Response(503, headers={"retry-after": "5"}),
        httpx.ConnectError("away"),
    ]
    assert importing.run().progress.accepted == 1
    assert importing.now == pytest.approx(7 + 5 + 2)
    assert importing.waits == [
        "capture says 429; again in 7 s",
        "capture says 503; again in 5 s",
        "capture gives no answer (ConnectError); again in 2 s",
        None,
    ]


def test_a_door_that_stays_shut_ends_the_import_and_what_was_done_is_remembered(importing: Import) -> None:
    importing.write(*MAILS)

    def shut(_: Any) -> None:
        importing.capture.refuses = [httpx.ConnectError("away") for _ in range(1000)]

    with pytest.raises(Trouble, match="10 minutes"):
        importing.run(told=shut)
    importing.capture.refuses = []
    assert importing.run().progress.accepted == 250
    assert len(importing.capture.ids()) == 250


def test_a_quota_that_is_used_up_ends_it_at_once_and_says_for_how_long(importing: Import) -> None:
    importing.write(*MAILS)
    problem = {"detail": "The quota of the day is used up."}
    importing.capture.refuses = [httpx.Response(429, headers={"retry-after": "36000"}, json=problem)]
    with pytest.raises(Trouble, match=r"quota of the day is used up\..* in 10\.0 hours"):
        importing.run()
    assert importing.now == 0


def test_a_key_that_is_not_taken_ends_it_at_once(importing: Import) -> None:
    importing.write(*MAILS)
    importing.capture.refuses = [httpx.Response(401, json={"detail": "No property has this write key."})]
    with pytest.raises(Trouble, match="No property has this write key"):
        importing.run()


def test_a_map_in_yaml_is_told_its_line_and_shows_nothing_of_it(tmp_path: Path) -> None:
    file = tmp_path / "map.yaml"
    file.write_text("traits:\n  email: mail\n  phone: {hush\n")
    with pytest.raises(Trouble, match=r"line 4, is neither JSON nor YAML") as told:
        mapfile.decoded(file)
    assert "hush" not in str(told.value)


def test_a_map_that_can_not_be_read_is_told(importing: Import) -> None:
    importing.write("x")
    importing.map.write_text('{"id": {"value": "hush"}, ')
    with pytest.raises(Trouble, match="is not JSON") as told:
        importing.run()
    assert "hush" not in str(told.value)
    importing.map.write_text(json.dumps({"traits": {"email": "e-mail"}}))
    with pytest.raises(Trouble, match="no column 'e-mail'"):
        importing.run()
