"""The command: `python -m shared.generate` writes what is stale, `--check` only names it. What the documents say is decided beside it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared import access
from shared.generate import asyncapi, metrics, picture
from shared.generate.compatibility import incompatible_changes
from shared.generate.schemas import Schema, schemas
from shared.topology import BY_NAME

ROOT = Path(__file__).parents[2]
SCHEMAS = Path("shared/schemas")
ASYNCAPI = Path("shared/asyncapi.yaml")
README = Path("README.md")
METRICS = Path("deploy/METRICS.md")
ACLS = Path("deploy/kafka/acls.sh")


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write or check the documents under `root`; the exit status is 1 when something is incompatible or stale.

    The committed schemas are the baseline: while one incompatible change is there, nothing at all is written.
    """
    parser = argparse.ArgumentParser(
        prog="python -m shared.generate", description=sys.modules["shared.generate"].__doc__
    )
    parser.add_argument("--check", action="store_true", help="write nothing; name what is stale or incompatible")
    check = parser.parse_args(arguments).check
    if broken := incompatible_changes(_committed(root), schemas(), BY_NAME):
        print(*broken, sep="\n", file=sys.stderr)
        print(
            "These changes break whoever reads or writes the topic. Add an optional field instead, or give the topic a new"
            " version in shared/topology.py.",
            file=sys.stderr,
        )
        return 1
    try:
        wanted = _documents(root)
    except ValueError as mistake:
        print(mistake, file=sys.stderr)
        return 1
    stale = sorted(set(_stale(root, wanted)))
    if check:
        for path in stale:
            print(f"{path} is stale. Run: python -m shared.generate", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        _write(root / path, wanted.get(path))
        print(f"{path} {'written' if path in wanted else 'removed'}")
    return 0


def _documents(root: Path) -> dict[Path, str]:
    """What each generated file must hold, by its path under the root."""
    found = {SCHEMAS / f"{type_}.json": _json(schema) for type_, schema in schemas().items()}
    found[ASYNCAPI] = asyncapi.text()
    found[METRICS] = metrics.text()
    found[ACLS] = access.script()
    found[README] = picture.readme(_read(root / README))
    return found


def _stale(root: Path, wanted: dict[Path, str]) -> Iterator[Path]:
    yield from (path for path, text in wanted.items() if _read(root / path) != text)
    yield from (SCHEMAS / path.name for path in (root / SCHEMAS).glob("*.json") if SCHEMAS / path.name not in wanted)


def _committed(root: Path) -> dict[str, Schema]:
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((root / SCHEMAS).glob("*.json"))}


def _json(schema: Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def _write(path: Path, text: str | None) -> None:
    """Write the text, or remove the file when there is none."""
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
