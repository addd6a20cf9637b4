"""Who may send: write keys to properties, vendors' hooks, in memory, so that what is known goes on working while Postgres is away."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import asyncpg
import msgspec

from services.capture import store
from services.capture.domain.clean import LONGEST_REMEMBERED
from services.capture.domain.verdict import ANY, BROWSER, SERVER
from services.capture.line import Line
from services.capture.store import DELETED, Db, Property, StoredHook
from services.capture.vendors.vendor import Hook
from shared import fieldmap, logs, waiting
from shared.database import FAILURES
from shared.fieldmap import FieldMap

POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0
_PREFIX_LENGTH = 11
_MOST_HEADERS = 4096  # remembered Authorization headers; a sender can vary the unused password


_BEGIN = {ANY: "wk_", BROWSER: "bk_", SERVER: "sk_"}


def new_key(kind: str = ANY) -> tuple[str, bytes, str]:
    """A new write key of 32 random bytes: (the key, which is shown once and then nowhere, its SHA-256, its readable beginning)."""
    key = _BEGIN[kind] + secrets.token_urlsafe(32)
    return key, hashed(key), key[:_PREFIX_LENGTH]


def hashed(key: str) -> bytes:
    """The form in which keys are stored and compared. A key is random, so a fast hash is enough."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


@dataclass(frozen=True, slots=True)
class KnownHook:
    """A vendor's hook at a property: what its module is given, and how leads are fetched."""

    owner: Property
    hook: Hook
    stored: StoredHook


class Properties:
    """The properties by write key, and their hooks. Changes are seen within a second or two: by NOTIFY at once, else by polling."""

    def __init__(self, found: Sequence[Property] = (), hooks: Sequence[StoredHook] = ()) -> None:
        self._by_hash: Mapping[bytes, Property] = {}
        self._hooks: Mapping[tuple[str, str], KnownHook] = {}
        self._by_header: dict[bytes, Property] = {}
        self.origins: frozenset[str] = frozenset()
        self.any_origin = False
        self._look = asyncio.Event()
        self.set(found, hooks)

    def set(self, found: Sequence[Property], hooks: Sequence[StoredHook] = ()) -> None:
        """From now on these are the properties and hooks."""
        self._by_hash = {
            hash_: one if kind == ANY else replace(one, via=kind)
            for one in found
            for hash_, kind in zip(one.hashes, one.kinds or (ANY,) * len(one.hashes), strict=True)
        }
        self._by_header = {}
        # One that was deleted allows nothing; its keys are told so.
        self.origins = frozenset(origin for one in found for origin in one.origins if one.state != DELETED)
        self.any_origin = any(allows_any(one) for one in found if one.state != DELETED)
        owners = {one.property: one for one in found}
        self._hooks = {
            # A vendor that proves itself is a server that speaks for others.
            (one.vendor, one.property): KnownHook(replace(owners[one.property], via=SERVER), _hook(one), one)
            for one in hooks
            if one.property in owners
        }

    def by_key(self, key: str) -> Property | None:
        """Whose write key it is, that of a paused or deleted property too (`state`)."""
        return self._by_hash.get(hashed(key))

    def hook(self, vendor: str, property_: str) -> KnownHook | None:
        """What is set up for a vendor at a property."""
        return self._hooks.get((vendor, property_))

    def by_header(self, authorization: bytes) -> Property | None:
        """Whose write key stands in an Authorization header: as Basic user name or as Bearer."""
        found = self._by_header.get(authorization)
        if found is None:
            key = _key_in(authorization)
            found = self.by_key(key) if key else None
            if found is not None and len(authorization) <= LONGEST_REMEMBERED:
                if len(self._by_header) >= _MOST_HEADERS:
                    self._by_header.clear()
                self._by_header[authorization] = found
        return found

    async def refresh(self, db: Db) -> None:
        """Reads all properties again. Raises what Postgres raises; what is known then stays."""
        self.set(await store.properties(db), await store.all_hooks(db))

    async def follow(self, dsn: str) -> None:
        """Keeps the properties fresh for ever. While Postgres is away they stay as they were."""

        async def listen(connection: asyncpg.Connection) -> None:
            await connection.add_listener("properties", lambda *_: self._look.set())

        line = Line(dsn, listen)
        try:
            while True:
                self._look.clear()
                try:
                    await line.do(self.refresh, within_seconds=_PATIENCE_SECONDS)
                except FAILURES as error:
                    logs.get().warning("can't refresh the properties, keeping those known", error=type(error).__name__)
                await waiting.for_event(self._look, POLL_SECONDS)
        finally:
            line.close()


def allows_any(one: Property) -> bool:
    """Whether scripts of any origin may read our answers to this property. They tell nothing but success, so that is the default."""
    return not one.origins or "*" in one.origins


def misused(one: Property, origin: bytes | None) -> bool:
    """Whether a browser key comes from a page of another origin than the property's: it is in clear on each page, so anybody may copy it.
    What says no origin is no page's script, so that nobody else's page can use it."""
    return origin is not None and "*" not in one.origins and origin.decode("latin-1").lower() not in one.origins


def _hook(stored: StoredHook) -> Hook:
    return Hook(
        secrets=lambda name: stored.secrets.get(name, ()),
        field_map=_field_map(stored.field_map) if stored.field_map is not None else None,
    )


@lru_cache(maxsize=256)  # they are read again each second
def _field_map(text: str) -> FieldMap | None:
    """A map that was found good when it was set; None when it is so no more, which the log says."""
    found = fieldmap.read(msgspec.json.decode(text))
    if isinstance(found, FieldMap):
        return found
    logs.get().error("a hook's field map is not understood any more, set it again", mistakes=found)
    return None


def _key_in(authorization: bytes) -> str | None:
    scheme, _, rest = authorization.partition(b" ")
    scheme, rest = scheme.lower(), rest.strip()
    if scheme == b"bearer":
        return rest.decode("latin-1")
    if scheme == b"basic":
        try:
            return base64.b64decode(rest, validate=True).partition(b":")[0].decode("utf-8", "replace")
        except binascii.Error:
            return None
    return None
