"""The tracker as a file: leads.js with its ETag, compressed where the browser takes that. What the tracker does, tracker/src says."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

from services.capture.answers import Answer
from services.capture.door.desk import Desk, Judged
from services.capture.request import Request

TRACKER = "/leads.js"

_FILE = (Path(__file__).parents[1] / "tracker" / "leads.js").read_bytes()
_SMALL = gzip.compress(_FILE, 9, mtime=0)
_ETAG = b'W/"%b"' % hashlib.sha256(_FILE).hexdigest()[:16].encode()  # weak: one for both encodings
# An hour: so long may a page run an older tracker. Any site may load it, with Subresource Integrity and isolation too.
_ALWAYS = (
    (b"etag", _ETAG),
    (b"cache-control", b"public, max-age=3600"),
    (b"vary", b"accept-encoding"),
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
)
_TYPE = (b"content-type", b"text/javascript; charset=utf-8")
_PLAIN = Answer(200, _FILE, (_TYPE, (b"content-length", b"%d" % len(_FILE)), *_ALWAYS))
_GZIP = Answer(200, _SMALL, (_TYPE, (b"content-length", b"%d" % len(_SMALL)), (b"content-encoding", b"gzip"), *_ALWAYS))
_SAME = Answer(304, b"", _ALWAYS)


def tracker(_: Desk, request: Request) -> Judged:
    """The file, or that the browser has it already."""
    if _ETAG in request.headers.get(b"if-none-match", b""):
        return Judged(_SAME)
    return Judged(_GZIP if b"gzip" in request.headers.get(b"accept-encoding", b"") else _PLAIN)
