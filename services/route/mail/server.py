"""Where mail is handed over. Speaks to nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed over, and how. `tls`: from the start, by STARTTLS, or none."""

    host: str
    port: int
    tls: Literal["tls", "starttls", "none"] = "starttls"
    user: str = ""
    password: str = ""
    answer_seconds: float = 120.0
