"""What a backup says of itself, and whether it may be restored here. No IO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

FORMAT = 1
FILE = "manifest.json"


class Stored(Struct, frozen=True, kw_only=True):
    """One service's store: its dump, whose it is, and which migrations had run in it (folder/file -> SHA-256 of its text)."""

    file: str
    bytes: int
    sha256: str
    role: str
    server: str
    made_at: datetime
    migrations: dict[str, str]


class Manifest(Struct, frozen=True, kw_only=True):
    """A backup."""

    format: int
    stores: dict[str, Stored]


class NoManifest(Exception):
    """What was read is no manifest; the text says why."""


def encode(manifest: Manifest) -> bytes:
    """The manifest's file."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode(value: bytes) -> Manifest:
    """Reads a manifest's file. Raises NoManifest."""
    try:
        found = msgspec.json.decode(value, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NoManifest(str(error)) from None
    if found.format != FORMAT:
        raise NoManifest(f"it has format {found.format}, and this version reads format {FORMAT}")
    for service, stored in found.stores.items():
        if "/" in stored.file or stored.file in (".", "..", ""):
            raise NoManifest(f"the dump of {service} is not a file beside it")
    return found


def why_not(
    stored: Stored, *, service: str, role: str, server: str, migrations: Mapping[str, str], users: Sequence[str]
) -> list[str]:
    """Every reason against restoring a store here, as sentences; none when nothing is.

    `role` and `server` are of the database that would be restored, `migrations` those that this version knows, `users` who is connected to it.
    """
    found = []
    if users:
        found.append(
            f"{service} runs ({len(users)} connections to its store). Stop it first: leads stack stop {service}; elsewhere all of its instances."
        )
    unknown = sorted(set(stored.migrations) - set(migrations))
    if unknown:
        found.append(
            f"{service} was backed up by a later version, whose migrations are not known here ({', '.join(unknown)}). Install that version."
        )
    changed = sorted(name for name, sha in stored.migrations.items() if migrations.get(name, sha) != sha)
    if changed:
        found.append(f"{service} was backed up by another version: {', '.join(changed)} has another text here.")
    if stored.role != role:
        found.append(
            f"The store of {service} belonged to the role {stored.role}, the one here to {role}. Name it alike."
        )
    if _major(server) < _major(stored.server):
        found.append(
            f"The dump of {service} is of PostgreSQL {stored.server}, and here is {server}. Use a server that is not older."
        )
    return found


def _major(version: str) -> int:
    digits = version.split(".")[0].split(" ")[0]
    return int(digits) if digits.isdecimal() else 0
