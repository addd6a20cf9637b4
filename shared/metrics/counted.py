"""Counts and spreads that hot paths can afford: a dict or a list entry each, made into samples when somebody scrapes. prometheus_client's own take
a lock and two look-ups for each observation (1 to 2 us), which is what a whole batch may cost here."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Exemplar, HistogramMetricFamily, Metric

Labels = tuple[str, ...]
_NAME = re.compile("[A-Za-z][A-Za-z0-9._-]{0,63}").fullmatch  # no address and no number of anybody


class Counts:
    """A counter. Only the loop adds; whoever scrapes reads a copy, from any thread."""

    def __init__(self, name: str, help_: str, labels: Labels, *, registry: CollectorRegistry = REGISTRY) -> None:
        self.name, self.help, self.labels = name, help_, labels
        self._counts: dict[Labels, int] = {}
        registry.register(self)

    def add(self, values: Labels, count: int = 1) -> None:
        """One more, or `count`, of these values of the labels, in their order."""
        self._counts[values] = self._counts.get(values, 0) + count

    def describe(self) -> Iterable[Metric]:
        """Its name and help, for the registry."""
        return [CounterMetricFamily(self.name, self.help, labels=self.labels)]

    def collect(self) -> Iterable[Metric]:
        """Its samples."""
        family = CounterMetricFamily(self.name, self.help, labels=self.labels)
        for values, count in dict(self._counts).items():
            family.add_metric(values, count)
        return [family]


class _Spread:
    """The observations of one set of labels: how many in each bucket, their sum, and the latest named one of each bucket."""

    __slots__ = ("counts", "exemplars", "sum")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * (buckets + 1)
        self.sum = 0.0
        self.exemplars: dict[int, Exemplar] = {}


class Spread:
    """A histogram, with exemplars in OpenMetrics. Only the loop adds; whoever scrapes reads a copy, from any thread."""

    def __init__(
        self,
        name: str,
        help_: str,
        labels: Labels,
        *,
        buckets: Sequence[float],
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        self.name, self.help, self.labels = name, help_, labels
        self._bounds = tuple(buckets)
        self._texts = [*map(repr, map(float, buckets)), "+Inf"]
        self._spreads: dict[Labels, _Spread] = {}
        registry.register(self)

    def observe(self, values: Labels, number: float) -> None:
        """One observation."""
        spread = self._spreads.get(values)
        if spread is None:
            spread = self._spreads[values] = _Spread(len(self._bounds))
        spread.counts[bisect_left(self._bounds, number)] += 1
        spread.sum += number

    def observe_all(self, values: Labels, numbers: Sequence[float], *, greatest: dict[str, str], at: float) -> None:
        """A batch's observations, the greatest of which has this name (the exemplar's labels). `at`: seconds since 1970."""
        if not numbers:
            return
        spread = self._spreads.get(values)
        if spread is None:
            spread = self._spreads[values] = _Spread(len(self._bounds))
        counts, bounds = spread.counts, self._bounds
        for number in numbers:
            counts[bisect_left(bounds, number)] += 1
        spread.sum += sum(numbers)
        slowest = max(numbers)
        spread.exemplars[bisect_left(bounds, slowest)] = Exemplar(greatest, slowest, at)

    def describe(self) -> Iterable[Metric]:
        """Its name and help, for the registry."""
        return [HistogramMetricFamily(self.name, self.help, labels=self.labels)]

    def collect(self) -> Iterable[Metric]:
        """Its samples."""
        family = HistogramMetricFamily(self.name, self.help, labels=self.labels)
        for values, spread in dict(self._spreads).items():
            total = 0
            buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
            for index, count in enumerate(list(spread.counts)):
                total += count
                exemplar, text = spread.exemplars.get(index), self._texts[index]
                buckets.append((text, total) if exemplar is None else (text, total, exemplar))
            family.add_metric(values, buckets, spread.sum)
        return [family]


class Names:
    """A closed set of label values: the first `most` names that come, and `other` for all after them and for what can't be a name."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def __call__(self, name: str | None) -> str:
        """`name` as a label's value; `none` where there is none."""
        if not name:
            return "none"
        if name in self._known:
            return name
        if len(self._known) < self._most and _NAME(name):
            self._known.add(name)
            return name
        return "other"
