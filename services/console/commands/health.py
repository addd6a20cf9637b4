"""`leads health`: whether one instance is ready. entry.py answers it before this file is loaded; here it has its help."""

from __future__ import annotations

from typing import Annotated

import typer

from services.console import health as health_


def health(
    url: Annotated[
        str, typer.Argument(help="The instance's address; without it the one that LEADFLOW_HTTP_PORT names.")
    ] = "",
) -> None:
    """Say whether one instance is ready: exit code 0, or 1 and the reasons. The health check of its container."""
    raise typer.Exit(health_.main(url))
