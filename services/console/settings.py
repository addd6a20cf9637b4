"""What the console's process is told by its environment. The command line finds the stack by where.py instead."""

from __future__ import annotations

from shared.settings import Common


class Settings(Common):
    """What every service is told, and nothing else."""
