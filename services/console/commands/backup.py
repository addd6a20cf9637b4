"""`leads backup` and `leads restore`: the services' stores as files, and back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.layout import SERVICES
from services.console import screen, where
from services.console.backup import dumps, manifest
from services.console.backup.manifest import Manifest, NoManifest
from services.console.screen import Json
from services.console.where import Trouble, Where

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the dumps and their manifest are.")]
Service = Annotated[
    list[str] | None, typer.Option("--service", help="Only this service's store; may be repeated. All by default.")
]


def backup(folder: Folder, service: Service = None, as_json: Json = False) -> None:
    """Dump each service's store into a folder that is not there yet; everything may run meanwhile."""
    found, services = where.find(), _services(service)
    stores = {name: _address(found, name) for name in services}
    try:
        folder.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        raise Trouble(
            f"{folder} is there already. Name a new folder: a backup is never written over another."
        ) from None
    made = Manifest(
        format=manifest.FORMAT, stores={name: dumps.dump(dsn, folder / f"{name}.dump") for name, dsn in stores.items()}
    )
    # Last: a folder without it is no backup.
    (folder / manifest.FILE).write_bytes(manifest.encode(made))
    if as_json:
        screen.as_json({"folder": str(folder), "stores": {name: one.bytes for name, one in made.stores.items()}})
        return
    for name, one in made.stores.items():
        screen.line(f"{name}: {one.bytes / 1e6:,.1f} MB")
    screen.line(
        f"{folder} holds personal data and vendors' secrets: keep it as you keep the stores. `leads restore {folder}` brings it back."
    )


def restore(folder: Folder, service: Service = None, as_json: Json = False) -> None:
    """Put the stores of a backup in the place of those that are there. The services must be stopped; once started, they go on from the topics."""
    found = where.find()
    made = _read(folder)
    services = _services(service or list(made.stores))
    if absent := [name for name in services if name not in made.stores]:
        raise Trouble(f"The backup in {folder} has no store of {', '.join(absent)}, only of {', '.join(made.stores)}.")
    if mistakes := list(_against(found, folder, made, services)):
        raise Trouble("Nothing was restored:\n  " + "\n  ".join(mistakes))
    for name in services:
        dumps.restore(_address(found, name), folder / made.stores[name].file)
    if as_json:
        screen.as_json({"folder": str(folder), "restored": services})
        return
    for name in services:
        screen.line(f"{name} is as it was on {made.stores[name].made_at:%Y-%m-%d at %H:%M:%S} UTC.")
    screen.line(
        "Start them (`leads up`, or `leads stack start SERVICE`): they read again what the topics keep since then."
    )


def _address(found: Where, service: str) -> str:
    """The store's address: LEADFLOW_<SERVICE>_STORE, of its owner where a service owns no tables, or the local stack's."""
    return os.environ.get(f"LEADFLOW_{service.upper()}_STORE") or found.store(service)


def _services(given: Sequence[str] | None) -> list[str]:
    if unknown := [name for name in given or () if name not in SERVICES]:
        raise Trouble(f"There is no service {', '.join(unknown)}. There are: {', '.join(SERVICES)}.")
    return list(given or SERVICES)


def _read(folder: Path) -> Manifest:
    file = folder / manifest.FILE
    try:
        return manifest.decode(file.read_bytes())
    except FileNotFoundError:
        raise Trouble(
            f"{folder} holds no backup: there is no {manifest.FILE}. One that was broken off has none."
        ) from None
    except (OSError, NoManifest) as error:
        raise Trouble(f"{file} can't be read: {error}.") from None


def _against(found: Where, folder: Path, made: Manifest, services: Sequence[str]) -> Iterator[str]:
    """Every reason against it, before anything is touched."""
    for name in services:
        stored = made.stores[name]
        file = folder / stored.file
        if not file.is_file():
            yield f"{file} is not there."
        elif file.stat().st_size != stored.bytes or dumps.digest(file) != stored.sha256:
            yield f"{file} is not what was written: its SHA-256 differs from the manifest's. Take another copy."
        target = asyncio.run(dumps.look(_address(found, name)))
        yield from manifest.why_not(
            stored,
            service=name,
            role=target.role,
            server=target.server,
            migrations=dumps.known_migrations(name),
            users=target.users,
        )
