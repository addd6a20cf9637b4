"""Who may send: write keys to properties, in memory, so that a key that is known goes on working while Postgres is away."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import secrets
from collections.abc import Mapping

import asyncpg

from services.capture import store
from services.capture.line import FAILURES, Line
from services.capture.store import Db, Property
from shared import logs

POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0
_PREFIX_LENGTH = 11
_MOST_HEADERS = 4096  # remembered Authorization headers; a sender can vary the unused password


def new_key() -> tuple[str, bytes, str]:
    """A new write key of 32 random bytes: (the key, which is shown once and then nowhere, its SHA-256, its readable beginning)."""
    key = "wk_" + secrets.token_urlsafe(32)
    return key, hashed(key), key[:_PREFIX_LENGTH]


def hashed(key: str) -> bytes:
    """The form in which keys are stored and compared. A key is random, so a fast hash is enough."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


class Properties:
    """The live properties, by write key. Changes are seen within a second or two: by NOTIFY at once, else by polling."""

    def __init__(self, found: tuple[Property, ...] = ()) -> None:
        self._by_hash: Mapping[bytes, Property] = {}
        self._by_header: dict[bytes, Property] = {}
        self.origins: frozenset[str] = frozenset()
        self.any_origin = False
        self._look = asyncio.Event()
        self.set(found)

    def set(self, found: tuple[Property, ...]) -> None:
        """From now on these are the properties."""
        self._by_hash = {hash_: one for one in found for hash_ in one.hashes}
        self._by_header = {}
        self.origins = frozenset(origin for one in found for origin in one.origins)
        self.any_origin = any(allows_any(one) for one in found)

    def by_key(self, key: str) -> Property | None:
        """Whose write key it is."""
        return self._by_hash.get(hashed(key))

    def by_header(self, authorization: bytes) -> Property | None:
        """Whose write key stands in an Authorization header: as Basic user name or as Bearer."""
        found = self._by_header.get(authorization)
        if found is None:
            key = _key_in(authorization)
            found = self.by_key(key) if key else None
            if found is not None:
                if len(self._by_header) >= _MOST_HEADERS:
                    self._by_header.clear()
                self._by_header[authorization] = found
        return found

    async def refresh(self, db: Db) -> None:
        """Reads all properties again. Raises what Postgres raises; what is known then stays."""
        self.set(tuple(await store.properties(db)))

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
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._look.wait(), POLL_SECONDS)
        finally:
            line.close()


def allows_any(one: Property) -> bool:
    """Whether scripts of any origin may read our answers to this property. They tell nothing but success, so that is the default."""
    return not one.origins or "*" in one.origins


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
