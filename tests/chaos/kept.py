"""Whether capture kept what it accepted while Kafka, Postgres or both were away (C5). Pure, like checker.py, which has the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.crash import DRAIN_POINT
from shared.topology import CAPTURED
from tests.chaos import checker, health
from tests.chaos.checker import Finding, Judgement
from tests.chaos.history import Evidence, Ledger, Record, Span

# A stage has a backlog of minutes to work off then, which is no illness; and nothing is replayed.
_NOT_ASKED = ("well again", "a replay", "the replay", "99 of 100")
_ENOUGH = 0.95  # of the posts that were asked for
_EDGE_SECONDS = 3.0  # what is said to be away may still answer, and what is back may not yet


def judge(ledger: Ledger, evidence: Evidence) -> Judgement:
    """Every check over a run of outages."""
    base = checker.judge(ledger, evidence)
    findings = [finding for finding in base.findings if not finding.says.startswith(_NOT_ASKED)]
    findings += kept(ledger, evidence.records)
    deaths = evidence.hits[DRAIN_POINT, "capture"]
    none = [] if deaths else ["nobody died between acknowledgement and deletion"]
    findings.append(Finding("C5", "capture was killed in the middle of a drain", none))
    if evidence.unready:
        findings.append(Finding("Q7", "everybody is ready in the end", [f"{one} is not" for one in evidence.unready]))
    return Judgement(base.acked, base.lost, base.recovered, base.unexpected, base.duplicated, findings)


def kept(ledger: Ledger, records: Iterable[Record]) -> list[Finding]:
    """What can be said of capture alone: from its answers and from leads.captured.v1."""
    first: dict[str, tuple[int, int]] = {}
    for record in sorted((one for one in records if one.topic == CAPTURED.name), key=lambda one: one.offset):
        first.setdefault(record.event_id, (record.part, record.offset))
    missing = [
        f"{sent.event_id} of {sent.who}"
        for sent in ledger.events.values()
        if sent.accepted and sent.event_id not in first
    ]
    strangers = [f"{event_id} at {place}" for event_id, place in first.items() if event_id not in ledger.events]
    return [
        Finding("C5", "every accepted event is on leads.captured.v1", missing),
        Finding("C5", "a repeat has the id of what it repeats: no other ids are there", strangers),
        Finding(
            "C5", "of one person events come in the order in which they were accepted", list(_passed(ledger, first))
        ),
        Finding(
            "C5",
            "with Kafka away events are accepted, with Kafka and Postgres away the answer is 503 with Retry-After",
            list(_answers(ledger)),
        ),
    ]


def too_few(ledger: Ledger, per_second: float) -> list[str]:
    """What is wrong with the load where it was lighter than asked while Kafka alone was away: then nothing was shown for that load."""
    outages = health.full_outages(ledger.spans)
    away = [span for span in ledger.spans if span.name == "away kafka" and not any(_meet(span, one) for one in outages)]
    posts = sum(any(span.begin <= one.at < span.end for span in away) for one in ledger.attempts)
    seconds = sum(span.end - span.begin for span in away)
    if posts >= _ENOUGH * per_second * seconds:
        return []
    return [f"load: {posts / seconds:.0f} posts a second while Kafka was away, {per_second:g} were asked for"]


def _meet(one: Span, other: Span) -> bool:
    return one.begin < other.end and other.begin < one.end


def _passed(ledger: Ledger, first: dict[str, tuple[int, int]]) -> Iterator[str]:
    last: dict[str, tuple[int, int]] = {}
    for sent in ledger.events.values():
        place = first.get(sent.event_id)
        if not sent.accepted or place is None:
            continue
        before = last.get(sent.who)
        if before is not None and (before[0] != place[0] or before[1] > place[1]):
            yield f"{sent.event_id} of {sent.who} is at {place}, an earlier one at {before}"
        last[sent.who] = max(place, before or place)


def _answers(ledger: Ledger) -> Iterator[str]:
    """Refusals outside of full outages beyond 1 in 100, and what is neither yes nor a 503 that says when within them."""
    outages = health.full_outages(ledger.spans)
    counted, good = health.accepted_share(ledger)
    if counted and good / counted < health.ACCEPTED:
        yield from health.refused(ledger)
    within = [one for one in ledger.attempts if any(_inside(one.at, outage) for outage in outages)]
    wrong: dict[str, int] = {}
    for attempt in within:
        if attempt.answer not in ("200", "503") or not attempt.says_when:
            name = attempt.answer if attempt.says_when else "503 without Retry-After"
            wrong[name] = wrong.get(name, 0) + 1
    yield from (f"{count} times {answer} while both were away" for answer, count in wrong.items())
    if outages and not any(one.answer == "503" for one in within):
        yield "nobody met a 503 while both were away"


def _inside(at: float, outage: Span) -> bool:
    return outage.begin + _EDGE_SECONDS < at < outage.end - _EDGE_SECONDS
