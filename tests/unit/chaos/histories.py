"""Synthetic histories of a run, clean ones, into which each test plants one fault."""

from __future__ import annotations

from dataclasses import replace

from shared.topology import CAPTURED, COMMANDS, DEAD, ENRICHED, HANDOVER, SCORED
from tests.chaos.history import Attempt, Evidence, Ledger, Outcome, Place, ReadinessSample, Record, Sent, Span, Stores

LEADS = ("ld_anna", "ld_ben")
EVENTS = 3  # of each lead: the last one makes an SQL of it
MARK = "mark of ours"
INVALID = "an invalid one"


def ledger() -> Ledger:
    """What was sent: three events a lead, one form that names nobody, garbage, and an outcome of each handover."""
    found = Ledger()
    for lead in LEADS:
        for number in range(EVENTS):
            found.events[f"{lead} {number}"] = Sent(f"{lead} {number}", "form", accepted=True)
        found.outcomes[f"said of {lead}"] = Outcome(f"said of {lead}", f"ho_{lead}_1_1", accepted=True)
    found.events["never sent again"] = Sent("never sent again", "page")
    found.invalid[INVALID] = "422"
    found.garbage[MARK] = "bytes"
    found.garbage_at[Place(ENRICHED.name, 1, 7)] = MARK
    found.attempts = [Attempt(float(at), "202", True) for at in range(200)]
    found.spans = [Span("away kafka", 50.0, 80.0)]
    return found


def evidence() -> Evidence:
    """What topics and stores hold when every promise was kept."""
    found = Evidence(replayed=True, recovery_seconds=9.0, stores=_stores())
    for part, lead in enumerate(LEADS):
        found.records += _of(lead, part)
    found.records += [
        Record(topic=ENRICHED.name, part=1, offset=7, mark=MARK),
        _letter("score", Place(ENRICHED.name, 1, 7), offset=0),
        replace(_letter("capture", Place("leads.captured.v1", 0, -1), offset=1), message_id=INVALID),
        replace(handover(LEADS[0], 0), offset=9, committed=False),  # of a transaction that was aborted
    ]
    found.memory_before, found.memory_after = {"score-0": 70.0}, {"score-0": 80.0}
    found.readiness = [ReadinessSample(float(at), "score-0", not 55 < at < 82) for at in range(100)]
    return found


def scored(lead: str, part: int, number: int) -> Record:
    """The end of a lead's event."""
    activity = f"{lead} {number}"
    sql = number == EVENTS - 1
    return Record(
        topic=SCORED.name,
        part=part,
        offset=number,
        type="lead.scored",
        event_id=f"scored {activity}",
        digest=number,
        lead_id=lead,
        activity_id=activity,
        revision=1,
        version=number + 1,
        cause=activity,
        stage="SQL" if sql else "MQL",
        previous_stage="MQL",
        episode=1 if sql else 0,
    )


def handover(lead: str, part: int) -> Record:
    """The handover of a lead's first episode."""
    return Record(
        topic=HANDOVER.name,
        part=part,
        offset=0,
        type="lead.handover",
        event_id=f"handed {lead}",
        lead_id=lead,
        episode=1,
        attempt=1,
        handover_id=f"ho_{lead}_1_1",
    )


def _of(lead: str, part: int) -> list[Record]:
    found = [handover(lead, part)]
    for number in range(EVENTS):
        id_ = f"{lead} {number}"
        found += [
            Record(topic=CAPTURED.name, part=part, offset=number, type="lead.captured", event_id=id_),
            Record(
                topic=ENRICHED.name,
                part=part,
                offset=number,
                type="lead.enriched",
                event_id=f"enriched {id_}",
                lead_id=lead,
                activity_id=id_,
                revision=1,
                version=number,
            ),
            scored(lead, part, number),
        ]
    said = f"said of {lead}"
    found.append(Record(topic=COMMANDS.name, part=part, offset=0, type="lead.command", event_id=said, lead_id=lead))
    return found


def letter(service: str, died_at: Place) -> Record:
    """A dead letter of a record that stood there."""
    return _letter(service, died_at, offset=5)


def _letter(service: str, died_at: Place, *, offset: int) -> Record:
    return Record(
        topic=DEAD.name,
        part=0,
        offset=offset,
        type="lead.dead",
        event_id=f"dead {died_at}",
        service=service,
        reason="undecodable",
        died_at=died_at,
    )


def _stores() -> Stores:
    found = Stores(outbox_rows={"score": 0}, lag={"score leads.enriched.v1/0": 0})
    found.readers = {ENRICHED.name: {"score"}, DEAD.name: {"console"}}
    found.commands = {f"said of {lead}": "done" for lead in LEADS}
    found.outcomes = {f"said of {lead}": "applied" for lead in LEADS}
    found.dead = {Place(ENRICHED.name, 1, 7)}
    found.booked = {f"{lead} {number}": 3 for lead in LEADS for number in range(EVENTS)}
    return found
