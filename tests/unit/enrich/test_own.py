"""An operator's own tables: all mistakes at once before the start, and what they change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from services.enrich import own


def test_all_mistakes_are_told_at_once_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "mail.tsv").write_text("# ours\nfree\tuni.example\nfre\tx.example\nrelay\tnodomain\nrole\n")
    (tmp_path / "titles.tsv").write_text("seniority\tboss\ten\tBig Cheese\nseniority\thead\ten\tBig Cheese\n")
    (tmp_path / "title.tsv").write_text("")
    (tmp_path / "legal_forms.tsv").write_text("end\tXX\tVer Bund\nstart\tXX\tVer Bund\n")
    (tmp_path / "notes.txt").write_text("no table")

    assert [line.split(":")[0] for line in own.mistakes(tmp_path)] == [
        "legal_forms.tsv, entry 2",
        "mail.tsv, entry 2",
        "mail.tsv, entry 3",
        "mail.tsv, entry 4",
        "title.tsv",
        "titles.tsv, entry 1",
    ]
    (tmp_path / "mail.tsv").write_bytes(b"free\t\xff.example\n")
    assert "mail.tsv: it is not UTF-8." in own.mistakes(tmp_path)
    assert own.mistakes(tmp_path / "nowhere") == ["there is no such folder"]


def test_a_service_with_a_wrong_table_does_not_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mail.tsv").write_text("free\n")

    with pytest.raises(SystemExit) as end:
        own.take_in(tmp_path)

    assert end.value.code == 2
    assert "LEADFLOW_ENRICH_TABLES" in capsys.readouterr().err


def test_an_operators_lines_count_before_ours_in_a_running_service(tmp_path: Path) -> None:
    (tmp_path / "mail.tsv").write_text("business\tgmx.de\tour partners\n")
    (tmp_path / "titles.tsv").write_text("seniority\tc-level\tde\tOberhirte\n")
    (tmp_path / "legal_forms.tsv").write_text("end\tXX\tVerbund\n")
    asked = f"""if True:
        from pathlib import Path
        from services.enrich import own
        from services.enrich.domain import company, email, job
        own.take_in(Path({str(tmp_path)!r}))
        print(email.read("jo@gmx.de").kind, job.read("Oberhirte").seniority, company.bare("Acme Verbund"))
    """
    ran = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True)
    assert ran.stdout.split() == ["business", "c-level", "Acme"]
