"""The tables that come from libraries say what those say, and nothing of the libraries is loaded at run time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from services.enrich.generate.__main__ import TABLES
from services.enrich.generate.table import Table


@pytest.mark.parametrize("make", TABLES, ids=lambda make: make.__name__)
def test_a_table_is_fresh_and_names_its_source_and_its_licence(make: Callable[[], Table]) -> None:
    table = make()
    head = table.path.read_text("utf-8").splitlines()[:3]

    assert not table.is_stale()
    assert "Source: " in head[1]
    assert "Licence: " in head[1]
    assert head[2].startswith("# Made: 20")


def test_a_running_enrich_loads_none_of_the_libraries_that_tables_come_from() -> None:
    asked = (
        "import sys, services.enrich.main; sys.exit(bool({'babel', 'tzdata', 'crawleruseragents'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
