"""What became of a mail, as others hear it: an activity on leads.captured.v1 and, where the address takes no more, a suppression on leads.commands.v1."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from services.route.domain.nurture.suppressing import SUPPRESS
from shared import clock, cloudevent, contracts, ids, mail_link
from shared.topology import CAPTURED, COMMANDS

PROPERTY = "mail"
TOO_FAST = timedelta(seconds=5)  # what follows a mail so soon, its way to a person is shorter than any person's
_TOLD = ("opened", "clicked", "unsubscribed", "bounced", "refused", "complained")


class Seen(Struct, frozen=True, kw_only=True):
    """What happened to a mail, with what its activity says."""

    event_id: str
    mail_id: str
    what: str
    at: datetime
    url: str
    channel: str
    ip: str | None
    user_agent: str | None
    suppress: bool
    kind: str
    lead_id: str
    track: str
    step: str
    content: str
    address: str
    sent_at: datetime | None


class Record(Struct, frozen=True):
    """One record to be written."""

    topic: str
    key: str
    value: bytes
    headers: list[tuple[str, bytes]]


def activity(seen: Seen, *, secret: bytes, now: datetime) -> Record | None:
    """The activity by which enrich and score hear of it, of the person with this address; None where it is none (what an owner does with a notice)."""
    if seen.what not in _TOLD or seen.kind not in ("nurture", "magnet"):
        return None
    event_id = ids.event_id("mail", seen.event_id, seen.mail_id, 0, "lead.captured")
    said = {"mail_id": seen.mail_id, "track": seen.track, "step": seen.step, "content": seen.content, "url": seen.url}
    properties: dict[str, Any] = {name: value for name, value in said.items() if value}
    if seen.what == "unsubscribed":
        properties["channel"] = seen.channel or "all"
    is_look = seen.what in ("opened", "clicked")
    hasty = is_look and seen.sent_at is not None and seen.at - seen.sent_at < TOO_FAST
    event = contracts.Captured(
        event_id=event_id,
        property=PROPERTY,
        kind="pixel" if seen.what == "opened" else "track",
        name=f"email-{seen.what}",
        occurred_at=seen.at,
        received_at=now,
        traits={"email": seen.address},
        properties=properties,
        context=contracts.Context(ip=seen.ip, user_agent=seen.user_agent, marks=["too-fast"] if hasty else None),
    )
    key = ids.person_key(secret, f"email:{seen.address.strip().lower()}")
    headers = cloudevent.headers(event_id=event_id, type_="lead.captured", source="route", time=clock.text(now))
    return Record(CAPTURED.name, key, contracts.encode(event), headers)


def suppression(seen: Seen, *, now: datetime) -> Record | None:
    """The command that sends nothing more to an address; None where it need not be given."""
    if not seen.suppress:
        return None
    event_id = ids.event_id("mail", seen.event_id, seen.mail_id, 0, SUPPRESS)
    payload = {"channel": mail_link.EMAIL, "why": seen.what, "address_sha256": mail_link.hashed(seen.address).hex()}
    command = contracts.Command(
        event_id=event_id, kind=SUPPRESS, issued_at=now, lead_id=seen.lead_id, by="mail", payload=payload
    )
    headers = cloudevent.headers(
        event_id=event_id, type_="lead.command", source="route", time=clock.text(now), subject=seen.lead_id
    )
    return Record(COMMANDS.name, seen.lead_id, contracts.encode(command), headers)
