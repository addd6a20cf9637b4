"""What may identify somebody, and what only looks like it: placeholders that broken pages send in place of an id."""

from __future__ import annotations

import re
from functools import lru_cache

# Compared in small letters without surrounding blanks. Placeholders of languages, tag managers and SDKs, as CDP vendors block them.
_PLACEHOLDERS = frozenset(
    [
        "null", "undefined", "none", "nil", "nan", "na", "n/a", "#n/a", "void", "empty", "blank", "missing", "unset", "not set", "not_set",
        "(not set)", "not-set", "unknown", "unknown user", "guest", "guest user", "guest_user", "guest-user", "anonymous", "anonymous user",
        "anonymous_user", "anon", "user", "userid", "user_id", "user id", "user-id", "your_user_id", "id", "uid", "visitor", "visitorid",
        "customer", "default", "test", "example", "true", "false", "yes", "no", "ok", "string", "object", "[object object]", "array",
        "[]", "{}", "()", "\"\"", "''", "-1", "nobody", "no user", "no-user", "logged out", "logged_out", "logged-out", "notloggedin",
        "not logged in", "anonymousid", "anonymous_id", "distinct_id", "lead", "invalid", "error", "optout", "opt_out", "tbd", "todo",
    ]
)  # fmt: skip
_NOTHING = re.compile(r"[0\W_]*").fullmatch  # empty, all zeros with or without dashes, nothing but punctuation
_ONE_MARK = re.compile(r"([0-9a-f])(?:\1|-)*", re.IGNORECASE).fullmatch  # ffffffff-ffff-...: a mask, not an id
_TEMPLATE = re.compile(r"\{\{.*\}\}|\$\{.*\}|<%.*%>|%%.*%%|<[A-Za-z_ ]+>|\[[A-Za-z_ ]+\]|__[A-Z_]+__").fullmatch
_LONGEST = 256


@lru_cache(maxsize=5_000)
def legal(raw: str) -> str | None:
    """The id in `raw`, or None when it can't tell one person from another."""
    text = raw.strip()
    if not text or len(text) > _LONGEST or not text.isprintable() or text.lower() in _PLACEHOLDERS:
        return None
    if _NOTHING(text) or _TEMPLATE(text) or (len(text) > 3 and _ONE_MARK(text)):
        return None
    return text
