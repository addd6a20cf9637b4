"""What is random and fixed per home: passwords, the operator's token, the installation's secret, the number of partitions."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.layout import HOST, SERVICES, Layout, SetupError, write_private

DEFAULT_PARTITIONS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Made once with a home and kept in a file that only its owner can read."""

    token: str
    secret: str
    partitions: int
    passwords: Mapping[str, str]

    def store(self, layout: Layout, role: str, database: str | None = None) -> str:
        """A Postgres address for a service's role, or for `postgres`, the superuser."""
        return f"postgresql://{role}:{self.passwords[role]}@{HOST}:{layout.ports['postgres']}/{database or role}"


def load(layout: Layout) -> Installation | None:
    """The installation of this home, or None where nothing was ever started."""
    try:
        return Installation(**json.loads((layout.home / "installation.json").read_text()))
    except FileNotFoundError:
        return None


def load_or_make(layout: Layout, environ: Mapping[str, str] = os.environ) -> Installation:
    """The installation of this home; a new home gets a new one. LEADFLOW_PARTITIONS counts at that moment only."""
    wanted = environ.get("LEADFLOW_PARTITIONS")
    if wanted and not (wanted.isdecimal() and 0 < int(wanted) <= 1000):
        raise SetupError(
            f"LEADFLOW_PARTITIONS is {wanted!r}, not a number from 1 to 1000. Example: LEADFLOW_PARTITIONS=4."
        )
    known = load(layout)
    if known is None:
        known = Installation(
            token=secrets.token_urlsafe(24),
            secret=secrets.token_urlsafe(32),
            partitions=int(wanted or DEFAULT_PARTITIONS),
            passwords={role: secrets.token_urlsafe(18) for role in ("postgres", *SERVICES)},
        )
        write_private(layout.home / "installation.json", json.dumps(dataclasses.asdict(known), indent=2))
    elif wanted and int(wanted) != known.partitions:
        raise SetupError(
            f"LEADFLOW_PARTITIONS is {wanted}, but {layout.home} was made with {known.partitions} partitions and keeps them."
            " Unset it, or use another LEADFLOW_HOME for a new stack."
        )
    return known
