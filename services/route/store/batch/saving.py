"""Writing what a batch changed. Reading what it decides on is loading.py's."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from msgspec.structs import astuple

from services.route import measuring
from services.route.domain.pace import Moved, Took
from services.route.domain.state import NOT_SAVED, Key, Lead, Queued, Timer, TimerKey
from services.route.domain.timers import NURTURE
from shared import arrays
from shared.stage import Tx


def _timers(first: int) -> str:
    """Two parts of a statement, whose parameters begin at `first`: timers that were started or set to another time, and those that were
    stopped or are done."""
    return f"""
started AS (
    INSERT INTO timer (lead_id, kind, key, part, due_at)
    SELECT * FROM unnest(${first}::text::text[], ${first + 1}::text::text[], ${first + 2}::text::text[], ${first + 3}::text::int[],
                         ${first + 4}::text::timestamptz[])
    ON CONFLICT (lead_id, kind, key) DO UPDATE SET part = excluded.part, due_at = excluded.due_at
), stopped AS (
    DELETE FROM timer USING unnest(${first + 5}::text::text[], ${first + 6}::text::text[], ${first + 7}::text::text[]) AS t (lead_id, kind, key)
     WHERE timer.lead_id = t.lead_id AND timer.kind = t.kind AND timer.key = t.key
)"""


# Timers alone, where a batch changed nothing else but leads.
SAVE_TIMERS = f"WITH {_timers(1)} SELECT"

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
SELECT * FROM unnest($6::text::text[], $7::text::int[], $8::text::bigint[], $9::text::text[], $10::text::int[], $11::text::int[],
                     $12::text::text[], $13::text::bool[], $14::text::text[], $15::bytea[])
ON CONFLICT (lead_id) DO UPDATE
   SET part = excluded.part, score_version = excluded.score_version, stage = excluded.stage, episode = excluded.episode,
       handed = excluded.handed, owner = excluded.owner, queued = excluded.queued, absorbed = excluded.absorbed,
       recent = excluded.recent
"""

# Both in one statement.
SAVE_ALL_LEADS = f"WITH never_in_sql AS ({SAVE_NEVER_IN_SQL}) {SAVE_LEADS}"

# The same, and everything else that a decision may change: handovers, counters, accounts, merges, the queue, timers, outcomes and what
# became of the commands that brought them (the delivery core adds whether they are done).
SAVE_ALL = f"""
WITH never_in_sql AS ({SAVE_NEVER_IN_SQL}), leads AS ({SAVE_LEADS}), handovers AS (
    INSERT INTO handover (handover_id, part, lead_id, opened_for, episode, attempt, owner, pool, state, state_at, created_at, document,
                          withdrawn_at, expired, accept_by, contact_by, accept_escalated, contact_escalated, accepted_at, contacted_at)
    SELECT * FROM unnest($16::text::text[], $17::text::int[], $18::text::text[], $19::text::text[], $20::text::int[],
                         $21::text::int[], $22::text::text[], $23::text::text[], $24::text::text[], $25::text::timestamptz[], $26::text::timestamptz[], $27::bytea[], $28::text::timestamptz[],
                         $29::text::bool[], $30::text::timestamptz[], $31::text::timestamptz[], $32::text::bool[], $33::text::bool[], $34::text::timestamptz[],
                         $35::text::timestamptz[])
    ON CONFLICT (handover_id) DO UPDATE
       SET part = excluded.part, lead_id = excluded.lead_id, owner = excluded.owner, state = excluded.state, state_at = excluded.state_at,
           withdrawn_at = excluded.withdrawn_at, expired = excluded.expired, accept_escalated = excluded.accept_escalated,
           contact_escalated = excluded.contact_escalated, accepted_at = excluded.accepted_at, contacted_at = excluded.contacted_at
), counters AS (
    INSERT INTO pool_member (pool, member, base, turns, weight, is_out, given)
    SELECT * FROM unnest($36::text::text[], $37::text::text[], $38::text::bigint[], $39::text::bigint[], $40::text::int[], $41::text::bool[], $42::text::bigint[])
    ON CONFLICT (pool, member) DO UPDATE
       SET base = excluded.base, turns = excluded.turns, weight = excluded.weight, is_out = excluded.is_out, given = excluded.given
), accounts AS (
    INSERT INTO account (domain, owner, lead_id, since)
    SELECT * FROM unnest($43::text::text[], $44::text::text[], $45::text::text[], $46::text::timestamptz[])
    ON CONFLICT (domain) DO UPDATE SET owner = excluded.owner, lead_id = excluded.lead_id, since = excluded.since
), merges AS (
    INSERT INTO absorbed (lead_id, survivor, joined, at)
    SELECT * FROM unnest($47::text[], $48::text[], $49::text[], $50::timestamptz[])
    ON CONFLICT (lead_id) DO UPDATE SET survivor = excluded.survivor, joined = excluded.joined, at = excluded.at
), queued AS (
    INSERT INTO queue (lead_id, part, episode, reason, path, since, account, scored)
    SELECT * FROM unnest($51::text[], $52::int[], $53::int[], $54::text[], $55::bytea[], $56::timestamptz[], $57::text[], $58::bytea[])
    ON CONFLICT (lead_id) DO UPDATE
       SET part = excluded.part, reason = excluded.reason, path = excluded.path, episode = excluded.episode,
           since = excluded.since, account = excluded.account, scored = excluded.scored
), unqueued AS (
    DELETE FROM queue WHERE lead_id = ANY ($59::text[])
), outcomes AS (
    INSERT INTO outcome_log (command_id, part, lead_id, handover_id, outcome, reason, amount, currency, reported_by, occurred_at,
                             received_at, verdict, state_before, state_after, by_lead)
    SELECT * FROM unnest($60::uuid[], $61::int[], $62::text[], $63::text[], $64::text[], $65::text[], $66::float8[], $67::text[],
                         $68::text[], $69::timestamptz[], $70::timestamptz[], $71::text[], $72::text[], $73::text[], $74::bool[])
    ON CONFLICT (command_id) DO UPDATE
       SET handover_id = excluded.handover_id, verdict = excluded.verdict, state_before = excluded.state_before,
           state_after = excluded.state_after, by_lead = excluded.by_lead
), {_timers(75)}, loads AS (
    INSERT INTO owner_load (owner, open, used, at)
    SELECT * FROM unnest($83::text::text[], $84::text::int[], $85::text::bigint[], $86::text::timestamptz[])
    ON CONFLICT (owner) DO UPDATE SET open = excluded.open, used = excluded.used, at = excluded.at
)
INSERT INTO command (command_id, status, result)
SELECT command_id, 'done', verdict FROM unnest($60::uuid[], $71::text[]) AS o(command_id, verdict)
ON CONFLICT (command_id) DO UPDATE SET status = excluded.status, result = excluded.result
"""


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    """Everything that a batch changed, in one statement."""
    leads: list[Lead] = []
    others: dict[str, list[tuple[str, Any]]] = {}
    timers: list[tuple[TimerKey, Timer | None]] = []
    took: list[Took | Moved] = []
    for key, value in changes.items():
        if type(value) is Lead:
            leads.append(value)
        elif type(key) is TimerKey:
            if key.kind != NURTURE:  # that follows from nurture's own row
                timers.append((key, value))
        elif type(key) is Key and key.kind in ("took", "moved"):
            took += value
        elif type(key) is Key and key.kind not in NOT_SAVED:
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
    if timers and not others:
        await tx.execute(SAVE_TIMERS, *_timer_columns(timers))
    if not others and not marked:
        if plain:
            await tx.execute(SAVE_NEVER_IN_SQL, *columns)
        return
    columns += _texts(10, [astuple(one) for one in marked], packed=9)
    if not others:
        await tx.execute(SAVE_ALL_LEADS, *columns)
        return
    queued: list[tuple[str, Queued | None]] = others.get("queue", [])
    columns += _texts(20, [astuple(handover) for _, handover in others.get("handover", ())], packed=11)
    columns += _texts(
        7,
        [
            (pool, member, *astuple(counter))
            for pool, counters in others.get("pool", ())
            for member, counter in counters.items()
        ],
    )
    columns += _texts(4, [(domain, *astuple(account)) for domain, account in others.get("account", ())])
    joined = dict(others.get("joined", ()))
    columns += _columns(4, [(id_, survivor, *joined[id_]) for id_, survivor in others.get("absorbed", ())])
    waiting = [(id_, *astuple(one)) for id_, one in queued if one is not None]
    columns += [*_columns(8, waiting), [id_ for id_, one in queued if one is None]]
    columns += _columns(15, [astuple(logged) for _, logged in others.get("log", ())])
    columns += _timer_columns(timers)
    columns += _texts(4, [(owner, *astuple(load)) for owner, load in others.get("load", ())])
    await tx.execute(SAVE_ALL, *columns)
    measuring.measure(took)


def _timer_columns(timers: Sequence[tuple[TimerKey, Timer | None]]) -> list[str]:
    started = [(key, timer) for key, timer in timers if timer is not None]
    stopped = [key for key, timer in timers if timer is None]
    return [
        arrays.texts([key.lead_id for key, _ in started]),
        arrays.texts([key.kind for key, _ in started]),
        arrays.texts([key.key for key, _ in started]),
        arrays.plain([timer.part for _, timer in started]),
        arrays.plain([str(timer.due_at) for _, timer in started]),
        arrays.texts([key.lead_id for key in stopped]),
        arrays.texts([key.kind for key in stopped]),
        arrays.texts([key.key for key in stopped]),
    ]


def _texts(width: int, rows: Sequence[tuple[Any, ...]], *, packed: int = -1) -> list[Any]:
    """Rows as columns, each the text of an array, but for the column of bytes."""
    columns: list[Any] = _columns(width, rows)
    return [column if at == packed else arrays.values(column) for at, column in enumerate(columns)]


def _columns(width: int, rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as columns, for unnest."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
