"""Whether the system is as well as before, and said so truthfully: the checks of Q7, and of the share of requests that were accepted. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.chaos.history import Evidence, Ledger, Span

RECOVERY_SECONDS = 30.0
TRUTH_SECONDS = 15.0
MEMORY_MB = 120.0
GROWTH = 1.5  # of an instance against its own baseline
ACCEPTED = 0.99
_AFTER_OUTAGE_SECONDS = 2.0
_NOTICED_SECONDS = 3.0  # it may take us so long to see that the broker is back


def left_over(evidence: Evidence) -> list[str]:
    """What is not back at zero."""
    stores = evidence.stores
    found = [f"{service}: {rows} outbox rows" for service, rows in stores.outbox_rows.items() if rows]
    found += [f"{place}: {records} records behind" for place, records in stores.lag.items() if records > 0]
    if stores.spool_rows:
        found.append(f"capture: {stores.spool_rows} events in the spool")
    return found


def slow(evidence: Evidence) -> list[str]:
    """Recovery that took too long, and who is not ready."""
    found = [f"{member} is not ready" for member in evidence.unready]
    if evidence.recovery_seconds >= RECOVERY_SECONDS:
        found.append(f"it took {evidence.recovery_seconds:.1f} s")
    return found


def memory(evidence: Evidence) -> list[str]:
    """Instances that are larger than a service may be and than they were."""
    return [
        f"{member}: {after:.0f} MB, before {evidence.memory_before.get(member, 0):.0f}"
        for member, after in evidence.memory_after.items()
        if after > MEMORY_MB or (member in evidence.memory_before and after > GROWTH * evidence.memory_before[member])
    ]


def untruths(ledger: Ledger, evidence: Evidence) -> list[str]:
    """Instances that called themselves ready while the broker or the database had been away for 15 seconds."""
    away = [span for span in ledger.spans if span.name in ("away kafka", "away postgres")]
    return sorted(
        {
            f"{sample.member} said ready {sample.at - span.begin:.0f} s into '{span.name}'"
            for span in away
            for sample in evidence.readiness
            if sample.ready and span.begin + TRUTH_SECONDS < sample.at < span.end - _NOTICED_SECONDS
        }
    )


def refused(ledger: Ledger) -> list[str]:
    """Nothing while enough was accepted, else the share and what the answers were."""
    counted, good = accepted_share(ledger)
    if not counted or good / counted >= ACCEPTED:
        return []
    outages = full_outages(ledger.spans)
    wrong: dict[str, int] = {}
    for attempt in ledger.attempts:
        if not attempt.good and not _within(attempt.at, outages):
            wrong[attempt.answer] = wrong.get(attempt.answer, 0) + 1
    return [f"{good} of {counted} ({good / counted:.2%}); the others: {wrong}"]


def accepted_share(ledger: Ledger) -> tuple[int, int]:
    """Requests outside of full outages: how many, and how many of them were answered as they should be."""
    outages = full_outages(ledger.spans)
    counted = [attempt for attempt in ledger.attempts if not _within(attempt.at, outages)]
    return len(counted), sum(attempt.good for attempt in counted)


def full_outages(spans: Sequence[Span]) -> list[Span]:
    """When nothing could be accepted: broker and database away together, or both doors closed."""
    return [
        *_overlaps(spans, "away kafka", "away postgres"),
        *_overlaps(spans, "away capture-0", "away capture-1"),
    ]


def _overlaps(spans: Sequence[Span], one: str, other: str) -> Iterator[Span]:
    for first in (span for span in spans if span.name == one):
        for second in (span for span in spans if span.name == other):
            begin, end = max(first.begin, second.begin), min(first.end, second.end)
            if begin < end:
                yield Span("full outage", begin, end)


def _within(at: float, outages: Sequence[Span]) -> bool:
    # A request that began up to its own time-out before an outage may have failed by it.
    return any(span.begin - 8.0 <= at <= span.end + _AFTER_OUTAGE_SECONDS for span in outages)
