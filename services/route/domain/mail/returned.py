"""Mail that comes back, read: delivery reports (RFC 3464, 2003-01) and complaints (RFC 5965, 2010-08). Whose mail it was, the store knows."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import default
from typing import Literal

from msgspec import Struct

from services.route.domain.mail import answer
from services.route.domain.mail.letter import mail_id_in
from shared.cloudevent import is_uuid

LARGEST = 10 * 1024 * 1024


class Returned(Struct, frozen=True):
    """What a report says of one mail. `address` is whom it says it of, empty where it does not."""

    mail_id: str
    what: Literal["bounced", "refused", "delayed", "complained"]  # bounced: the address takes no mail at all
    address: str = ""


def read(raw: bytes) -> list[Returned]:
    """What a mail in the operator's mailbox reports of mails of ours; nothing for any other mail. Never raises: anybody may write to that box."""
    if len(raw) > LARGEST:
        return []
    try:
        message = BytesParser(policy=default).parsebytes(raw)
        if message.get_content_type() != "multipart/report":
            return []
        mail_id = next((one for one in _named(message) if is_uuid(one)), None)
        if mail_id is None:
            return []
        kind = str(message.get_param("report-type") or "").lower()
        if kind == "feedback-report":
            return [Returned(mail_id, "complained")]
        return [one for part in _parts(message, "message/delivery-status") for one in _reported(part, mail_id)]
    except Exception:  # the parser gives up on some nonsense by whatever comes first
        return []


def _reported(part: Message, mail_id: str) -> Iterator[Returned]:
    """A delivery-status part is a list of header blocks: one of the message, then one for each recipient."""
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        if not isinstance(block, Message):
            continue
        action = str(block.get("Action", "")).strip().lower()
        if action not in ("failed", "delayed"):
            continue
        status = answer.status_in(str(block.get("Status", "")))
        recipient = str(block.get("Final-Recipient") or block.get("Original-Recipient") or "")
        address = recipient.partition(";")[2].strip() or recipient.strip()
        is_dead = answer.is_dead(0, status or "5.0.0")
        yield Returned(
            mail_id, "delayed" if action == "delayed" else "bounced" if is_dead else "refused", address.strip("<>")
        )


def _named(message: Message) -> Iterator[str]:
    """The mails that the returned parts name in their Message-ID."""
    for part in message.walk():
        kind = part.get_content_type()
        if kind == "text/rfc822-headers":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                yield mail_id_in(str(BytesParser(policy=default).parsebytes(payload).get("Message-ID", "")))
        elif part is not message and part.get("Message-ID") is not None:
            yield mail_id_in(str(part["Message-ID"]))


def _parts(message: Message, kind: str) -> Iterator[Message]:
    return (part for part in message.walk() if part.get_content_type() == kind)
