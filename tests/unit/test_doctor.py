"""The doctor names what is missing, says what to do about it, and fails only for what is needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.console import doctor

GIGABYTE = doctor.GIGABYTE


@pytest.mark.parametrize(
    ("said", "ok", "found"),
    [
        ('openjdk version "17.0.15" 2025-04-15', True, "17.0.15"),
        ('openjdk version "21" 2023-09-19', True, "21"),
        ('java version "1.8.0_392"', False, "1.8.0_392"),
        ('openjdk version "11.0.21" 2023-10-17', False, "11.0.21"),
        ("", False, "not found"),
    ],
)
def test_java_has_to_be_17_or_newer(said: str, ok: bool, found: str) -> None:
    finding = doctor.java(said)
    assert (finding.ok, finding.found) == (ok, found)
    assert "17" in finding.remedy


def test_python_has_to_be_3_11_or_newer() -> None:
    assert doctor.python((3, 11, 0)).ok
    assert not doctor.python((3, 10, 14)).ok


def test_maven_is_needed_until_kafkas_jars_are_there() -> None:
    assert doctor.maven(None, fetched=False).needed
    assert not doctor.maven(None, fetched=True).needed


def test_too_little_memory_or_disk_is_found() -> None:
    assert doctor.memory(3 * GIGABYTE).ok
    assert not doctor.memory(1 * GIGABYTE).ok
    assert doctor.disk(4 * GIGABYTE).ok
    assert not doctor.disk(1 * GIGABYTE).ok


def test_a_missing_browser_is_told_but_is_no_failure() -> None:
    finding = doctor.chromium(None)
    assert not finding.ok
    assert not finding.needed


def test_each_finding_that_is_not_ok_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # nothing is installed
    environ = {"LEADFLOW_HOME": str(tmp_path / "home"), "LEADFLOW_CACHE": str(tmp_path), "LEADFLOW_PG_BIN": "/nowhere"}
    assert doctor.run(as_json=True, environ=environ) == 1
    findings = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}
    missing = {name for name, finding in findings.items() if not finding["ok"]}
    assert {"Java", "Maven", "Postgres", "Chromium"} <= missing
    assert all(findings[name]["remedy"] for name in missing)


def test_a_mistake_in_the_environment_is_a_finding_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.run(environ={"LEADFLOW_KAFKA_PORT": "none"}) == 1
    assert "LEADFLOW_KAFKA_PORT" in capsys.readouterr().out


def test_a_service_that_works_in_another_way_than_it_should_is_told_and_is_no_failure() -> None:
    waits = {"ready": True, "reasons": {}, "degraded": {"spool": "12 events wait for Kafka, the oldest for 3 s"}}
    finding = doctor.service("capture-0", waits)
    assert (finding.ok, finding.needed) == (False, False)
    assert finding.found == "ready. spool: 12 events wait for Kafka, the oldest for 3 s"
    assert doctor.service("capture-0", {"ready": True, "reasons": {}}).ok


def test_a_service_that_is_not_ready_or_says_nothing_is_a_failure() -> None:
    refuses = doctor.service("capture-0", {"ready": False, "reasons": {"durability": "no spool"}})
    assert (refuses.ok, refuses.needed, refuses.found) == (False, True, "not ready. durability: no spool")
    assert not doctor.service("score-0", None).ok
