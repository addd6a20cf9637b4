"""A letter as bytes: headers and bodies, by the standard library's e-mail package, which lets no header be put into another. Sends nothing."""

from __future__ import annotations

from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from msgspec import Struct

# Seven bits, so that no server has to change it; headers are never folded, since a link would not survive that.
_BODY = SMTP.clone(cte_type="7bit")
_HEADERS = _BODY.clone(max_line_length=998)
_LONGEST_SUBJECT = 500


class Unsendable(Exception):
    """What can't be made a letter; the message says why, without the address."""


class Text(Struct, frozen=True):
    """What a template made."""

    subject: str
    text: str
    html: str | None = None


class Sender(Struct, frozen=True):
    """Whose letters they are. `bounces` is where servers report to; the domain of `sender` stands in message ids."""

    sender: Address
    bounces: str
    reply_to: Address | None = None


def address(text: str) -> Address:
    """`Name <jo@acme.example>` or the address alone, its domain as the wire has it. Raises ValueError for anything else."""
    text = text.strip()
    name, begun, rest = text.rpartition("<")
    spec = rest.removesuffix(">").strip() if begun else text
    if bool(begun) != text.endswith(">") or not spec.isprintable() or not name.isprintable() or " " in spec:
        raise ValueError("is no e-mail address")
    local, _, domain = spec.rpartition("@")
    try:
        found = Address(name.strip().strip('"'), addr_spec=f"{local}@{domain.encode('idna').decode('ascii')}")
    except (MessageError, ValueError, IndexError, UnicodeError):
        raise ValueError("is no e-mail address") from None
    if not found.username or not found.domain or not found.addr_spec.isascii():
        raise ValueError("is no e-mail address that every server takes")
    return found


def message_id(mail_id: str, sender: Address) -> str:
    """The same for every try of a mail, so that whoever gets it twice can tell."""
    return f"<{mail_id}@{sender.domain}>"


def mail_id_in(message_id: str) -> str:
    """The mail that a Message-ID names, as `message_id` made it; anything else where it is not ours."""
    return message_id.strip().strip("<>").partition("@")[0]


def compose(text: Text, *, mail_id: str, sender: Sender, to: Address, at: datetime, leave: str | None) -> bytes:
    """The letter. `leave` is the link that stops more of it at one click (RFC 8058, 2017-01). Raises Unsendable."""
    subject = " ".join(text.subject.split())
    if not subject or len(subject) > _LONGEST_SUBJECT:
        raise Unsendable("the subject is empty" if not subject else "the subject is too long")
    made = EmailMessage(_BODY)
    try:
        made["Date"] = format_datetime(at)
        made["From"] = sender.sender
        made["To"] = to
        made["Subject"] = subject
        made["Message-ID"] = message_id(mail_id, sender.sender)
        if sender.reply_to is not None:
            made["Reply-To"] = sender.reply_to
        made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is told to it
        if leave is not None:
            made["List-Unsubscribe"] = f"<{leave}>"
            made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        made.set_content(text.text)
        if text.html is not None:
            made.add_alternative(text.html, subtype="html")
        return made.as_bytes(policy=_HEADERS)
    except (MessageError, ValueError, UnicodeError) as error:
        raise Unsendable(f"the letter can't be made: {type(error).__name__}") from None
