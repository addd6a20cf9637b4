"""From bytes to a typed value, and from msgspec's complaints to refusals that hold nothing of what was sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import Raw

from services.capture.domain import clean
from services.capture.domain.verdict import Refused
from shared.outcome import Reason

T = TypeVar("T")

# msgspec says "Expected `str`, got `int` - at `$.context.page.url`": types and a place, nothing of the value.
_PLACE = re.compile(r"^(.*?)(?: - at `(?:key in )?\$(.*)`)?$", re.DOTALL)


class Broken(ValueError):
    """A body that is not what its content type says, so that there is no event to judge. The text is for the sender."""


def decoded(decode: Callable[[bytes | Raw], T], body: bytes | Raw) -> T | Refused:
    """The value in `body`, or what is wrong with it. Raises Broken when it is no JSON at all, and nothing else."""
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        detail, pointer = _explained(error)
        return Refused(Reason.INVALID, detail, pointer)
    except RecursionError:
        return clean.too_deep()
    except UnicodeDecodeError:
        return Refused(Reason.UNDECODABLE, "A text is not UTF-8. Send JSON in UTF-8.")
    except msgspec.DecodeError:
        mended = clean.without_nan(bytes(body))
        if mended is not None:
            return decoded(decode, mended)
        raise Broken("The body is not JSON. Check the brackets and quotes.") from None


def _explained(error: msgspec.ValidationError) -> tuple[str, str]:
    """msgspec's message as a sentence, and the place as a JSON Pointer."""
    match = _PLACE.match(str(error))
    said, place = (match[1], match[2] or "") if match is not None else ("A value has the wrong type", "")
    # `[...]` stands for a key or index that msgspec does not tell: the pointer ends at the map around it.
    pointer = "/".join(place.partition("[")[0].split("."))
    return said.replace("`", "'") + ".", pointer
