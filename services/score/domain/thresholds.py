"""Against which numbers conditions hold a lead's points: so that the moment when the clock changes their answer can be foreseen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

POINTS = ("total", "fit", "engagement")
_STRING = re.compile(r"""[rRbB]{0,2}(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|//[^\n]*""")
_NUMBER = r"(-?\s*\d+(?:\.\d*)?)"
_SIGN = r"(>=|<=|==|!=|>|<)"
_NAME = re.compile(rf"(?<![\w.])({'|'.join(POINTS)})(?![\w(])")
_AFTER = re.compile(rf"\s*{_SIGN}\s*{_NUMBER}\s*(?=$|[)&|?:,\]])")
_BEFORE = re.compile(rf"(?:^|[(&|?:,!\[])\s*{_NUMBER}\s*{_SIGN}\s*$")
_OPENS = re.compile(r"(?:^|[(&|?:,!\[])\s*$")
_CLOSES = re.compile(r"\s*(?:$|[)&|?:,\]])")


def thresholds(source: str) -> Iterator[tuple[str, int]]:
    """Each of total, fit and engagement that a condition in CEL names, with the number (in hundredths, rounded up) that it compares it with.

    Raises ValueError where one is used in another way than compared with a number: `total * 2 > 160`.
    """
    plain = _STRING.sub(lambda found: " " * len(found.group()), source)
    for name in _NAME.finditer(plain):
        after = _AFTER.match(plain, name.end())
        before = _BEFORE.search(plain[: name.start()])
        if after is not None and _OPENS.search(plain[: name.start()]):
            number = after[2]
        elif before is not None and _CLOSES.match(plain, name.end()):
            number = before[1]
        else:
            raise ValueError(f"{name[1]} can only be compared with a number, for example {name[1]} >= 80")
        yield name[1], -int(-Decimal(number.replace(" ", "")) * 100 // 1)
