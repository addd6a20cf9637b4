"""A web property of the running stack, with who looks after it: what most tests of the whole system begin with."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from deploy.local import stack
from deploy.local.layout import SERVICES, Layout
from tests.e2e import console
from tests.e2e.console import Operator, eventually


@dataclass(frozen=True, slots=True)
class Shop:
    """A web property of the running stack, and how to reach what it needs."""

    operator: Operator
    kafka: str
    urls: dict[str, str]
    property: str
    key: str

    def posts(self, path: str, **more: Any) -> httpx.Response:
        """One request to capture with the property's key."""
        with httpx.Client(trust_env=False, timeout=20) as client:
            return client.post(self.urls["capture"] + path, **({"auth": (self.key, "")} | more))

    def lead(self, email: str, *, with_handover: bool = True) -> dict[str, Any]:
        """What `leads lead show` says of the lead, once it is scored, and handed over."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] | None = self.operator.knows_or_none("lead", "show", email)
            if found is None or found["score"] is None or (with_handover and not found["handovers"]):
                return None
            return found

        return eventually(look, what=f"the lead {'and its handover' if with_handover else ''}")

    def token(self) -> str:
        """The operator's token."""
        found: str = self.operator.told.get("LEADFLOW_TOKEN") or self.operator.knows("status")["token"]
        return found


def opened(leadflow: Layout) -> Shop:
    """A property of its own on this stack, whose key counts already."""
    described: Any = stack.describe(leadflow)
    urls = {service: instances[0]["url"] for service, instances in described["services"].items()}
    return _opened(console.of(leadflow), leadflow.kafka, urls)


def given(environ: Mapping[str, str] = os.environ) -> Shop | None:
    """A property of its own on the stack that the environment names as it does for `leads` (LEADFLOW_TOKEN, LEADFLOW_KAFKA and
    LEADFLOW_CAPTURE_URL, LEADFLOW_ENRICH_URL ...): one in containers, say. None where it names none."""
    urls = {service: environ.get(f"LEADFLOW_{service.upper()}_URL", "") for service in SERVICES}
    if not urls["capture"]:
        return None
    told = {f"LEADFLOW_{service.upper()}_URL": url for service, url in urls.items()}
    told |= {name: environ[name] for name in ("LEADFLOW_TOKEN", "LEADFLOW_KAFKA")}
    return _opened(Operator(told | {"LEADFLOW_HOME": "/nonexistent"}), told["LEADFLOW_KAFKA"], urls)


def _opened(one: Operator, kafka: str, urls: dict[str, str]) -> Shop:
    made = one.knows(
        "property", "add", "Shop", "--origin", urls["console"], "--thank-you", f"{urls['console']}/demo/thanks"
    )
    found = Shop(one, kafka, urls, made["property"], made["write_key"])
    eventually(lambda: found.posts("/v1/batch", json={"batch": []}).status_code == 200, what="the write key")
    return found


def somebody() -> str:
    """An address that nobody else has."""
    return f"jo.{uuid.uuid4().hex[:10]}@acme.example"
