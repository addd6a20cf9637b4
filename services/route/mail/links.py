"""The links of one mail, signed: stopping more of it, its picture, clicks that are sent on. What they do is capture's."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from msgspec import Struct

from services.route.domain.mail.heard import Kind, Mail
from services.route.mail.templates import Link, Refused
from shared import mail_link


class Links(Struct, frozen=True):
    """Of one installation. `url`: capture as the world sees it. `hosts`: to which clicks may lead. `counted`: whether openings and clicks are."""

    secret: bytes
    url: str
    hosts: Collection[str] = ()
    counted: bool = True

    def leave(self, mail: Mail) -> str | None:
        """Where more of it is stopped; None for what is not sent to a lead."""
        if mail.kind is Kind.NOTICE:
            return None
        address = mail_link.hashed(mail.address)
        track = mail.track if mail.kind is Kind.NURTURE else ""
        return self._written(mail_link.Link("leave", _bytes(mail), mail.lead_id, address, track))

    def pixel(self, mail: Mail) -> str | None:
        """The picture by which an opening is seen."""
        return self._written(mail_link.Link("open", _bytes(mail), mail.lead_id)) if self._counts(mail) else None

    def click(self, mail: Mail) -> Link:
        """What a template calls as `link(...)`: the address by which a click is seen. Raises Refused for one that may not be led to."""

        def link(target: str) -> str:
            target = str(target)
            if not self._counts(mail):
                return target
            if not mail_link.leads_to(target, self.hosts):
                raise Refused("a link to a host that LEADFLOW_MAIL_LINK_HOSTS does not name, or that is no web address")
            return self._written(mail_link.Link("click", _bytes(mail), mail.lead_id, target=target))

        return link

    def _counts(self, mail: Mail) -> bool:
        return self.counted and mail.kind in (Kind.NURTURE, Kind.MAGNET)

    def _written(self, link: mail_link.Link) -> str:
        return f"{self.url.rstrip('/')}{mail_link.PATH}{mail_link.written(self.secret, link)}"


def _bytes(mail: Mail) -> bytes:
    return uuid.UUID(mail.mail_id).bytes
