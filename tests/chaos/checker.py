"""Says what became of everything. Pure: takes the ledger and the evidence of a run, gives a verdict for each promise.

*acked*: accepted by an answer, and it has its end. *lost*: accepted, and it ends nowhere. *recovered*: no client ever heard an accepting
answer for it (it gave up, or the answer was lost), and it has its end all the same. *unexpected*: a record at the end of the line that traces
to nothing that was sent, a dead letter that is neither garbage of ours nor a refusal of what had to be refused. *duplicated*: handovers, as
physical records in committed transactions, beyond one an episode and attempt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.topology import CAPTURED, COMMANDS, DEAD, ENRICHED, HANDOVER, SCORED
from tests.chaos import health
from tests.chaos.history import Evidence, Ledger, Place, Record


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check says: the promise, what was looked at, and every breach by name."""

    promise: str
    says: str
    breaches: list[str] = field(default_factory=list)
    where: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.breaches


@dataclass(frozen=True, slots=True)
class Judgement:
    """The counts of a run and the findings of every check."""

    acked: int
    lost: int
    recovered: int
    unexpected: int
    duplicated: int
    findings: list[Finding]

    @property
    def holds(self) -> bool:
        """Whether every promise was kept."""
        return all(finding.holds for finding in self.findings)


def judge(ledger: Ledger, evidence: Evidence) -> Judgement:
    """Every check over one run."""
    topics = _by_topic(evidence.records)
    marks = {record.place: record.mark for record in evidence.records if record.mark} | ledger.garbage_at
    ended = _ended(topics, marks)
    lost = [sent for sent in ledger.events.values() if sent.accepted and sent.event_id not in ended]
    recovered = [sent for sent in ledger.events.values() if not sent.accepted and sent.event_id in ended]
    strangers = _from_nowhere(ledger, topics)
    deaths = _unexpected_deaths(ledger, topics, marks)
    doubled = _doubled_handovers(topics)
    findings = [
        Finding(
            "Q1",
            "every accepted event has its end",
            [f"{sent.event_id} ({sent.kind})" for sent in lost],
            "grep the id in ledger.jsonl, then `leads tail` of each topic: the first topic that lacks it tells whose it was",
        ),
        Finding("Q1", "every outcome that was taken has its verdict", _outcomes_without_verdict(ledger, evidence)),
        Finding("Q1", "every version that score decided is on the topic", _missing_versions(topics)),
        Finding("Q2", "one handover an episode and attempt, physically once", doubled, "leads.handover.v1"),
        Finding("Q2", "every entry into SQL has its handover", _missing_handovers(topics, evidence)),
        Finding("Q3", "every record at the end of the line traces to something sent", strangers),
        Finding("Q4", "a replay of the whole log fills empty stores alike", _differences(evidence)),
        Finding("Q4", "the replay adds nothing to any topic", [str(place) for place in evidence.new_after_replay]),
        Finding("Q5", "cursors and epochs only go forward", list(evidence.cursor_faults)),
        Finding("Q5", "no two owners decided on the same thing", _forks(topics)),
        Finding("Q6", "only garbage and refusals became dead letters", deaths, "leads dead list, leads dead show ID"),
        Finding("Q6", "garbage is quarantined by every stage that reads it", _unburied(ledger, topics, evidence)),
        Finding("Q6", "garbage is kept for replay by the console", _unkept(topics, evidence)),
        Finding("Q7", "outbox, spool and lag are back at zero", health.left_over(evidence)),
        Finding("Q7", f"well again in under {health.RECOVERY_SECONDS:.0f} s", health.slow(evidence)),
        Finding("Q7", "memory is back at its baseline", health.memory(evidence)),
        Finding("Q7", "readiness tells the truth within 15 s", health.untruths(ledger, evidence)),
        Finding(
            "Q9",
            "every outcome came as a record, and its command says what it came to",
            _commands(ledger, topics, evidence),
        ),
        Finding("C5", "99 of 100 requests were accepted outside of full outages", health.refused(ledger)),
        Finding(
            "O4",
            "the books add up, and know each accepted event and an end of it",
            _books(ledger, evidence),
            "leads books",
        ),
        Finding("drills", "every drill could be carried out", list(ledger.failed)),
    ]
    acked = sum(1 for sent in ledger.events.values() if sent.accepted) - len(lost)
    return Judgement(acked, len(lost), len(recovered), len(strangers) + len(deaths), len(doubled), findings)


def _by_topic(records: Iterable[Record]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {
        topic.name: [] for topic in (CAPTURED, ENRICHED, SCORED, HANDOVER, COMMANDS, DEAD)
    }
    for record in records:
        if not record.mark:
            found.setdefault(record.topic, []).append(record)
    return found


def _ended(topics: dict[str, list[Record]], marks: dict[Place, str]) -> set[str]:
    """The ids that have an end. (An accepted event of ours may not end as a dead letter: that shows as an unexpected one.)"""
    scored = {record.activity_id for record in topics[SCORED.name] if record.activity_id}
    noted = {record.activity_id for record in topics[ENRICHED.name] if record.type == "lead.noted"}
    captured = {record.place: record.event_id for record in topics[CAPTURED.name]}
    dead = {captured.get(record.died_at, "") for record in topics[DEAD.name] if record.died_at is not None}
    return scored | noted | dead


def _from_nowhere(ledger: Ledger, topics: dict[str, list[Record]]) -> list[str]:
    sent = ledger.events.keys() | ledger.garbage_ids
    leads = {record.lead_id for record in topics[SCORED.name]}
    found = [
        f"{record.topic}: {record.activity_id or record.event_id} at {record.part}/{record.offset}"
        for topic in (CAPTURED, ENRICHED, SCORED)
        for record in topics[topic.name]
        if (record.event_id if topic is CAPTURED else record.activity_id or next(iter(sent), "")) not in sent
    ]
    found += [
        f"{HANDOVER.name}: {record.handover_id} at {record.part}/{record.offset}"
        for record in topics[HANDOVER.name]
        if record.type == "unreadable" or (record.type == "lead.handover" and record.lead_id not in leads)
    ]
    said = ledger.outcomes.keys() | ledger.garbage_ids
    found += [f"{COMMANDS.name}: {record.event_id}" for record in topics[COMMANDS.name] if record.event_id not in said]
    return sorted(set(found))


def _unexpected_deaths(ledger: Ledger, topics: dict[str, list[Record]], marks: dict[Place, str]) -> list[str]:
    """Dead letters of what was neither garbage nor to be refused. What garbage caused further down counts as garbage."""
    claimed = ledger.garbage_ids
    records = {record.place: record for topic in topics.values() for record in topic}
    found = []
    for letter in topics[DEAD.name]:
        if letter.message_id in ledger.invalid or letter.died_at in marks:
            continue
        cause = records.get(letter.died_at) if letter.died_at is not None else None
        if cause is not None and (cause.event_id in claimed or cause.activity_id in claimed):
            continue
        found.append(f"{letter.service}: {letter.reason}, of {letter.died_at} ({letter.event_id})")
    return sorted(set(found))


def _doubled_handovers(topics: dict[str, list[Record]]) -> list[str]:
    """Physical records of committed transactions: by episode and attempt, and by the handover's own name."""
    handed = [record for record in topics[HANDOVER.name] if record.committed and record.type == "lead.handover"]
    by_episode = Counter((record.lead_id, record.episode, record.attempt) for record in handed)
    by_name = Counter(record.handover_id for record in handed)
    told = [f"{lead} episode {episode} attempt {attempt}: {n} records" for (lead, episode, attempt), n in by_episode.items() if n > 1]  # fmt: skip
    again = {record.handover_id for record in handed if by_episode[record.lead_id, record.episode, record.attempt] > 1}
    return told + [f"{name}: {n} records" for name, n in by_name.items() if n > 1 and name not in again]


def _missing_handovers(topics: dict[str, list[Record]], evidence: Evidence) -> list[str]:
    """An episode that began has a handover, waits in the queue, or is another lead's since a merge."""
    handed = {(record.lead_id, record.episode) for record in topics[HANDOVER.name] if record.committed}
    excused = evidence.stores.queued | evidence.stores.absorbed
    begun = {
        (record.lead_id, record.episode)
        for record in topics[SCORED.name]
        if record.stage == "SQL" and record.previous_stage != "SQL"
    }
    return [f"{lead} episode {episode}" for lead, episode in sorted(begun - handed) if lead not in excused]


def _outcomes_without_verdict(ledger: Ledger, evidence: Evidence) -> list[str]:
    return [
        f"{said.command_id} of {said.handover_id}"
        for said in ledger.outcomes.values()
        if said.accepted and said.command_id not in evidence.stores.outcomes
    ]


def _commands(ledger: Ledger, topics: dict[str, list[Record]], evidence: Evidence) -> list[str]:
    on_topic = {record.event_id for record in topics[COMMANDS.name]}
    found = []
    for said in ledger.outcomes.values():
        if said.accepted and said.command_id not in on_topic:
            found.append(f"{said.command_id} is on no {COMMANDS.name}")
        elif said.accepted and evidence.stores.commands.get(said.command_id) not in ("done", "refused"):
            found.append(f"{said.command_id} is {evidence.stores.commands.get(said.command_id, 'unknown')}")
    return found


def _missing_versions(topics: dict[str, list[Record]]) -> list[str]:
    """A lead's versions are counted up by one for each lead.scored: a gap is a decision that was made and never told."""
    versions: dict[str, set[int]] = {}
    for record in topics[SCORED.name]:
        versions.setdefault(record.lead_id, set()).add(record.version)
    return [
        f"{lead}: no version {sorted(set(range(min(seen), max(seen))) - seen)}"
        for lead, seen in versions.items()
        if len(seen) <= max(seen) - min(seen)
    ]


def _forks(topics: dict[str, list[Record]]) -> list[str]:
    """One event id with two contents, or one decision under two ids: somebody wrote who was not the owner."""
    contents: dict[tuple[str, str], set[int]] = {}
    names: dict[tuple[object, ...], set[str]] = {}
    for topic in (ENRICHED, SCORED, HANDOVER, COMMANDS):
        for record in topics[topic.name]:
            contents.setdefault((record.topic, record.event_id), set()).add(record.digest)
    for record in topics[SCORED.name]:
        names.setdefault(("version", record.lead_id, record.version), set()).add(record.event_id)
        if record.activity_id and record.cause == record.activity_id:
            names.setdefault(("score of", record.lead_id, record.activity_id, record.revision), set()).add(
                record.event_id
            )
    for record in topics[ENRICHED.name]:
        if record.type == "lead.enriched":
            names.setdefault(("activity", record.lead_id, record.activity_id, record.revision), set()).add(
                record.event_id
            )
    found = [f"{topic}: {id_} has {len(seen)} contents" for (topic, id_), seen in contents.items() if len(seen) > 1]
    return found + [f"{' '.join(map(str, what))}: {sorted(ids)}" for what, ids in names.items() if len(ids) > 1]


def _unburied(ledger: Ledger, topics: dict[str, list[Record]], evidence: Evidence) -> list[str]:
    """Bytes that are no event at all: each stage that reads their topic has written a dead letter of them. (Not the console, which is
    where dead letters are kept: of what it can't read it would only make the next one; nor its books, which audit the others.)"""
    buried = {(letter.service, letter.died_at) for letter in topics[DEAD.name]}
    return [
        f"{mark} at {record.topic}/{record.part}/{record.offset} has no dead letter of {stage}"
        for record in evidence.records
        if (mark := record.mark) and ledger.garbage.get(mark) == "bytes"
        for stage in sorted(evidence.stores.readers.get(record.topic, set()) - {"console", "books"})
        if (stage, record.place) not in buried
    ]


def _unkept(topics: dict[str, list[Record]], evidence: Evidence) -> list[str]:
    died = {
        letter.died_at for letter in topics[DEAD.name] if letter.died_at is not None and letter.service != "capture"
    }
    return [
        f"the dead letter of {place} is not in the console's store" for place in sorted(died - evidence.stores.dead)
    ]


def _books(ledger: Ledger, evidence: Evidence) -> list[str]:
    booked = evidence.stores.booked
    unknown = [
        f"{sent.event_id} is not in them"
        for sent in ledger.events.values()
        if sent.accepted and sent.event_id not in booked
    ]
    open_ = [f"{id_} is in flight" for id_, ending in booked.items() if not ending]
    return evidence.stores.unbalanced + unknown + open_


def _differences(evidence: Evidence) -> list[str]:
    if not evidence.replayed:
        return ["the replay did not come to its end"]
    return [f"{one.store}.{one.table}, {one.column} of {one.row}" for one in evidence.differences]
