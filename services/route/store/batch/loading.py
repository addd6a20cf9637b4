"""Reading what a batch decides on. Writing what it changed is saving.py's."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from services.route.domain import events, needs, outcomes, timers
from services.route.domain.capacity import Load
from services.route.domain.lifecycle import State, Verdict
from services.route.domain.nurture.state import Stored
from services.route.domain.pools import Counter
from services.route.domain.state import DUE, Account, Handover, Key, Lead, Logged, Queued, Timer, TimerKey
from services.route.store import nurture
from shared.stage import Input, Tx

# The gate: an advisory lock until the end of the transaction, one for the whole store.
_GATE = 0x1EAD6A7E

# The lead that an outcome is about (outcomes.about), as the index outcome_log_about has it.
_ABOUT = (
    "(CASE WHEN by_lead THEN lead_id ELSE coalesce(substring(handover_id FROM '^ho_(.*)_[0-9]+_[0-9]+$'), lead_id) END)"
)

# Opens the gate for a batch whose records did not look like it would be needed.
TAKE_GATE = "SELECT pg_advisory_xact_lock($1)"

# The timers of the batch's leads ($1) that fall due before its last record of their number ($2, $3): nearly always none, since the clock has
# been here before. In the columns of a lead, so that both come in one round trip.
_DUE = """
SELECT timer.lead_id, timer.part, 0, '', 0, 0, NULL, false, '', NULL, timer.kind, timer.key, timer.due_at
  FROM unnest($2::int[], $3::timestamptz[]) AS t (part, until)
  JOIN timer ON timer.part = t.part AND timer.due_at <= t.until
 WHERE timer.lead_id = ANY ($1::text[])
"""

# The nurture of the batch's leads (store/nurture.py) and when its clock looks next, in the columns of a lead for the same reason.
_NURTURE = """
SELECT lead_id, part, 0, '', 0, 0, NULL, false, '', data, '', NULL, due_at FROM nurture WHERE lead_id = ANY ($1::text[])
"""

# The leads of a batch as they stand, their nurture, and their timers that are due.
LEADS = f"""
SELECT lead_id, part, score_version, stage, episode, handed, owner, queued, absorbed, recent, NULL AS kind, NULL AS key,
       NULL::timestamptz AS due_at
  FROM lead WHERE lead_id = ANY ($1::text[])
 UNION ALL {_NURTURE}
 UNION ALL {_DUE}
"""

# The same, taking the gate in the same round trip: nobody else writes these leads, so it does not matter which comes first. Timers
# are looked at again behind the gate where it matters.
LEADS_BEHIND_THE_GATE = f"""
WITH gate AS MATERIALIZED (SELECT pg_advisory_xact_lock($4))
SELECT lead.lead_id, part, score_version, stage, episode, handed, owner, queued, absorbed, recent, NULL AS kind, NULL AS key,
       NULL::timestamptz AS due_at
  FROM gate LEFT JOIN lead ON lead_id = ANY ($1::text[])
 UNION ALL {_NURTURE}
 UNION ALL {_DUE}
"""

# What decisions look at beside the leads of the batch: of these leads, those that they are now and all that are them now,
# everything, their handovers locked, their timers, and all that was said about them; the named accounts; every pool's counters when $4 says so; what
# stands on the topic already under the named event ids, or of these leads. Ids come as arrays, so that an index is the plan however many leads there are.
# A handover is looked at again once it is locked: a merge may have moved it while we waited.
AROUND = f"""
WITH present AS MATERIALIZED (
    SELECT unnest($1::text[]) AS lead_id
    UNION
    SELECT survivor FROM absorbed WHERE lead_id = ANY ($1::text[])
), wanted AS MATERIALIZED (
    SELECT lead_id FROM present
    UNION
    SELECT lead_id FROM absorbed WHERE survivor = ANY (array(SELECT lead_id FROM present))
), locked AS MATERIALIZED (
    SELECT * FROM handover WHERE lead_id = ANY (array(SELECT lead_id FROM wanted))
     ORDER BY handover_id
       FOR UPDATE
)
SELECT array(SELECT ROW (lead_id, part, score_version, stage, episode, handed, owner, queued, absorbed, recent)
               FROM lead WHERE lead_id = ANY (array(SELECT lead_id FROM wanted))) AS leads,
       array(SELECT ROW (handover_id, part, lead_id, opened_for, episode, attempt, owner, pool, state, state_at, created_at, document,
                         coalesce(withdrawn_at, CASE WHEN state = 'withdrawn' THEN state_at END), expired, accept_by, contact_by,
                         accept_escalated, contact_escalated, accepted_at, contacted_at)
               FROM locked ORDER BY created_at, handover_id) AS handovers,
       array(SELECT ROW (lead_id, survivor, joined, at)
               FROM absorbed WHERE survivor = ANY (array(SELECT lead_id FROM wanted)) ORDER BY lead_id) AS absorbed,
       array(SELECT ROW (domain, owner, lead_id, since) FROM account
              WHERE domain = ANY ($2::text[])
                 OR domain = ANY (array(SELECT q.account FROM queue AS q WHERE q.lead_id = ANY (array(SELECT lead_id FROM wanted))))) AS accounts,
       array(SELECT ROW (command_id::text, part, lead_id, handover_id, outcome, reason, amount, currency, reported_by,
                         occurred_at, received_at, verdict, state_before, state_after, by_lead OR handover_id IS NULL)
               FROM outcome_log WHERE {_ABOUT} = ANY (array(SELECT lead_id FROM wanted)) ORDER BY received_at, command_id) AS said,
       array(SELECT ROW (event_id::text, value)
               FROM recalled
              WHERE stage = 'route' AND topic = 'leads.handover.v1'
                AND (event_id = ANY ($3::uuid[]) OR subject = ANY (array(SELECT lead_id FROM wanted)))) AS recalled,
       array(SELECT ROW (pool, member, base, turns, weight, is_out, given) FROM pool_member WHERE $4) AS counters,
       array(SELECT ROW (owner, open, used, at) FROM owner_load WHERE $4) AS loads,
       array(SELECT ROW (lead_id, part, episode, reason, path, since, account, scored)
               FROM queue WHERE lead_id = ANY (array(SELECT lead_id FROM wanted))) AS queued,
       array(SELECT ROW (lead_id, kind, key, part, due_at)
               FROM timer WHERE lead_id = ANY (array(SELECT lead_id FROM wanted))
              UNION ALL
             SELECT ROW (lead_id, 'nurture', '', part, due_at)
               FROM nurture WHERE lead_id = ANY (array(SELECT lead_id FROM wanted)) AND due_at IS NOT NULL) AS timers
"""

# The withdrawals that stand on the topic already.
TOLD = "SELECT event_id::text, value FROM recalled WHERE stage = 'route' AND event_id = ANY ($1::uuid[])"


async def load(tx: Tx, inputs: Sequence[Input]) -> MutableMapping[Hashable, Any]:
    """The world of a batch: its leads, and when a handover, a merge or an outcome is among it, what those look at."""
    ids = needs.lead_ids(inputs)
    if not ids:
        return {}
    until = _until(inputs)
    asked = (ids, list(until), list(until.values()))
    gated = needs.looks_gated(inputs)
    rows = await (tx.fetch(LEADS_BEHIND_THE_GATE, *asked, _GATE) if gated else tx.fetch(LEADS, *asked))
    world: dict[Hashable, Any] = {row[0]: Lead(*row[:10]) for row in rows if row[10] is None and row[9] is not None}
    if rows and rows[-1][10] is not None:  # nurture and timers come last
        _run(world, [timer for row in rows if row[10] is not None and (timer := _due(row, until)) is not None])
        world |= {Stored("nurture", row[0]): nurture.unpack(row[9]) for row in rows if row[10] == ""}
    more = needs.needs(world, inputs)
    if more is not None:
        if more.gate and not gated:
            await tx.execute(TAKE_GATE, _GATE)
        await _load_around(tx, world, more)
    return world


def _due(row: Any, until: Mapping[int, datetime]) -> tuple[str, str, str, int, datetime] | None:
    """The timer in a row of LEADS, if there is one and it is due: lead, kind, key, number, due."""
    part, kind, due_at = row[1], row[10], row[12]
    if kind:
        return row[0], kind, row[11], part, due_at
    if due_at is None or part not in until or due_at > until[part]:
        return None
    return row[0], timers.NURTURE, "", part, due_at


def _until(inputs: Sequence[Input]) -> dict[int, datetime]:
    """Up to when timers are due in this batch, by number."""
    found: dict[int, datetime] = {}
    for input_ in inputs:
        known = found.get(input_.part)
        if known is None or known < input_.now:
            found[input_.part] = input_.now
    return found


def _run(world: dict[Hashable, Any], rows: Sequence[tuple[str, str, str, int, datetime]]) -> None:
    """Puts running timers into the world: lead, kind, key, number, due."""
    if not rows:
        return
    due: dict[str, tuple[TimerKey, ...]] = dict(world.get(DUE, {}))
    for lead_id, kind, key, part, due_at in rows:
        timer = TimerKey(lead_id, kind, key)
        world[timer] = Timer(part, due_at)
        due[lead_id] = (*due.get(lead_id, ()), timer)
    world[DUE] = due


async def _load_around(tx: Tx, world: dict[Hashable, Any], more: needs.Needs) -> None:
    row = await tx.fetchrow(AROUND, sorted(more.leads), sorted(more.accounts), sorted(more.events), more.gate)
    assert row is not None  # a statement without FROM always has one row
    for lead in row["leads"]:
        world[lead[0]] = Lead(*lead)
    for handover in row["handovers"]:
        world[Key("handover", handover[0])] = replace(Handover(*handover), state=State(handover[8]))
        _append(world, Key("handovers", handover[2]), handover[0])
    for lead_id, survivor, joined, at in row["absorbed"]:
        world[Key("absorbed", lead_id)] = survivor
        world[Key("joined", lead_id)] = (joined or survivor, at or outcomes.EVER)
        _append(world, Key("absorbs", survivor), lead_id)
    for domain, *account in row["accounts"]:
        world[Key("account", domain)] = Account(*account)
    for said in row["said"]:
        logged = Logged(*said)
        logged = replace(
            logged, verdict=Verdict(logged.verdict), before=_state(logged.before), after=_state(logged.after)
        )
        world[Key("log", logged.command_id)] = logged
        _append(world, Key("said", outcomes.about(logged)), logged.command_id)
    told = row["recalled"]
    if more.merges and row["handovers"]:  # which may have been withdrawn: then they are again
        told = [*told, *await tx.fetch(TOLD, [events.withdrawal_event(handover[0]) for handover in row["handovers"]])]
    for event_id, value in told:
        world[Key("recalled", event_id)] = value
    for pool, member, *counter in row["counters"]:
        world.setdefault(Key("pool", pool), {})[member] = Counter(*counter)
    for owner, *load in row["loads"]:
        world[Key("load", owner)] = Load(*load)
    for lead_id, *queued in row["queued"]:
        world[Key("queue", lead_id)] = Queued(*queued)
    if DUE in world or row["timers"]:
        # What ran when the batch began, a merge may have taken away while we waited for the gate.
        anew = {*more.leads, *(timer[0] for timer in row["timers"])}
        world[DUE] = {id_: due for id_, due in world.get(DUE, {}).items() if id_ not in anew}
        _run(world, row["timers"])


def _state(word: str | None) -> State | None:
    return State(word) if word is not None else None


def _append(world: dict[Hashable, Any], key: Key, id_: str) -> None:
    world[key] = (*world.get(key, ()), id_)
