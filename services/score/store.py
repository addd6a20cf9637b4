"""Score's own Postgres: what a batch needs of its leads in one statement, what it changed in another. Decides nothing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from services.score.domain.inforce import Fact
from services.score.domain.lead import Kept, Lead, Passed, State, Told
from shared.database import Pool
from shared.stage import Input, Tx

_encode_state = msgspec.msgpack.Encoder().encode
_decode_state = msgspec.msgpack.Decoder(State).decode

# The leads of a batch ($1), and of their activities the revisions that are kept of those it speaks of ($5, $6, $7). All activities of a
# lead come along only where counting on is not enough: its state is of another ruleset ($8), the batch itself is out of order
# ($4) or begins before what counted last ($2, $3), or changes an activity that is kept.
_LOAD = """
WITH wanted AS (
    SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::uuid[], $4::bool[]) AS w (lead_id, first_at, first_id, disordered)
), known AS (
    SELECT a.lead_id,
           array_agg(a.activity_id) AS ids,
           array_agg(a.revision) AS revisions,
           bool_or(a.revision < t.revision) AS changes
      FROM unnest($5::text[], $6::uuid[], $7::int[]) AS t (lead_id, activity_id, revision)
      JOIN activity a ON a.lead_id = t.lead_id AND a.activity_id = t.activity_id
     GROUP BY a.lead_id
)
SELECT l.lead_id, l.part, l.profile_version, l.profile, l.first_touch, l.last_touch, l.state, k.ids, k.revisions,
       CASE WHEN w.disordered OR k.changes OR (w.first_at, w.first_id) <= (l.newest_at, l.newest_id)
              OR (l.fingerprint <> '' AND l.fingerprint <> $8)
            THEN ARRAY(SELECT a.body FROM activity a WHERE a.lead_id = l.lead_id)
       END AS bodies
  FROM wanted w
  JOIN lead l ON l.lead_id = w.lead_id
  LEFT JOIN known k ON k.lead_id = w.lead_id
"""

# All changed leads, the activities that were told of in their latest revision, and none any more of those that were absorbed ($13).
_SAVE = """
WITH leads AS (
    INSERT INTO lead AS l (lead_id, part, profile_version, profile, first_touch, last_touch, state, fingerprint, newest_at, newest_id,
                           stage, total)
    SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::text[],
                         $9::timestamptz[], $10::uuid[], $11::text[], $12::int[])
    ON CONFLICT (lead_id) DO UPDATE
       SET part = excluded.part, profile_version = excluded.profile_version, profile = excluded.profile,
           first_touch = excluded.first_touch, last_touch = excluded.last_touch, state = excluded.state,
           fingerprint = excluded.fingerprint, newest_at = excluded.newest_at, newest_id = excluded.newest_id,
           stage = excluded.stage, total = excluded.total
), emptied AS (
    DELETE FROM activity WHERE lead_id = ANY ($13::text[])
)
INSERT INTO activity AS a (lead_id, activity_id, revision, occurred_at, known_at, body)
SELECT * FROM unnest($14::text[], $15::uuid[], $16::int[], $17::timestamptz[], $18::timestamptz[], $19::bytea[])
ON CONFLICT (lead_id, activity_id) DO UPDATE
   SET revision = excluded.revision, occurred_at = excluded.occurred_at, known_at = excluded.known_at, body = excluded.body
 WHERE a.revision < excluded.revision
"""

# One lead with all its activities, for the API.
_ONE = """
SELECT l.lead_id, l.part, l.profile_version, l.profile, l.state, ARRAY(SELECT a.body FROM activity a WHERE a.lead_id = l.lead_id) AS bodies
  FROM lead l
 WHERE l.lead_id = $1
"""


@dataclass(slots=True)
class _Wanted:
    """What a batch has of one lead: the first activity that falls under a rule, and whether they come in order, each once."""

    part: int
    first: tuple[datetime, str] | None = None
    last: tuple[datetime, str] | None = None
    disordered: bool = False
    revisions: dict[str, int] | None = None

    def add(self, fact: Fact) -> None:
        self.revisions = self.revisions or {}
        self.disordered |= fact.id in self.revisions
        self.revisions[fact.id] = max(fact.revision, self.revisions.get(fact.id, 0))
        if not fact.rules:
            return
        moment = fact.moment
        if self.last is not None and moment <= self.last:
            self.disordered = True
        self.first = self.first or moment
        self.last = moment


async def load(tx: Tx, inputs: Sequence[Input], *, fingerprint: str) -> MutableMapping[Hashable, Any]:
    """The leads that these inputs speak of, by id; those that are not kept yet are absent. One round trip."""
    wanted: dict[str, _Wanted] = {}
    for input_ in inputs:
        event = input_.event
        if isinstance(event, Passed):
            continue
        want = wanted.setdefault(event.lead_id, _Wanted(input_.part))
        if isinstance(event, Told):
            want.add(event.fact)
    if not wanted:
        return {}
    told = [
        (lead_id, id_, revision) for lead_id, want in wanted.items() for id_, revision in (want.revisions or {}).items()
    ]
    rows = await tx.fetch(
        _LOAD,
        list(wanted),
        [want.first and want.first[0] for want in wanted.values()],
        [want.first and want.first[1] for want in wanted.values()],
        [want.disordered for want in wanted.values()],
        [lead_id for lead_id, _, _ in told],
        [id_ for _, id_, _ in told],
        [revision for _, _, revision in told],
        fingerprint,
    )
    world: dict[Hashable, Any] = {row[0]: _lead(row) for row in rows}
    for lead_id, want in wanted.items():
        if want.disordered and lead_id not in world:
            # A new lead whose activities come out of order: everything that is known of it is in this batch.
            world[lead_id] = Lead(lead_id=lead_id, part=want.part, bodies=())
    return world


def _lead(row: Any) -> Lead:
    lead_id, part, profile_version, profile, first_touch, last_touch, state, ids, revisions, bodies = row
    return Lead(
        lead_id=lead_id,
        part=part,
        profile_version=profile_version,
        profile=profile,
        first_touch=first_touch,
        last_touch=last_touch,
        state=_decode_state(state),
        known={} if ids is None else {str(id_): revision for id_, revision in zip(ids, revisions, strict=True)},
        bodies=None if bodies is None else tuple(bodies),
    )


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    """Every lead that changed and what it did, whole. One round trip."""
    leads: list[Lead] = list(changes.values())
    kept: dict[tuple[str, str], Kept] = {(lead.lead_id, one.fact.id): one for lead in leads for one in lead.kept}
    await tx.execute(
        _SAVE,
        [lead.lead_id for lead in leads],
        [lead.part for lead in leads],
        [lead.profile_version for lead in leads],
        [lead.profile for lead in leads],
        [lead.first_touch for lead in leads],
        [lead.last_touch for lead in leads],
        [_encode_state(lead.state) for lead in leads],
        [lead.state.fingerprint for lead in leads],
        [lead.state.tally.newest_at for lead in leads],
        [lead.state.tally.newest_id or None for lead in leads],
        [lead.state.stage for lead in leads],
        [lead.state.total for lead in leads],
        [lead.lead_id for lead in leads if lead.state.absorbed_into is not None],
        [lead_id for lead_id, _ in kept],
        [id_ for _, id_ in kept],
        [one.fact.revision for one in kept.values()],
        [one.fact.at for one in kept.values()],
        [one.known_at for one in kept.values()],
        [one.body for one in kept.values()],
    )


async def lead_with_activities(pool: Pool, lead_id: str) -> Lead | None:
    """One lead with the bodies of all its activities, or None where score has never heard of it."""
    row = await pool.fetchrow(_ONE, lead_id)
    if row is None:
        return None
    return Lead(
        lead_id=row["lead_id"],
        part=row["part"],
        profile_version=row["profile_version"],
        profile=row["profile"],
        state=_decode_state(row["state"]),
        bodies=tuple(row["bodies"]),
    )
