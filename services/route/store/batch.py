"""What a batch of route needs is read in one statement (two when it hands over), what it changed is written in one.

Who may write what: a lead's row and queue entry belong to its partition number, whose only owner the fence of the
delivery core has let in. Accounts, pools and merges are shared by all numbers: a batch that may give a lead to somebody or merge
two first takes the gate, and so decides alone, on what everybody before it has committed. So does a batch with outcomes: a merge may
move or withdraw a handover while its outcome arrives. Handovers are locked by their rows all the same; the gate always comes before.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from typing import Any

from msgspec.structs import astuple, replace

from services.route.domain import events, needs, outcomes
from services.route.domain.lifecycle import State, Verdict
from services.route.domain.pools import Counter
from services.route.domain.state import NOT_SAVED, Account, Handover, Key, Lead, Logged, Queued
from shared import arrays
from shared.stage import Input, Tx

# The gate: an advisory lock until the end of the transaction, one for the whole store.
_GATE = 0x1EAD6A7E

# The lead that an outcome is about (outcomes.about), as the index outcome_log_about has it.
_ABOUT = (
    "(CASE WHEN by_lead THEN lead_id ELSE coalesce(substring(handover_id FROM '^ho_(.*)_[0-9]+_[0-9]+$'), lead_id) END)"
)

# Opens the gate for a batch whose records did not look like it would be needed.
TAKE_GATE = "SELECT pg_advisory_xact_lock($1)"

# The leads of a batch as they stand.
LEADS = """
SELECT lead_id, part, score_version, stage, episode, handed, owner, queued, absorbed, recent
  FROM lead WHERE lead_id = ANY ($1::text[])
"""

# The same, taking the gate in the same round trip: nobody else writes these rows, so it does not matter which comes first.
LEADS_BEHIND_THE_GATE = """
WITH gate AS MATERIALIZED (SELECT pg_advisory_xact_lock($2))
SELECT lead.lead_id, part, score_version, stage, episode, handed, owner, queued, absorbed, recent
  FROM gate LEFT JOIN lead ON lead_id = ANY ($1::text[])
"""

# What decisions look at beside the leads of the batch: of these leads, those that they are now and all that are them now,
# everything, their handovers locked, and all that was said about them; the named accounts; every pool's counters when $4 says so; what
# stands on the topic already under the named event ids. Ids come as arrays, so that an index is the plan however many leads there are.
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
                         coalesce(withdrawn_at, CASE WHEN state = 'withdrawn' THEN state_at END))
               FROM locked ORDER BY created_at, handover_id) AS handovers,
       array(SELECT ROW (lead_id, survivor, joined, at)
               FROM absorbed WHERE survivor = ANY (array(SELECT lead_id FROM wanted)) ORDER BY lead_id) AS absorbed,
       array(SELECT ROW (domain, owner, lead_id, since) FROM account WHERE domain = ANY ($2::text[])) AS accounts,
       array(SELECT ROW (command_id::text, part, lead_id, handover_id, outcome, reason, amount, currency, reported_by,
                         occurred_at, received_at, verdict, state_before, state_after, by_lead OR handover_id IS NULL)
               FROM outcome_log WHERE {_ABOUT} = ANY (array(SELECT lead_id FROM wanted)) ORDER BY received_at, command_id) AS said,
       array(SELECT ROW (event_id::text, value)
               FROM recalled WHERE stage = 'route' AND event_id = ANY ($3::uuid[])) AS recalled,
       array(SELECT ROW (pool, member, level, given) FROM pool_member WHERE $4) AS counters
"""

# The withdrawals that stand on the topic already.
TOLD = "SELECT event_id::text, value FROM recalled WHERE stage = 'route' AND event_id = ANY ($1::uuid[])"

# The leads of a batch that were never in SQL, as they are now: most. Their columns come as the text of an array (shared/arrays.py).
SAVE_NEVER_IN_SQL = """
INSERT INTO lead (lead_id, part, score_version, stage, episode, handed, owner, queued, absorbed, recent)
SELECT lead_id, part, score_version, stage, 0, 0, NULL, false, '', recent
  FROM unnest($1::text::text[], $2::text::int[], $3::text::bigint[], $4::text::text[], $5::bytea[])
    AS t (lead_id, part, score_version, stage, recent)
ON CONFLICT (lead_id) DO UPDATE
   SET part = excluded.part, score_version = excluded.score_version, stage = excluded.stage, episode = excluded.episode,
       handed = excluded.handed, owner = excluded.owner, queued = excluded.queued, absorbed = excluded.absorbed,
       recent = excluded.recent
"""

# The others, of which every column may have changed.
SAVE_LEADS = """
INSERT INTO lead (lead_id, part, score_version, stage, episode, handed, owner, queued, absorbed, recent)
SELECT * FROM unnest($6::text[], $7::int[], $8::bigint[], $9::text[], $10::int[], $11::int[], $12::text[], $13::bool[], $14::text[],
                     $15::bytea[])
ON CONFLICT (lead_id) DO UPDATE
   SET part = excluded.part, score_version = excluded.score_version, stage = excluded.stage, episode = excluded.episode,
       handed = excluded.handed, owner = excluded.owner, queued = excluded.queued, absorbed = excluded.absorbed,
       recent = excluded.recent
"""

# Both in one statement.
SAVE_ALL_LEADS = f"WITH never_in_sql AS ({SAVE_NEVER_IN_SQL}) {SAVE_LEADS}"

# The same, and everything else that a decision may change: handovers, counters, accounts, merges, the queue, outcomes and what
# became of the commands that brought them (the delivery core adds whether they are done).
SAVE_ALL = f"""
WITH never_in_sql AS ({SAVE_NEVER_IN_SQL}), leads AS ({SAVE_LEADS}), handovers AS (
    INSERT INTO handover (handover_id, part, lead_id, opened_for, episode, attempt, owner, pool, state, state_at, created_at, document,
                          withdrawn_at)
    SELECT * FROM unnest($16::text[], $17::int[], $18::text[], $19::text[], $20::int[], $21::int[], $22::text[], $23::text[],
                         $24::text[], $25::timestamptz[], $26::timestamptz[], $27::bytea[], $28::timestamptz[])
    ON CONFLICT (handover_id) DO UPDATE
       SET part = excluded.part, lead_id = excluded.lead_id, owner = excluded.owner, state = excluded.state, state_at = excluded.state_at,
           withdrawn_at = excluded.withdrawn_at
), counters AS (
    INSERT INTO pool_member (pool, member, level, given)
    SELECT * FROM unnest($29::text[], $30::text[], $31::bigint[], $32::bigint[])
    ON CONFLICT (pool, member) DO UPDATE SET level = excluded.level, given = excluded.given
), accounts AS (
    INSERT INTO account (domain, owner, lead_id, since)
    SELECT * FROM unnest($33::text[], $34::text[], $35::text[], $36::timestamptz[])
    ON CONFLICT (domain) DO UPDATE SET owner = excluded.owner, lead_id = excluded.lead_id, since = excluded.since
), merges AS (
    INSERT INTO absorbed (lead_id, survivor, joined, at)
    SELECT * FROM unnest($37::text[], $38::text[], $39::text[], $40::timestamptz[])
    ON CONFLICT (lead_id) DO UPDATE SET survivor = excluded.survivor, joined = excluded.joined, at = excluded.at
), queued AS (
    INSERT INTO queue (lead_id, part, episode, reason, path, since)
    SELECT * FROM unnest($41::text[], $42::int[], $43::int[], $44::text[], $45::bytea[], $46::timestamptz[])
    ON CONFLICT (lead_id) DO UPDATE
       SET part = excluded.part, reason = excluded.reason, path = excluded.path, episode = excluded.episode,
           since = CASE WHEN queue.episode = excluded.episode THEN queue.since ELSE excluded.since END
), unqueued AS (
    DELETE FROM queue WHERE lead_id = ANY ($47::text[])
), outcomes AS (
    INSERT INTO outcome_log (command_id, part, lead_id, handover_id, outcome, reason, amount, currency, reported_by, occurred_at,
                             received_at, verdict, state_before, state_after, by_lead)
    SELECT * FROM unnest($48::uuid[], $49::int[], $50::text[], $51::text[], $52::text[], $53::text[], $54::float8[], $55::text[],
                         $56::text[], $57::timestamptz[], $58::timestamptz[], $59::text[], $60::text[], $61::text[], $62::bool[])
    ON CONFLICT (command_id) DO UPDATE
       SET handover_id = excluded.handover_id, verdict = excluded.verdict, state_before = excluded.state_before,
           state_after = excluded.state_after, by_lead = excluded.by_lead
)
INSERT INTO command (command_id, status, result)
SELECT command_id, 'done', verdict FROM unnest($48::uuid[], $59::text[]) AS o(command_id, verdict)
ON CONFLICT (command_id) DO UPDATE SET status = excluded.status, result = excluded.result
"""


async def load(tx: Tx, inputs: Sequence[Input]) -> MutableMapping[Hashable, Any]:
    """The world of a batch: its leads, and when a handover, a merge or an outcome is among it, what those look at."""
    ids = needs.lead_ids(inputs)
    if not ids:
        return {}
    gated = needs.looks_gated(inputs)
    rows = await (tx.fetch(LEADS_BEHIND_THE_GATE, ids, _GATE) if gated else tx.fetch(LEADS, ids))
    world: dict[Hashable, Any] = {row[0]: Lead(*row) for row in rows if row[0] is not None}
    more = needs.needs(world, inputs)
    if more is not None:
        if more.gate and not gated:
            await tx.execute(TAKE_GATE, _GATE)
        await _load_around(tx, world, more)
    return world


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
    for pool, member, level, given in row["counters"]:
        world.setdefault(Key("pool", pool), {})[member] = Counter(level, given)


def _state(word: str | None) -> State | None:
    return State(word) if word is not None else None


def _append(world: dict[Hashable, Any], key: Key, id_: str) -> None:
    world[key] = (*world.get(key, ()), id_)


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    """Everything that a batch changed, in one statement."""
    leads: list[Lead] = []
    others: dict[str, list[tuple[str, Any]]] = {}
    for key, value in changes.items():
        if type(value) is Lead:
            leads.append(value)
        elif isinstance(key, Key) and key.kind not in NOT_SAVED:
            others.setdefault(key.kind, []).append((key.id, value))
    plain: list[Lead] = []
    marked: list[Lead] = []
    for one in leads:
        is_plain = not (one.episode or one.handed or one.owner is not None or one.queued or one.absorbed)
        (plain if is_plain else marked).append(one)
    columns: list[Any] = [
        arrays.texts([one.lead_id for one in plain]),
        arrays.plain([one.part for one in plain]),
        arrays.plain([one.version for one in plain]),
        arrays.texts([one.stage for one in plain]),
        [one.recent for one in plain],
    ]
    if not others and not marked:
        await tx.execute(SAVE_NEVER_IN_SQL, *columns)
        return
    columns += _columns(10, [astuple(one) for one in marked])
    if not others:
        await tx.execute(SAVE_ALL_LEADS, *columns)
        return
    queued: list[tuple[str, Queued | None]] = others.get("queue", [])
    columns += _columns(13, [astuple(handover) for _, handover in others.get("handover", ())])
    columns += _columns(
        4,
        [
            (pool, member, counter.level, counter.given)
            for pool, counters in others.get("pool", ())
            for member, counter in counters.items()
        ],
    )
    columns += _columns(4, [(domain, *astuple(account)) for domain, account in others.get("account", ())])
    joined = dict(others.get("joined", ()))
    columns += _columns(4, [(id_, survivor, *joined[id_]) for id_, survivor in others.get("absorbed", ())])
    waiting = [(id_, *astuple(one)) for id_, one in queued if one is not None]
    columns += [*_columns(6, waiting), [id_ for id_, one in queued if one is None]]
    columns += _columns(15, [astuple(logged) for _, logged in others.get("log", ())])
    await tx.execute(SAVE_ALL, *columns)


def _columns(width: int, rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as columns, for unnest."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
