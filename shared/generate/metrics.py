"""The table of all metrics, from shared/metrics."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import NamedTuple

from prometheus_client.metrics import MetricWrapperBase

from shared import metrics
from shared.metrics import books, door, funnel, handover, process
from shared.metrics.counted import Counts, Spread

_MODULES: dict[str, ModuleType] = {
    "Every process": process,
    "Every stage (enrich, score, route and its intake, webhooks and mail, console and its books)": metrics,
    "Capture": door,
    "Score": funnel,
    "Route": handover,
    "Console": books,
}
_HEAD = """# Metrics

Generated from `shared/metrics/` by `python -m shared.generate`. Each service answers `GET /metrics` without a token, in Prometheus' text format, or
in OpenMetrics with exemplars (`event_id`, and `trace_id` where the sender gave a trace) for who accepts it. The client library adds `process_*` and
`python_*`. Times are seconds; no label holds anything about a person.
"""


class Described(NamedTuple):
    """One metric, as a reader of /metrics sees it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str


def described() -> Iterator[tuple[str, Described]]:
    """Every metric, with who shows it, in the order of the table."""
    for who, module in _MODULES.items():
        for value in vars(module).values():
            if isinstance(value, Counts | Spread):
                (family,) = value.describe()
                labels = value.labels
            elif isinstance(value, MetricWrapperBase):
                (family,) = value.describe()
                labels = tuple(value._labelnames)
            else:
                continue
            suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
            yield who, Described(family.name + suffix, family.type, labels, family.documentation)


def text() -> str:
    """The document. Raises ValueError where a label has no meaning in shared.metrics.LABELS."""
    parts = [_HEAD, "## Labels\n", "| label | values |", "|---|---|"]
    used = {label for _, one in described() for label in one.labels}
    if missing := used - metrics.LABELS.keys():
        raise ValueError(f"shared/metrics/__init__.py: say in LABELS what {', '.join(sorted(missing))} may be.")
    parts += [f"| `{label}` | {metrics.LABELS[label]} |" for label in sorted(used)]
    last = ""
    for who, one in described():
        if who != last:
            parts += [f"\n## {who}\n", "| metric | type | labels | what it says |", "|---|---|---|---|"]
            last = who
        labels = ", ".join(f"`{label}`" for label in one.labels)
        parts.append(f"| `{one.name}` | {one.kind} | {labels} | {one.help} |")
    return "\n".join(parts) + "\n"
