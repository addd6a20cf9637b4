"""Gathers what the services and the topics know about one lead: for `leads lead show` and the end of the demo. Prints nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from services.console import reading
from services.console.ask import Ask
from services.console.domain import journey
from services.console.domain.journey import Way
from services.console.domain.story import called
from services.console.domain.summary import text_header
from services.console.where import Trouble
from shared import clock, ids
from shared.stage import Record
from shared.topology import CAPTURED, ENRICHED, HANDOVER, SCORED

# What an event may wait before enrich tells of it and still be found: beyond, its way begins with `enriched`.
_WAITED_MS = 24 * 3600 * 1000
_DIALLED = re.compile(r"\s*[+(0-9][0-9 ()./-]{4,}").fullmatch
_SAID = {"email": "e-mail address", "phone": "phone number"}


def lead(ask: Ask, name: str) -> dict[str, Any]:
    """Enrich's knowledge of the lead with this id, e-mail address or phone number, score's, route's, and the ways of its activities.

    Raises Trouble when there is no such lead. A service that has not heard of it yet leaves its part empty.
    """
    found = enriched(ask, name)
    lead_id = str(found["lead_id"])
    handed = ask.find("route", f"/v1/leads/{lead_id}/handovers") or {}
    nurture = ask.find("route", f"/v1/leads/{lead_id}/nurture") or {}
    return {
        **found,
        "nurture": {name: nurture.get(name, []) for name in ("active", "steps", "suppressed", "audiences")},
        "score": ask.find("score", f"/v1/leads/{lead_id}/score"),
        "handovers": handed.get("handovers", []),
        "ways": [document(way) for way in ways(ask.where.kafka, lead_id, partitions=ask.where.partitions)],
    }


def ways(kafka: str, lead_id: str, *, partitions: int) -> list[Way]:
    """The ways of a lead's activities, as far as the newest records of its partition still tell them."""
    return asyncio.run(_ways(kafka, lead_id, partitions))


def document(way: Way) -> dict[str, Any]:
    """A way for programs: each step with its moment and the milliseconds since the step before."""
    return {
        "activity_id": way.activity_id,
        "kind": way.kind,
        "name": way.name,
        "property": way.property,
        "occurred_at": way.occurred_at,
        "handover_id": way.handover_id,
        "hops": [{"step": step, "at": clock.text(clock.from_ms(at)), "took_ms": took} for step, at, took in way.hops()],
        "took_ms": way.took_ms(),
    }


async def _ways(kafka: str, lead_id: str, partitions: int) -> list[Way]:
    part = ids.partition(lead_id.encode(), partitions)
    about = await reading.kept(
        kafka,
        (ENRICHED.name, SCORED.name, HANDOVER.name),
        since_ms=0,
        wanted=lambda record: text_header(record, "ce_subject") == lead_id,
        parts=dict.fromkeys((ENRICHED.name, SCORED.name, HANDOVER.name), part),
    )
    if not about:
        return []
    begun = journey.activity_ids(about)

    def began(record: Record) -> bool:
        named = text_header(record, "ce_id")  # a web property that writes to Kafka itself may leave the headers out
        return named in begun if named else not begun.isdisjoint(journey.captured_ids([record]))

    since = min(record.timestamp_ms for record in about) - _WAITED_MS
    return journey.ways([*about, *await reading.kept(kafka, (CAPTURED.name,), since_ms=since, wanted=began)])


def enriched(ask: Ask, name: str) -> dict[str, Any]:
    """What enrich knows of the lead with this id, e-mail address or phone number. Raises Trouble where there is none, or several."""
    if not name.strip():
        raise Trouble("Name a lead: by its id (ld_...), an e-mail address or a phone number (+44...).")
    kind = "email" if "@" in name else "phone" if _DIALLED(name) else None
    if kind is not None:
        leads = ask.get("enrich", "/v1/leads", **{kind: name})["leads"]
        if not leads:
            raise Trouble(
                f"Enrich knows no lead with this {_SAID[kind]}. `leads tail` shows what arrives, `leads dead list` what was refused."
            )
        if len(leads) > 1:
            several = "; ".join(f"{called(one)} ({one['lead_id']})" for one in leads)
            raise Trouble(f"Several leads have this {_SAID[kind]}. Name one by its id: {several}.")
        name = str(leads[0]["lead_id"])
    found: dict[str, Any] | None = ask.find("enrich", f"/v1/leads/{quote(name, safe='')}")
    if found is None:
        raise Trouble(
            "Enrich knows no lead with this id. Ids begin with ld_; an e-mail address or a phone number (+44...) will do too."
        )
    return found


def having(ask: Ask, identifier: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The leads that have this identifier, as the API shows it."""
    found: list[dict[str, Any]] = ask.get("enrich", "/v1/leads", **{identifier["kind"]: identifier["value"]})["leads"]
    return found
