"""The operator's database of addresses: what is read of it, and how its absence and its mistakes show."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.enrich import geoip
from services.enrich.domain import intake
from services.enrich.domain.where import NOWHERE, Locate, Place
from services.enrich.domain.world import Happened
from services.enrich.settings import Settings
from shared import settings
from shared.stage import Input
from tests.unit.enrich.memory import event, record
from tests.unit.enrich.mmdb import database

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "addresses.mmdb"
    path.write_bytes(
        database(
            {
                "198.51.100.0/24": {"country": {"iso_code": "AT"}, "location": {"time_zone": "Europe/Vienna"}},
                "203.0.113.0/25": {"country": "fr", "timezone": "Europe/Paris"},
                "203.0.113.128/25": {"registered_country": {"iso_code": "BE"}},
                "192.0.2.0/24": {"traits": {}},
            }
        )
    )
    return path


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("198.51.100.7", Place("AT", "Europe/Vienna")),
        ("203.0.113.1", Place("FR", "Europe/Paris")),
        ("203.0.113.200", Place("BE", None)),
        ("192.0.2.1", NOWHERE),
        ("8.8.8.8", NOWHERE),
        ("2001:db8::1", NOWHERE),
        ("not an address", NOWHERE),
        ("", NOWHERE),
    ],
)
def test_an_address_is_where_the_database_says(file: Path, address: str, expected: Place) -> None:
    assert geoip.opened(file)(address) == expected


def test_without_a_database_every_address_is_nowhere() -> None:
    assert geoip.opened(None)("198.51.100.7") == NOWHERE


def test_a_file_that_is_none_is_told_with_the_other_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "not.mmdb").write_bytes(b"no such thing")
    for wrong, said in (("missing.mmdb", "there is no file"), ("not.mmdb", "can't be read as a MaxMind database")):
        monkeypatch.setenv("LEADFLOW_GEOIP", str(tmp_path / wrong))
        with pytest.raises(SystemExit):
            settings.load(Settings)
        told = capsys.readouterr().err
        assert said in told
        assert "LEADFLOW_KAFKA" in told


def _profile(locate: Locate, **context: str) -> dict[str, tuple[str, str]]:
    read = intake.decode(record(event(email="jo@acme.example", context=context)), locate=locate)
    assert isinstance(read, Input)
    happened: Happened = read.event
    return {
        field: (said.value, said.source) for field, said in happened.facts.claims.items() if field in ("country", "timezone")
    }  # fmt: skip


def test_a_browsers_address_tells_country_and_zone_and_a_servers_does_not(file: Path) -> None:
    locate = geoip.opened(file)

    assert _profile(locate, ip="198.51.100.7", user_agent=_BROWSER) == {
        "country": ("AT", "ip"),
        "timezone": ("Europe/Vienna", "ip"),
    }
    assert _profile(locate, ip="198.51.100.7", user_agent="curl/8.5.0") == {}
    assert _profile(locate, ip="198.51.100.7") == {}


def test_what_the_edge_and_the_browser_say_goes_before_the_database(file: Path) -> None:
    said = _profile(geoip.opened(file), ip="198.51.100.7", user_agent=_BROWSER, country="CH", timezone="Europe/Zurich")
    assert said == {"country": ("CH", "edge"), "timezone": ("Europe/Zurich", "browser")}
