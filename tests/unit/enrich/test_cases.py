"""There are enough cases of each kind, and each says where it comes from."""

from __future__ import annotations

import pytest

from tests.unit.enrich.cases import cases


@pytest.mark.parametrize(
    ("tables", "least"),
    [
        (("email",), 60),
        (("phone",), 60),
        (("names", "companies"), 60),
        (("titles",), 80),
        (("channels",), 120),
        (("agents",), 150),
    ],
)
def test_there_are_enough_cases_and_each_names_its_source(tables: tuple[str, ...], least: int) -> None:
    found = [case for table in tables for case in cases(table)]

    assert len({case[:-1] for case in found}) >= least
    assert [case for case in found if len(case[-1].strip(" -")) < 3] == []
