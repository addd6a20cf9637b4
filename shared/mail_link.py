"""The signed links in mails: route writes them, capture's door reads them. They say all that is needed, so no store has to be asked. No HTTP."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Collection
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

PATH = "/m/"  # at capture
KIND = "mail"  # of the lead.command by which capture tells route what was done with a link
EMAIL = "email"  # nurture's channel that is sent by mail
TRACK = "track:"  # begins what is suppressed for one track alone
_SIGNATURE_BYTES = 16
_LONGEST = 4096  # characters of a link that are looked at


class Link(Struct, frozen=True, array_like=True):
    """What a link is for, in which mail. `address` is the SHA-256 of the trimmed address in small letters; `target` is a click's."""

    kind: Literal["open", "click", "leave"]
    mail: bytes
    lead_id: str
    address: bytes = b""
    track: str = ""
    target: str = ""

    @property
    def mail_id(self) -> str:
        """The id of the mail: that of the step, or whatever it tells."""
        return str(uuid.UUID(bytes=self.mail))


class Done(Struct, frozen=True, omit_defaults=True):
    """The payload of a command of kind `mail`: what somebody, or something, did with a link."""

    mail_id: str
    did: Literal["opened", "clicked", "unsubscribed"]
    url: str | None = None
    channel: str | None = None  # what was unsubscribed from: as in a suppression
    ip: str | None = None
    user_agent: str | None = None


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Link).decode


def hashed(address: str) -> bytes:
    """An address as suppressions name it."""
    return hashlib.sha256(address.strip().lower().encode()).digest()


def written(secret: bytes, link: Link) -> str:
    """The link as it stands behind PATH."""
    packed = _pack(link)
    return base64.urlsafe_b64encode(_signature(secret, packed) + packed).rstrip(b"=").decode()


def read(secret: bytes, text: str) -> Link | None:
    """The link that was written so; None for anything that was not, or was changed."""
    if len(text) > _LONGEST or not text.isascii():
        return None
    try:
        whole = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    except binascii.Error:
        return None
    signature, packed = whole[:_SIGNATURE_BYTES], whole[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(secret, packed)):
        return None
    try:
        link = _unpack(packed)
    except msgspec.MsgspecError:  # signed by a version that wrote others
        return None
    return link if len(link.mail) == 16 else None


def leads_to(target: str, hosts: Collection[str]) -> bool:
    """Whether a click may be sent on to `target`: an address of the web whose host is one of these, or beneath one that begins with a dot."""
    if any(ord(char) <= 32 or ord(char) >= 127 or char == "\\" for char in target):
        return False
    try:
        parts = urlsplit(target)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme not in ("https", "http") or parts.username is not None or parts.password is not None:
        return False
    return host in hosts or any(one.startswith(".") and host.endswith(one) for one in hosts)


def hosts_in(text: str) -> frozenset[str]:
    """The hosts of a setting, separated by commas. Raises ValueError for what is none."""
    found = frozenset(part.strip().lower() for part in text.split(",") if part.strip())
    for host in found:
        if not leads_to(f"https://{host.removeprefix('.')}/", {host.removeprefix(".")}):
            raise ValueError(
                "must be hosts like www.acme.example, or .acme.example with all beneath, separated by commas"
            )
    return found


def _signature(secret: bytes, packed: bytes) -> bytes:
    return hmac.digest(secret, b"mail-link\x1f" + packed, "sha256")[:_SIGNATURE_BYTES]
