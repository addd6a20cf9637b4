"""Whether one instance is ready: the health check of its container. Loads next to nothing, since it is asked every few seconds."""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

PATIENCE_SECONDS = 3.0


def main(url: str = "", environ: Mapping[str, str] = os.environ) -> int:
    """The exit code: 0 when the instance at `url` is ready, 1 when it is not, and then why on stderr. Without `url` it is the one that
    this environment configures (LEADFLOW_HTTP_PORT), as in its own container."""
    address = url or f"http://127.0.0.1:{environ.get('LEADFLOW_HTTP_PORT', '')}"
    trouble = why_not(address)
    if trouble:
        print(f"{address} {trouble}", file=sys.stderr)
    return 1 if trouble else 0


def why_not(address: str) -> str:
    """Why the instance at this address is not ready, in words that follow its name; empty when it is."""
    try:
        there = urlsplit(address)
        if there.scheme not in ("http", "https") or not there.hostname or not (there.port or address.count(":") < 2):
            return "is no address: name one, or set LEADFLOW_HTTP_PORT. Example: leads health http://127.0.0.1:8010."
        kind = http.client.HTTPSConnection if there.scheme == "https" else http.client.HTTPConnection
        connection = kind(there.hostname, there.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
    except ValueError:
        return "is no address. Example: leads health http://127.0.0.1:8010."
    except (OSError, http.client.HTTPException) as error:
        return f"gives no answer ({type(error).__name__})."
    return "" if answer.status == 200 else f"is not ready: {_reasons(said)}."


def _reasons(said: bytes) -> str:
    try:
        reasons = json.loads(said)["reasons"]
        return "; ".join(f"{part}: {why}" for part, why in reasons.items())
    except (ValueError, LookupError, TypeError, AttributeError):
        return "it does not say why"
