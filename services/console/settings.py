"""What the console's process is told by its environment. The command line finds the stack by where.py instead."""

from __future__ import annotations

from pydantic import Field

from shared.settings import Common


class Settings(Common):
    """What every service is told, and whether books are kept."""

    books: bool = Field(
        default=True,
        description="keep the books: read every topic of the way and hold accepted events against their ends",
        examples=["true"],
    )
