"""What something costs: the same work without it and with it, in turn, so that what else the machine does meets both."""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable
from math import sqrt

from services.capture.main import COLLECT_AFTER


def as_a_service_collects() -> None:
    """Sets the collector as a service's main does, behind everything that was made before."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 10, 10)


def compared(once: Callable[[bool], tuple[float, float]], *, name: str, pairs: int, each: int, what: str) -> float:
    """The median of the pairs' differences in microseconds for one of `each`, and prints it with the interval that holds it in 95 of 100 such
    runs (by ranks). `once`: whether without comes first -> seconds of CPU without it and with it."""
    once(True)  # warm
    found = [(off / each * 1e6, on / each * 1e6) for off, on in (once(pair % 2 == 0) for pair in range(pairs))]
    differences = sorted(on - off for off, on in found)
    middle: float = statistics.median(differences)
    reach = int(0.98 * sqrt(pairs))  # ranks to either side of the median: 1.96 / 2 standard deviations of a binomial
    low, high = differences[max(0, pairs // 2 - 1 - reach)], differences[min(pairs - 1, (pairs + 1) // 2 + reach)]
    print(
        f"{name}: {statistics.median(off for off, _ in found):.1f} us without, {statistics.median(on for _, on in found):.1f} us with, difference "
        f"{middle:+.2f} us (95 %: {low:+.2f} to {high:+.2f}; {pairs} pairs of {each} {what})",
        flush=True,
    )
    return middle
