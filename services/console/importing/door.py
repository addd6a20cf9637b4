"""Sends batches to capture's public door, no faster than asked, and waits where capture says so. Knows no files."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.console import ask
from services.console.where import Trouble

_AGAIN = frozenset({429, 502, 503, 504})
_PATIENCE_SECONDS = 600.0
_LONGEST_WAIT_SECONDS = 60.0


@dataclass(slots=True)
class Door:
    """A client of /v1/batch. `told` hears why it waits, and None when it goes on."""

    url: str
    key: str
    rows_per_second: float
    told: Callable[[str | None], None] = lambda _: None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    transport: httpx.BaseTransport | None = None
    _client: httpx.Client = field(init=False)
    _next: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._client = httpx.Client(trust_env=False, timeout=30, auth=(self.key, ""), transport=self.transport)

    def send(self, events: Sequence[dict[str, Any]]) -> dict[int, str]:
        """Returns when capture has judged all of them: by index, why it rejected one. What it accepted is durable.

        Raises Trouble when it takes none, does not answer for ten minutes, or says that it won't for longer than that.
        """
        self.sleep(max(0.0, self._next - self.clock()))
        self._next = self.clock() + len(events) / self.rows_per_second
        began, wait = self.clock(), 0.5
        while True:
            response, why = self._ask(events)
            if response is not None and response.status_code not in _AGAIN:
                break
            if self.clock() - began > _PATIENCE_SECONDS:
                raise Trouble(f"Capture has taken nothing for {_PATIENCE_SECONDS / 60:.0f} minutes: {why}.")
            asked = _retry_after(response)
            if response is not None and asked > _PATIENCE_SECONDS:  # the property's quota of the day
                raise Trouble(f"{ask.explained('capture', response)} That is in {asked / 3600:.1f} hours.")
            pause = min(_LONGEST_WAIT_SECONDS, max(wait, asked))
            self.told(f"{why}; again in {pause:.0f} s")
            self.sleep(pause)
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
        self.told(None)
        if not response.is_success:
            raise Trouble(ask.explained("capture", response))
        return {one["index"]: _reason(one) for one in response.json()["rejected"]}

    def _ask(self, events: Sequence[dict[str, Any]]) -> tuple[httpx.Response | None, str]:
        try:
            response = self._client.post(f"{self.url}/v1/batch", json={"batch": list(events)})
        except httpx.HTTPError as error:
            return None, f"capture gives no answer ({type(error).__name__})"
        return response, f"capture says {response.status_code}"


def _retry_after(response: httpx.Response | None) -> float:
    text = response.headers.get("retry-after", "") if response is not None else ""
    return float(text) if text.isdecimal() and len(text) < 6 else 0.0


def _reason(rejected: dict[str, Any]) -> str:
    place = "/".join(str(rejected.get("pointer") or "").split("/")[3:])
    said = f"{rejected['reason']}: {rejected.get('detail', '')}".strip(": ")
    return f"{place}: {said}" if place else said
