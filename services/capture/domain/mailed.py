"""What was done with a link of a mail, as commands to route: kept like any event, and decided there. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from shared import clock, cloudevent, contracts, ids, mail_link
from shared.mail_link import Done, Link
from shared.message import Message
from shared.topology import COMMANDS

UNSUBSCRIBED: Literal["unsubscribed"] = "unsubscribed"
_SUPPRESS = "suppress"


class Links(Struct, frozen=True):
    """The links of one installation: its secret, to which hosts its clicks may go, how many partitions its topics have."""

    secret: bytes
    hosts: Collection[str]
    partitions: int

    def read(self, text: str) -> Link | None:
        """The link that route wrote; None for anything else, and for a click that may lead nowhere any more."""
        link = mail_link.read(self.secret, text)
        if link is not None and link.kind == "click" and not mail_link.leads_to(link.target, self.hosts):
            return None
        return link

    def seen(self, link: Link, *, at: datetime, ip: str | None, user_agent: str | None) -> Message:
        """Somebody opened the mail or followed a link in it. The same by the same agent within an hour is one."""
        did: Literal["opened", "clicked"] = "opened" if link.kind == "open" else "clicked"
        hour = f"{at:%Y-%m-%dT%H}"
        event_id = ids.event_id("mail-link", link.mail_id, f"{link.target}\x1f{user_agent}\x1f{hour}", 0, did)
        done = Done(link.mail_id, did, link.target or None, None, ip, user_agent)
        return self._command(event_id, mail_link.KIND, link, msgspec.to_builtins(done), at)

    def left(self, link: Link, channel: str, *, at: datetime) -> list[Message]:
        """Somebody wants nothing more by this channel (none: by any). Nurture hears it by itself, whatever is known of the mail; and again
        where it is said again, since an operator may have lifted it meanwhile."""
        suppress = {"channel": channel, "why": UNSUBSCRIBED, "address_sha256": link.address.hex()}
        done = msgspec.to_builtins(Done(link.mail_id, UNSUBSCRIBED, channel=channel))
        minute = f"{channel}\x1f{at:%Y-%m-%dT%H:%M}"
        return [
            self._command(ids.event_id("mail-link", link.mail_id, minute, 0, _SUPPRESS), _SUPPRESS, link, suppress, at),
            self._command(
                ids.event_id("mail-link", link.mail_id, channel, 0, UNSUBSCRIBED), mail_link.KIND, link, done, at
            ),
        ]

    def _command(self, event_id: str, kind: str, link: Link, payload: dict[str, Any], at: datetime) -> Message:
        said = contracts.Command(
            event_id=event_id, kind=kind, issued_at=at, lead_id=link.lead_id, by="mail", payload=payload
        )
        headers = cloudevent.headers(
            event_id=event_id, type_="lead.command", source="capture", time=clock.text(at), subject=link.lead_id
        )
        key = link.lead_id.encode()
        return Message(
            COMMANDS.name, ids.partition(key, self.partitions), key, contracts.encode(said), headers, event_id
        )
