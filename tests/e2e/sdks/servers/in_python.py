"""Calls every method of a Python SDK: in_python.py HOST KEY single|batch segment|rudderstack. Prints errors and whom it asked, as JSON."""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

asked: set[str] = set()
look_up = socket.getaddrinfo


def noted(host: Any, port: Any, *given: Any, **more: Any) -> Any:
    """Looks up a host, and notes which."""
    asked.add(f"{host}:{port}")
    return look_up(host, port, *given, **more)


socket.getaddrinfo = noted

from rudderstack.analytics.client import Client as RudderStack  # noqa: E402
from segment.analytics.client import Client as Segment  # noqa: E402

host, key, how, whose = sys.argv[1:]
errors: list[str] = []
made: type = Segment if whose == "segment" else RudderStack
client = made(
    key,
    host=host,
    gzip=True,
    sync_mode=how == "single",
    on_error=lambda error, _: errors.append(f"{type(error).__name__} {error}"),
)
context = {
    "ip": "198.51.100.9",
    "userAgent": "Mozilla/5.0 (a person's)",
    "page": {"url": "https://shop.example/prices?utm_source=news"},
}
client.identify("u1", {"email": "jo@acme.example"}, context=dict(context))
client.track("u1", "signed-up", {"plan": "pro"}, context=dict(context))
client.page("u1", name="Prices", properties={"url": "https://shop.example/prices"}, context=dict(context))
client.screen("u1", name="Dashboard", context=dict(context))
client.group("u1", "g1", {"name": "Acme"}, context=dict(context))
client.alias("u1", "u2", context=dict(context))
if how == "batch":
    client.flush()
    client.join()
print(json.dumps({"errors": errors, "asked": sorted(asked)}))
