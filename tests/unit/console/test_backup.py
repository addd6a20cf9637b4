"""Whether a backup may be restored: every reason against it is told, and a manifest that was tampered with is none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.console.backup import manifest
from services.console.backup.manifest import Manifest, NoManifest, Stored
from tests.unit.console.builders import NOON

STORED = Stored(
    file="score.dump",
    bytes=10,
    sha256="00",
    role="score",
    server="18.4",
    made_at=NOON,
    migrations={"shared/0001_core.sql": "aa", "score/0001_lead.sql": "bb"},
)


def against(**more: Any) -> list[str]:
    here: dict[str, Any] = {"role": "score", "server": "18.4", "migrations": dict(STORED.migrations), "users": []}
    return manifest.why_not(STORED, service="score", **here | more)


def test_nothing_is_against_the_same_version_and_a_later_one() -> None:
    assert against() == []
    assert against(migrations=STORED.migrations | {"score/0002_more.sql": "cc"}, server="19.0") == []


@pytest.mark.parametrize(
    ("here", "said"),
    [
        ({"users": ["1", "2"]}, "leads stack stop score"),
        ({"migrations": {"shared/0001_core.sql": "aa"}}, "later version"),
        ({"migrations": {**STORED.migrations, "score/0001_lead.sql": "other"}}, "score/0001_lead.sql has another text"),
        ({"role": "somebody"}, "role score"),
        ({"server": "16.14"}, "PostgreSQL 18.4"),
    ],
)
def test_each_reason_against_is_a_sentence(here: dict[str, Any], said: str) -> None:
    (found,) = against(**here)
    assert said in found


def test_all_reasons_are_told_at_once() -> None:
    assert len(against(users=["1"], migrations={}, role="x", server="9.6")) == 4


def test_a_manifest_is_read_as_it_was_written() -> None:
    made = Manifest(format=manifest.FORMAT, stores={"score": STORED})
    assert manifest.decode(manifest.encode(made)) == made


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{}",
        b"\xff",
        manifest.encode(Manifest(format=99, stores={})),
        manifest.encode(Manifest(format=1, stores={"score": msgspec.structs.replace(STORED, file="../score.dump")})),
        manifest.encode(Manifest(format=1, stores={"score": msgspec.structs.replace(STORED, file="..")})),
    ],
)
def test_what_is_no_manifest_of_ours_is_refused(value: bytes) -> None:
    with pytest.raises(NoManifest):
        manifest.decode(value)
