"""An operator's own tables: files of the same names and forms as ours in domain/data, whose lines count before ours. Read once, at the start."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from services.enrich.domain import company, email, external, identity, job
from services.enrich.domain.tables import rows, words


class _Kind(NamedTuple):
    """How a table of ours can be added to."""

    add: Callable[[Iterable[Sequence[str]]], None]
    firsts: Sequence[str]  # what a line may begin with; anything, where it is empty
    cells: str  # what stands in a line
    wrong: Callable[[Sequence[str]], str | None] = lambda _: None


def _wrong_mail(line: Sequence[str]) -> str | None:
    no_domains = [word for word in words(line[1]) if "." not in word]
    return f"{no_domains[0]} is no domain" if no_domains and line[0] not in ("role", "person") else None


def _wrong_title(line: Sequence[str]) -> str | None:
    known = (*job.SENIORITIES, "none")
    return f"{line[1]} is none of {', '.join(known)}" if line[0] == "seniority" and line[1] not in known else None


def _wrong_form(line: Sequence[str]) -> str | None:
    several = [spelling for spelling in words(line[2]) if " " in spelling]
    return f"{several[0]} is no single word" if several and line[0] != "end" else None


def _wrong_system(line: Sequence[str]) -> str | None:
    if not external.SYSTEM(line[0]):
        return f"{line[0]} is no name of a system: small letters, digits, dots, hyphens and underscores"
    return None if line[1] in external.KINDS else f"{line[1]} is none of {', '.join(external.KINDS)}"


_KINDS = {
    "mail.tsv": _Kind(email.add, email.KINDS, "kind, domains", _wrong_mail),
    "titles.tsv": _Kind(job.add, job.KINDS, "seniority or department, what it is, language, spellings", _wrong_title),
    "legal_forms.tsv": _Kind(company.add, company.KINDS, "end or start or stuck, country, spellings", _wrong_form),
    "illegal_ids.tsv": _Kind(identity.add, identity.KINDS, "illegal or legal, ids"),
    "systems.tsv": _Kind(external.add, (), "system, everywhere or property, traits", _wrong_system),
}


def take_in(folder: Path) -> None:
    """Adds the tables in `folder`, or writes one message on stderr that names every mistake, and ends with exit code 2."""
    wrong = mistakes(folder)
    if wrong:
        message = f"This service can't start, the tables in LEADFLOW_ENRICH_TABLES={folder} are wrong (ours are the examples: services/enrich/domain/data):"
        print("\n  ".join([message, *wrong]), file=sys.stderr)
        raise SystemExit(2)
    for path in sorted(folder.glob("*.tsv")):
        _KINDS[path.name].add(rows(path))


def mistakes(folder: Path) -> list[str]:
    """All that is wrong with an operator's tables, a line each; none when they can be taken in."""
    if not folder.is_dir():
        return ["there is no such folder"]
    found = []
    for path in sorted(folder.glob("*.tsv")):
        kind = _KINDS.get(path.name)
        if kind is None:
            found.append(f"{path.name}: there is no such table. There are {', '.join(sorted(_KINDS))}.")
            continue
        try:
            lines = list(rows(path))
        except UnicodeDecodeError:
            found.append(f"{path.name}: it is not UTF-8.")
            continue
        for number, line in enumerate(lines, 1):
            if len(line) < kind.cells.count(",") + 1 or not all(line):
                found.append(f"{path.name}, entry {number}: not {kind.cells}, with a tab between them.")
            elif kind.firsts and line[0] not in kind.firsts:
                found.append(f"{path.name}, entry {number}: it begins with none of {', '.join(kind.firsts)}.")
            elif (reason := kind.wrong(line)) is not None:
                found.append(f"{path.name}, entry {number}: {reason}.")
    return found
