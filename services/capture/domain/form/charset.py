"""Which character set a form is written in, and its bytes as text. A closed list: no codec of Python's that is none of the web's."""

from __future__ import annotations

import re
from functools import lru_cache

# The labels that forms have been seen with; what they mean by the WHATWG's Encoding Standard (https://encoding.spec.whatwg.org/#names-and-labels),
# where latin-1 and ASCII are windows-1252. UTF-16 is no form's: the standard sends those as UTF-8.
_CODECS = {
    **dict.fromkeys(("iso-8859-1", "latin1", "latin-1", "l1", "us-ascii", "ascii", "windows-1252", "cp1252"), "cp1252"),
    **dict.fromkeys(("iso-8859-9", "latin5", "windows-1254"), "cp1254"),
    **{f"iso-8859-{part}": f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **{f"windows-{page}": f"cp{page}" for page in (1250, 1251, 1253, 1255, 1256, 1257, 1258, 874)},
    **{label: label for label in ("koi8-r", "koi8-u", "shift_jis", "euc-jp", "gb18030", "gbk", "big5", "euc-kr")},
}
_CHARSET = re.compile(rb"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)


@lru_cache(maxsize=256)
def of_content_type(content_type: bytes) -> str | None:
    """The codec of `charset=` in a content type; None for UTF-8, and for names that nobody knows."""
    found = _CHARSET.search(content_type)
    return codec(found[1].decode("ascii", "replace")) if found is not None else None


def codec(label: str) -> str | None:
    """The codec of a label as browsers write it into the field `_charset_`; None for UTF-8, and for names that nobody knows."""
    return _CODECS.get(label.strip().lower())


def text(raw: bytes, codec: str | None) -> str:
    """Bytes as text. Those of an old page that names no character set are no UTF-8: they are read as windows-1252, which browsers
    take for granted in western Europe, and which loses nothing. What no character set has becomes U+FFFD."""
    if codec is None:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            codec = "cp1252"
    return raw.decode(codec, "replace")
