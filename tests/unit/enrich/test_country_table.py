"""The table of countries is what its source says, and nothing of the source is loaded at run time."""

from __future__ import annotations

import subprocess
import sys

from services.enrich import generate


def test_the_table_of_countries_is_fresh() -> None:
    assert not generate.is_stale(generate.table(made="today"))


def test_a_running_enrich_does_not_load_babel() -> None:
    asked = "import sys, services.enrich.main; sys.exit('babel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
