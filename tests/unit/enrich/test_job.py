"""Job titles: seniority and department, in several languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import claims, job, profile
from services.enrich.domain.tables import DATA, rows, words
from services.enrich.domain.world import State, Voice
from shared.contracts import Job
from tests.unit.enrich.cases import absent, cases
from tests.unit.enrich.memory import MONDAY

_CASES = cases("titles")
_TABLE = [tuple(line) for line in rows(DATA / "titles.tsv")]
_SPELLINGS = [spelling.strip("*") for line in _TABLE for spelling in words(line[3])]


def test_there_are_enough_cases_in_enough_languages() -> None:
    assert len(_CASES) >= 80
    assert {"en", "de", "fr", "es", "it"} <= {line[2] for line in _TABLE if line[0] == "seniority"}
    assert {"en", "de", "fr", "es", "it"} <= {line[2] for line in _TABLE if line[0] == "department"}


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case[0])
def test_a_title_is_what_its_source_says(case: tuple[str, ...]) -> None:
    title, seniority, department, _ = map(absent, case)

    found = job.read(title or "")

    assert (found.seniority, found.department) == (seniority, department)


def test_the_table_knows_only_what_is_documented() -> None:
    assert {line[0] for line in _TABLE} == set(job.KINDS)
    assert {line[1] for line in _TABLE if line[0] == "seniority"} == {*job.SENIORITIES, "none"}


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=40) | st.lists(st.sampled_from(_SPELLINGS), max_size=4).map(" ".join))
def test_any_title_has_a_seniority_whatever_its_case_and_blanks(title: str) -> None:
    found = job.read(title)

    assert found.seniority in job.SENIORITIES
    assert job.read(f"  {' '.join(title.split())} ") == found
    if title.isascii():
        assert job.read(title.upper()) == found


def test_what_the_form_says_of_seniority_and_department_goes_before_the_title() -> None:
    def said(**traits: str) -> Job | None:
        reading = claims.read(kind="form", name="x", traits=traits, context=None, test=False)
        return profile.of(State({"e": Voice(MONDAY, reading.claims, reading.custom)})).job

    assert said(title="Leiter Einkauf") == Job(title="Leiter Einkauf", seniority="head", department="purchasing")
    assert said(title="Leiter Einkauf", seniority="C-Level", department="Vertrieb") == Job(
        title="Leiter Einkauf", seniority="c-level", department="sales"
    )
    assert said(seniority="Geschäftsführung", department="Hausmeisterei") == Job(
        seniority="c-level", department="Hausmeisterei"
    )
    assert said(title="Leiter", seniority="sehr hoch") == Job(title="Leiter", seniority="head")
    assert said(name="Jo Doe") is None


def test_an_operators_lines_count_before_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fresh = job._Table(), job._Table()
    monkeypatch.setattr(job, "_seniorities", fresh[0])
    monkeypatch.setattr(job, "_departments", fresh[1])
    own = tmp_path / "titles.tsv"
    own.write_text("seniority\thead\tde\tObermotz, *häuptling\ndepartment\tpartners\ten\tpartner manager\n")

    job.add([*_TABLE, *rows(own)])

    assert job.read("Obermotz").seniority == job.read("Stammeshäuptling").seniority == "head"
    assert job.read("Partner Manager") == job.Job("manager", "partners")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    job.read.cache_clear()
