"""`leads stores migrate`: the tables of the services' stores, made by who owns them. For stacks whose services may not do it themselves."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import asyncpg
import typer

from deploy import stores
from services.console import screen
from services.console.screen import Json
from services.console.where import Trouble

app = typer.Typer(no_args_is_help=True, help="The services' stores.")


@app.callback()
def group() -> None:
    """The services' stores."""


@app.command()
def migrate(
    services: Annotated[
        list[str] | None, typer.Argument(help="Which services; without any all that have an address.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Apply the migrations that are missing, before services of a new version start.

    The addresses come from LEADFLOW_<SERVICE>_STORE (postgresql://score_owner:...@host/score). A service that may change its tables
    itself, as on the local stack, needs none of this.
    """
    given = {name: os.environ.get(f"LEADFLOW_{name.upper()}_STORE", "") for name in stores.FOLDERS}
    wanted = services or [name for name, dsn in given.items() if dsn]
    wrong = [f"There is no store of {name}." for name in wanted if name not in given]
    wrong += [f"LEADFLOW_{name.upper()}_STORE is not set." for name in wanted if not given.get(name, "-")]
    if wrong or not wanted:
        said = " ".join(wrong) or "No store has an address."
        raise Trouble(f"{said} Example: LEADFLOW_SCORE_STORE=postgresql://score_owner:...@127.0.0.1:15432/score.")
    done = {name: _migrated(name, given[name]) for name in wanted}
    if as_json:
        screen.as_json(done)
    else:
        screen.pairs("", {name: ", ".join(files) or "nothing was missing" for name, files in done.items()})


def _migrated(service: str, dsn: str) -> list[str]:
    try:
        return asyncio.run(stores.migrate(service, dsn))
    except asyncpg.PostgresError as error:
        raise Trouble(
            f"The store of {service} could not be migrated: {type(error).__name__} ({error.sqlstate}). Nothing of the file that failed "
            f"is left. Its owner has to do it: LEADFLOW_{service.upper()}_STORE=postgresql://{service}_owner:..."
        ) from None
