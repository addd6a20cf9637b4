"""A store of enrich that is built anew from what stands on its topics, without Postgres. For tests."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from services.enrich.domain import emission, rebuild
from services.enrich.domain.decide import decide
from services.enrich.domain.lacking import names
from services.enrich.domain.leads import KEEPING, REBUILDING
from services.enrich.domain.rebuild import recollect
from services.enrich.domain.world import Command, Cookie, Owed, Recalled, Told
from shared import contracts, ids
from shared.outcome import Decision, Outgoing, Reject
from shared.stage import Input, Recollection, Record
from tests.unit.enrich.memory import SECRET, Memory

Arrival = tuple[dict[str, Any], int]  # what was submitted, and the broker's time


class Rebuilding(Memory):
    """A store whose load also gives what stands on the topic, as the store on Postgres gives it."""

    def __init__(self, before: Memory) -> None:
        super().__init__()
        self.rows: list[tuple[str, str, datetime, Recollection]] = []
        self.owed: dict[str, Owed | None] = {}
        self.over = False
        self.before = before.sent
        self.on_topic = {sent.event_id for sent in before.sent}
        for sent, at in zip(before.sent, before.decided_at, strict=True):
            value = contracts.encode(sent.data)
            said = recollect(Record("leads.enriched.v1", 0, 0, 0, None, value, {}))
            assert said is not None
            self.rows.append((sent.type, sent.key, at, said))

    def arrive(self, arrivals: Sequence[Arrival]) -> list[Reject]:
        """As before; but two records under one id come one after the other (shared/batch.py)."""
        seen: set[str] = set()
        for place, (said, _) in enumerate(arrivals):
            if said["event_id"] in seen:
                return super().arrive(arrivals[:place]) + self.arrive(arrivals[place:])
            seen.add(said["event_id"])
        return super().arrive(arrivals)

    def load(self, inputs: Sequence[Input]) -> dict[Hashable, Any]:
        if not self.over:
            self.recalling = {REBUILDING: True, KEEPING: True, **self._told(inputs)}
        return super().load(inputs)

    def save(self, changes: Any) -> None:
        super().save(changes)
        for key, value in changes.items():
            if key[0] == "owed":
                self.owed[key[1]] = value if value is None else self.owed.get(key[1]) or value

    def end(self) -> None:
        """The rebuild is over: what it owes is decided, in the order of time."""
        self.over, self.recalling = True, {}
        owed = [(event_id, one) for event_id, one in self.owed.items() if one is not None]
        for event_id, one in sorted(owed, key=lambda each: (each[1].at, each[0])):
            input_ = Input(event_id, one.event, one.at, one.part)
            decision = decide(Memory.load(self, [input_]), input_, secret=SECRET)
            assert isinstance(decision, Decision)
            self.sent += decision.emit
            self.save(decision.changes)
        assert not any(self.owed.values())

    def told_anew(self) -> list[Outgoing]:
        """What was sent that does not stand on the topic (the shell drops the rest)."""
        return [sent for sent in self.sent if sent.event_id not in self.on_topic]

    def _told(self, inputs: Sequence[Input]) -> dict[Hashable, Any]:
        found: dict[Hashable, Any] = {}
        subjects = {ids.lead_id(SECRET, name) for input_ in inputs for name in names(input_)} | set(self.leads)
        told = {}
        for input_ in inputs:
            if isinstance(input_.event, Command) and (
                any(_came_of(sent, input_.event_id) for sent in self.before)
                or any(
                    rebuild.left(input_.event, lead)
                    for _, lead, at, said in self.rows
                    if said.withdrawn and at == input_.now
                )
            ):
                found["told", input_.event_id] = True
            about = [row for row in self.rows if row[3].about == input_.event_id]
            if not about:
                continue
            first = [row[2] for row in about if row[0] == "lead.noted" and row[3].value is None]
            first = first or [row[2] for row in about if row[3].revision == 0]
            first = first or [row[2] for row in about if row[3].revision == 1 and not row[3].withdrawn]
            # A repeat that was told as an activity before is withdrawn and noted in one revision.
            last = max(about, key=lambda row: (row[3].revision, not row[3].withdrawn))
            words = [(row[3].value or b"").decode().split("|") for row in about if row[0] == "lead.enriched"]
            occurred_at = datetime.fromisoformat(words[0][0]) if words else None
            value, human = (last[3].value or b"").decode(), None
            if last[0] == "lead.enriched":
                lead_id, human = last[1] if not last[3].withdrawn else None, float(value.split("|")[1])
            else:
                lead_id = value or None
            repeat = any(row[0] == "lead.noted" and row[3].value is not None for row in about)
            told[input_.event_id] = Told(
                min(first, default=None),
                last[3].revision,
                lead_id,
                occurred_at=occurred_at,
                human=human,
                repeat=repeat,
            )
            subjects |= {lead_id} - {None}  # type: ignore[arg-type]
        while subjects:
            subject = subjects.pop()
            theirs = [(row[0], row[3]) for row in self.rows if row[1] == subject]
            every = [said.version for _, said in theirs if said.version is not None]
            if not every or ("recalled", subject) in found:
                continue
            kind, latest = max(theirs, key=lambda each: each[1].version or 0)
            absorbed_into = latest.value.decode() if kind == "lead.merged" and latest.value is not None else None
            found["recalled", subject] = Recalled(min(every), max(every), absorbed_into)
            subjects |= {absorbed_into} if absorbed_into is not None else set()
            if subject in self.leads:
                found["lead", subject] = self.leads[subject]
            else:
                found["history", subject] = found["absorbed", subject] = ()
        for event_id, one in told.items():
            found["told", event_id] = rebuild.told(one, lambda lead_id: found.get(("recalled", lead_id)))
        return found


def tables(memory: Memory) -> dict[str, Any]:
    """Every table by content; without the mark of a cookie that several people were once seen on, which only makes later looks closer."""
    return {
        "identifier": {
            name: replace(row, shared=False) if isinstance(row, Cookie) else row
            for name, row in memory.identifiers.items()
        },
        "lead": memory.leads,
        "activity": memory.activities,
    }


def played(memory: Memory, arrivals: Sequence[Arrival], sizes: Sequence[int]) -> None:
    """The arrivals in order, in batches of these sizes."""
    place = 0
    for size in sizes:
        memory.arrive(arrivals[place : place + size])
        place += size
    memory.arrive(arrivals[place:])


def _came_of(sent: Outgoing, command_id: str) -> bool:
    if sent.type not in ("lead.merged", "lead.split"):
        return False
    data: Any = sent.data
    return emission.is_of(command_id, sent.event_id, sent.key, data.profile_version, sent.type)
