"""Capture's own Postgres: senders.py has properties and their keys, waiting.py the spool. SQL only, no decisions."""

from services.capture.store.db import Db
from services.capture.store.senders import (
    MAX_LIVE_KEYS,
    NewProperty,
    Property,
    TooManyKeys,
    add,
    add_key,
    properties,
    revoke_key,
    show,
    slug,
)
from services.capture.store.waiting import (
    CHANNEL,
    Lane,
    backlog,
    drained,
    lease,
    oldest,
    oldest_seconds,
    release,
    spool,
    told,
)

__all__ = [
    "CHANNEL",
    "MAX_LIVE_KEYS",
    "Db",
    "Lane",
    "NewProperty",
    "Property",
    "TooManyKeys",
    "add",
    "add_key",
    "backlog",
    "drained",
    "lease",
    "oldest",
    "oldest_seconds",
    "properties",
    "release",
    "revoke_key",
    "show",
    "slug",
    "spool",
    "told",
]
