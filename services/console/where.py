"""Finds the stack that the command line speaks to: the environment's addresses, else the local stack's. Asks no service."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.local import installation, layout, stack
from deploy.local.layout import SERVICES


class Trouble(Exception):
    """What the operator reads when a command can't do what was asked: what happened, where, what to do next."""


@dataclass(frozen=True, slots=True)
class Where:
    """Addresses and the operator's token. What is not known is empty, and asking for it is Trouble."""

    token_or_none: str
    kafka_or_none: str
    urls: Mapping[str, str]
    stores: Mapping[str, str]
    partitions: int
    home: str
    seen: Mapping[str, str] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """The operator's token."""
        return self._known(self.token_or_none, "The operator's token", "LEADFLOW_TOKEN=...")

    @property
    def kafka(self) -> str:
        """Kafka's address."""
        return self._known(self.kafka_or_none, "Kafka's address", "LEADFLOW_KAFKA=127.0.0.1:19092")

    def url(self, service: str) -> str:
        """One instance's address."""
        variable = f"LEADFLOW_{service.upper()}_URL"
        return self._known(self.urls.get(service, ""), f"The address of {service}", f"{variable}=http://127.0.0.1:8010")

    def seen_url(self, service: str) -> str:
        """The same as a browser reaches it, which is another address where the command line runs in a container."""
        return self.seen.get(service) or self.url(service)

    def store(self, service: str) -> str:
        """The address of a service's own database."""
        return self._known(self.stores.get(service, ""), f"The store of {service}", "LEADFLOW_HOME=var")

    def _known(self, value: str, what: str, example: str) -> str:
        if not value:
            raise Trouble(
                f"{what} is not known: it does not run in {self.home}. Start it with `leads up`, or set {example}."
            )
        return value


def find(environ: Mapping[str, str] = os.environ) -> Where:
    """Where everything is. LEADFLOW_TOKEN, LEADFLOW_KAFKA and LEADFLOW_<SERVICE>_URL come before what the local stack says;
    LEADFLOW_<SERVICE>_SEEN_URL is the same service's for a browser, where that is another."""
    home = layout.from_environment(environ)
    facts = installation.load(home)
    local: dict[str, Any] = stack.describe(home)
    return Where(
        token_or_none=environ.get("LEADFLOW_TOKEN") or local["token"],
        kafka_or_none=environ.get("LEADFLOW_KAFKA") or (local["kafka"] if local["token"] else ""),
        urls={
            service: environ.get(f"LEADFLOW_{service.upper()}_URL", "").rstrip("/")
            or next((instance["url"] for instance in local["services"][service]), "")
            for service in SERVICES
        },
        stores=local["stores"],
        partitions=_partitions(environ) or (facts.partitions if facts else installation.DEFAULT_PARTITIONS),
        home=str(home.home),
        seen={service: environ.get(f"LEADFLOW_{service.upper()}_SEEN_URL", "").rstrip("/") for service in SERVICES},
    )


def _partitions(environ: Mapping[str, str]) -> int | None:
    text = environ.get("LEADFLOW_PARTITIONS")
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) <= 1024:
        raise Trouble(f"LEADFLOW_PARTITIONS is {text!r}, not a number from 1 to 1024. Example: LEADFLOW_PARTITIONS=4.")
    return int(text)
