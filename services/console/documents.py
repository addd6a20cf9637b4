"""What `leads` can do with documents of every kind: rulesets, routing, nurture. Asks the service over HTTP; which commands there are is in commands/."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.console import screen, where
from services.console.ask import Ask
from services.console.where import Trouble
from shared.documents.difference import differences

_VERSION = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Kind:
    """Documents of one kind: which service has them, at which path, and what one is called."""

    service: str
    path: str
    what: str

    def ask(self) -> Ask:
        """A client for the stack."""
        return Ask(where.find())

    def text(self, ask: Ask, given: str) -> str:
        """The text of a file or of a version that is kept. Raises Trouble."""
        file = Path(given)
        if not file.is_file() and _VERSION.fullmatch(given):
            return str(self.version(ask, given)["text"])
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise Trouble(
                f"{given} can't be read: {why}. Name a {self.what}'s file, or a version that `list` shows (12 digits)."
            ) from None

    def version(self, ask: Ask, version: str) -> dict[str, Any]:
        """A version that is kept. Raises Trouble."""
        found: dict[str, Any] = ask.get(self.service, f"{self.path}/{version}")
        return found

    def in_force(self, ask: Ask) -> str:
        """The version in force in most numbers."""
        return str(ask.get(self.service, f"{self.path}/status")["in_force"][0]["version"])

    def before(self, ask: Ask) -> str:
        """The version that was in force before the present one. Raises Trouble where there is none."""
        version = ask.get(self.service, f"{self.path}/status")["before"]
        if version is None:
            raise Trouble("Nothing was in force before. `list` shows all versions.")
        return str(version)


def list_(kind: Kind, *, as_json: bool) -> None:
    """Every version that is kept."""
    ask = kind.ask()
    found = ask.get(kind.service, kind.path)
    if as_json:
        screen.as_json(found)
        return
    now = kind.in_force(ask)
    rows = [
        (
            one["version"],
            "in force" if one["version"] == now else "",
            one.get("known_at", "from the start"),
            ", ".join(each["at"][:16] for each in one.get("published", ())) or ("" if one.get("file") else "draft"),
            one.get("by"),
            one.get("note"),
        )
        for one in found["versions"]
    ]
    screen.table("", ("version", "", "known since", "published", "by", "note"), rows)


def show(kind: Kind, version: str, *, as_json: bool) -> None:
    """One version: its text."""
    found = kind.version(kind.ask(), version)
    if as_json:
        screen.as_json(found)
    else:
        print(screen.harmless(found["text"]))


def diff(kind: Kind, one: str, other: str | None, *, as_json: bool) -> None:
    """What the other says another way than the one, in words; without an other: what the one says another way than the one in force."""
    ask = kind.ask()
    before, after = (kind.in_force(ask), one) if other is None else (one, other)
    found = differences(kind.text(ask, before), kind.text(ask, after))
    if as_json:
        screen.as_json({"before": before, "after": after, "differences": found})
        return
    for line in found:
        screen.line(line)
    if not found:
        screen.line("They say the same.")


def draft(kind: Kind, file: Path, *, by: str | None, note: str | None, as_json: bool) -> None:
    """Keeps a text, which comes not into force."""
    ask = kind.ask()
    body = {"text": kind.text(ask, str(file)), "by": by, "note": note}
    done = ask.command(kind.service, kind.path, body)
    if as_json:
        screen.as_json(done)
    else:
        screen.line(f"Kept as version {done['result']}. It is not in force: `publish {done['result']}` puts it there.")


def publish(
    kind: Kind, ask: Ask, text: str, *, by: str | None, note: str | None, options: Mapping[str, Any], instead_of: str
) -> dict[str, Any]:
    """Puts a text in force, and returns when every number has it. Raises Trouble."""
    body = {"text": text, "by": by, "note": note, "options": dict(options), "instead_of": instead_of}
    return ask.command(kind.service, f"{kind.path}/publish", body)


def rollback(
    kind: Kind, ask: Ask, version: str | None, *, by: str | None, note: str | None, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Puts an earlier version in force again. Raises Trouble."""
    body = {"version": version, "by": by, "note": note, "options": dict(options)}
    return ask.command(kind.service, f"{kind.path}/rollback", body)


def status(kind: Kind) -> dict[str, Any]:
    """What is in force where."""
    found: dict[str, Any] = kind.ask().get(kind.service, f"{kind.path}/status")
    return found


def in_force_shown(found: Mapping[str, Any]) -> None:
    """Prints what is in force: one line, or one for each version where numbers differ."""
    many = len(found["in_force"]) > 1
    for one in found["in_force"]:
        since = f"since {one['since']}" if one["since"] else "from the start (the file that the service names)"
        where_ = f", in numbers {', '.join(map(str, one['numbers']))}" if many else ""
        screen.line(f"{one['version']} is in force {since}{where_}.")
