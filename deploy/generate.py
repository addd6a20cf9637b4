"""The command `python -m deploy.generate`: writes what operators read and what comes from the code of all services: SETTINGS.md, TOPICS.md, and Grafana's boards. `--check` only names what is
stale."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.boards import Board, grafana
from deploy.boards.business import BUSINESS
from deploy.boards.overview import OVERVIEW
from deploy.boards.service import CAPTURE, CONSOLE, ENRICH, ROUTE, SCORE
from services.capture.settings import Settings as CaptureSettings
from services.console.settings import Settings as Console
from services.enrich.settings import Settings as Enrich
from services.route.settings import Settings as Route
from services.score.settings import Settings as Score
from services.score.settings import SignalSettings
from shared import shown
from shared.settings import Common, Process
from shared.topology import TOPICS

ROOT = Path(__file__).parents[1]
SETTINGS = Path("deploy/SETTINGS.md")
BOARD_FILES = Path("deploy/grafana/boards")
BOARDS: tuple[Board, ...] = (OVERVIEW, CAPTURE, ENRICH, SCORE, ROUTE, CONSOLE, BUSINESS)
TOPIC_TABLE = Path("deploy/TOPICS.md")
_TOPICS_HEAD = """# Topics

Generated from `shared/topology.py` by `python -m deploy.generate`; `leads topics apply` makes them so. What a record takes on disk is in SIZING.md.

| topic | key | written by | read by | kept | clean-up | largest record | once |
|---|---|---|---|---|---|---|---|
"""
_DAY_MS = 24 * 60 * 60 * 1000
_HEAD = """# Settings

Generated from the services' `settings.py` by `python -m deploy.generate`. A service takes its settings from the environment, names all mistakes at once
and ends with exit code 2 when there is one. `leads config show --origin` shows what the running services were told, with secrets masked.
"""
_OWN: dict[str, type[Process]] = {
    "Capture": CaptureSettings,
    "Enrich": Enrich,
    "Score": Score,
    "Route": Route,
    "Console": Console,
    "Score's Faust worker (it needs only these and what every process is told)": SignalSettings,
}


def documents() -> dict[Path, str]:
    """What each generated file holds, by its path under the root."""
    boards = {BOARD_FILES / f"{one.uid.removeprefix('leadflow-')}.json": grafana.text(one) for one in BOARDS}
    return {SETTINGS: settings(), TOPIC_TABLE: topics(), **boards}


def settings() -> str:
    """The table of all settings."""
    common = list(Common.model_fields)
    parts = [
        _HEAD,
        _table(
            "Every service (the Faust worker: all but the last that name a store, a token, a secret)", Common, common
        ),
    ]
    for title, kind in _OWN.items():
        own = [name for name in kind.model_fields if name not in common]
        if own:
            parts.append(_table(title, kind, own))
    return "\n".join(parts)


def _table(title: str, kind: type[Process], names: Sequence[str]) -> str:
    lines = [f"## {title}\n", "| variable | what it says | default | example |", "|---|---|---|---|"]
    for name in names:
        field = kind.model_fields[name]
        default = shown.default(kind, name)
        says = (field.description or "") + (" (secret)" if shown.is_secret(kind, name) else "")
        example = f"`{field.examples[0]}`" if field.examples else ""
        standard = "must be given" if default is None else f"`{_portable(default)}`" if default else "empty"
        lines.append(f"| `LEADFLOW_{name.upper()}` | {says} | {standard} | {example} |")
    return "\n".join(lines) + "\n"


def topics() -> str:
    """The table of all topics."""
    rows = []
    for one in TOPICS:
        kept = "for ever" if one.retention_ms is None else f"{one.retention_ms // _DAY_MS} days"
        largest = f"{one.max_message_bytes // 1024} KiB"
        once = "each record physically once" if one.transactional else "an id may repeat"
        cells = (one.name, one.key, ", ".join(one.written_by), ", ".join(one.read_by), kept, one.cleanup, largest, once)
        rows.append(f"| {' | '.join(cells)} |")
    return _TOPICS_HEAD + "\n".join(rows) + "\n"


def _portable(value: str) -> str:
    """A default without the folder in which this checkout lies."""
    return value.replace(f"{ROOT}/", "")


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Writes or checks; the exit status is 1 when something is stale."""
    parser = argparse.ArgumentParser(prog="python -m deploy.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; name what is stale")
    check = parser.parse_args(arguments).check
    stale = False
    for path, text in documents().items():
        there = root / path
        if there.exists() and there.read_text("utf-8") == text:
            continue
        stale = True
        if check:
            print(f"{path} is stale. Run: python -m deploy.generate", file=sys.stderr)
        else:
            there.write_text(text, "utf-8")
            print(f"{path} written")
    return int(check and stale)


if __name__ == "__main__":
    sys.exit(main())
