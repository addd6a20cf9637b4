"""What a batch needs of its leads, and what it changed, a statement each."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

import msgspec

from services.score.domain.inforce import Fact
from services.score.domain.known import Decided, Profiled
from services.score.domain.lead import Advised, Kept, Lead, Passed, State, Told
from services.score.domain.publications import Rulesets
from services.score.domain.rescore import wants_history
from services.score.domain.tally import Tally, is_countable
from shared import arrays, clock
from shared.stage import Input, Tx

_Document = tuple[int, bytes, bytes, bytes, State]  # profile_version, profile, first_touch, last_touch, state
_NOTHING = Tally()
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Document).decode

# The leads of a batch ($1), and of the activities that it tells of ($2, $3) the revisions that are kept.
_LOAD = """
SELECT l.lead_id, l.part, l.data, NULL::text AS activity_id, NULL::int AS life, NULL::int AS revision
  FROM lead l
 WHERE l.lead_id = ANY ($1::text::text[])
UNION ALL
SELECT a.lead_id, NULL, NULL, a.activity_id::text, a.life, a.revision
  FROM unnest($2::text::text[], $3::uuid[]) AS t (lead_id, activity_id)
  JOIN activity a ON a.lead_id = t.lead_id AND a.activity_id = t.activity_id
"""

# All activities, in their latest revision, of the present lives ($2) of those leads ($1) for which counting on is not enough.
_BODIES = """
SELECT DISTINCT ON (a.lead_id, a.activity_id) a.lead_id, a.body
  FROM unnest($1::text[], $2::int[]) AS t (lead_id, life)
  JOIN activity a ON a.lead_id = t.lead_id AND a.life = t.life
 ORDER BY a.lead_id, a.activity_id, a.revision DESC
"""

# All changed leads, the revisions of activities that were told of, and what the leads' documents ($5) said before and no longer do.
# Documents come as one value each for leads ($5), activities ($13) and what was known formerly ($19), with the place where each begins
# and its length: of 1800 bytes each that costs the driver 5 to 6.5 us a document, an array 7.5, and Postgres no more. Numbers and
# moments come as the text of an array: in an array of its own a moment costs the driver 1.8 us and not 0.4, a number 0.5 and not 0.3.
_SAVE = """
WITH leads AS (
    INSERT INTO lead AS l (lead_id, part, data, ruled)
    SELECT lead_id, part, substr($5::bytea, first, size), ruled
      FROM unnest($1::text::text[], $2::text::int[], $3::text::int[], $4::text::int[], $20::text::bigint[]) AS t (lead_id, part, first, size, ruled)
    ON CONFLICT (lead_id) DO UPDATE SET part = excluded.part, data = excluded.data, ruled = excluded.ruled
), formerly AS (
    INSERT INTO former (lead_id, kind, known_at, data)
    SELECT lead_id, kind, known_at, substr($19::bytea, first, size)
      FROM unnest($14::text::text[], $15::text::text[], $16::text::timestamptz[], $17::text::int[], $18::text::int[])
        AS t (lead_id, kind, known_at, first, size)
    ON CONFLICT DO NOTHING
)
INSERT INTO activity (lead_id, activity_id, life, revision, known_at, body)
SELECT lead_id, activity_id, life, revision, known_at, substr($13::bytea, first, size)
  FROM unnest($6::text::text[], $7::uuid[], $8::text::int[], $9::text::int[], $10::text::timestamptz[], $11::text::int[], $12::text::int[])
    AS t (lead_id, activity_id, life, revision, known_at, first, size)
ON CONFLICT DO NOTHING
"""

# What sales said, whatever it was.
_REPORTED = """
INSERT INTO outcome (lead_id, event_id, life, outcome, occurred_at, known_at, episode)
SELECT * FROM unnest($1::text[], $2::uuid[], $3::int[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int[])
ON CONFLICT DO NOTHING
"""

# The signals that were taken.
_ADVISED = """
INSERT INTO advice (lead_id, name, value, at, expires_at, known_at, life)
SELECT * FROM unnest($1::text[], $2::text[], $3::float8[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::int[])
ON CONFLICT DO NOTHING
"""

# When these leads ($1) are to be looked at again; those without a moment ($3) never, so far as is known.
_REVIEW = """
WITH gone AS (
    DELETE FROM review r USING unnest($1::text[], $3::timestamptz[]) AS t (lead_id, due_at)
     WHERE r.lead_id = t.lead_id AND t.due_at IS NULL
)
INSERT INTO review (lead_id, part, due_at)
SELECT lead_id, part, due_at FROM unnest($1::text[], $2::int[], $3::timestamptz[]) AS t (lead_id, part, due_at) WHERE due_at IS NOT NULL
ON CONFLICT (lead_id) DO UPDATE SET part = excluded.part, due_at = excluded.due_at
"""


async def load(tx: Tx, inputs: Sequence[Input], *, rulesets: Rulesets) -> MutableMapping[Hashable, Any]:
    """The leads that these inputs speak of, by id; those that are not kept yet are absent. One round trip.

    All activities of a lead come along, in a second one, only where counting on is not enough: its state is of another
    ruleset, another one comes into force within the batch, or the state does not tell what they are worth now, or what the batch tells of it is late, out of order, ahead of its time, or
    changes an activity that is kept.
    """
    parts: dict[str, int] = {}
    told: dict[str, list[Fact]] = {}
    times: dict[str, tuple[datetime, datetime]] = {}  # the first and the last moment at which something happens to it
    ahead: set[str] = set()
    for input_ in inputs:
        event = input_.event
        if isinstance(event, Told):
            told.setdefault(event.lead_id, []).append(event.fact)
            if event.fact.at > input_.now and rulesets.at(input_.part, input_.now).document.ruleset.has_decay:
                ahead.add(event.lead_id)
        elif isinstance(event, Passed):
            continue
        if isinstance(event, Advised):
            parts.setdefault(event.lead_id, input_.part)  # whose number it came in may be wrong
        else:
            parts[event.lead_id] = input_.part
        first, last = times.get(event.lead_id, (input_.now, input_.now))
        times[event.lead_id] = min(first, input_.now), max(last, input_.now)
    if not parts:
        return {}
    rows = await tx.fetch(
        _LOAD,
        arrays.texts(list(parts)),
        arrays.texts([lead_id for lead_id, facts in told.items() for _ in facts]),
        [fact.id for facts in told.values() for fact in facts],
    )
    leads: dict[Hashable, Any] = {}
    kept: list[tuple[str, str, int, int]] = []
    for lead_id, part, data, activity_id, life, revision in rows:
        if data is not None:
            leads[lead_id] = lead_of(lead_id, part, data)
        else:
            kept.append((lead_id, activity_id, life, revision))
    known: dict[str, dict[str, int]] = {}
    for lead_id, activity_id, life, revision in kept:
        if life == leads[lead_id].state.life:
            revisions = known.setdefault(lead_id, {})
            revisions[activity_id] = max(revision, revisions.get(activity_id, 0))
    for lead_id, revisions in known.items():
        leads[lead_id] = msgspec.structs.replace(leads[lead_id], known=revisions)
    bodies: dict[str, list[bytes]] = {}
    for lead_id, part in parts.items():
        facts = told.get(lead_id, ())
        lead = leads.get(lead_id)
        first, last = times[lead_id]
        standing = rulesets.at(part, last)
        in_force = standing.document
        if lead is None:
            if (
                standing.seq != rulesets.at(part, first).seq
                or lead_id in ahead
                or not is_countable(_NOTHING, {}, facts, in_force.leaving)
            ):
                # A new lead whose activities come out of order: everything that is known of it is in this batch.
                ruled = rulesets.at(part, first).seq
                leads[lead_id] = Lead(lead_id=lead_id, part=part, state=State(ruled=ruled), bodies=())
        elif (
            lead_id in ahead
            or standing.seq != lead.state.ruled
            or any(wants_history(lead.state, in_force, at) for at in {first, last})
            or not is_countable(lead.state.tally, lead.known, facts, in_force.leaving)
        ):
            bodies[lead_id] = []
    if bodies:
        for lead_id, body in await tx.fetch(_BODIES, list(bodies), [leads[one].state.life for one in bodies]):
            bodies[lead_id].append(body)
        for lead_id, all_ in bodies.items():
            leads[lead_id] = msgspec.structs.replace(leads[lead_id], bodies=tuple(all_))
    return leads


def lead_of(lead_id: str, part: int, data: bytes, bodies: Sequence[bytes] | None = None) -> Lead:
    profile_version, profile, first_touch, last_touch, state = _decode(data)
    return Lead(
        lead_id=lead_id,
        part=part,
        profile_version=profile_version,
        profile=profile,
        first_touch=first_touch,
        last_touch=last_touch,
        state=state,
        bodies=None if bodies is None else tuple(bodies),
        review_by=state.review_at,
    )


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    """Every lead that changed and what it did, whole. One round trip."""
    leads: list[Lead] = list(changes.values())
    kept = [(lead.lead_id, one) for lead in leads for one in lead.kept]
    former = [(lead.lead_id, one) for lead in leads for one in lead.former]
    documents = [
        _encode((lead.profile_version, lead.profile, lead.first_touch, lead.last_touch, lead.state)) for lead in leads
    ]
    known_at: list[str] = []
    last: Kept | None = None  # records that came together share their moment
    for _, one in kept:
        known_at.append(
            known_at[-1] if last is not None and one.known_at is last.known_at else clock.text(one.known_at)
        )
        last = one
    await tx.execute(
        _SAVE,
        arrays.texts([lead.lead_id for lead in leads]),
        arrays.plain([lead.part for lead in leads]),
        *_joined(documents),
        arrays.texts([lead_id for lead_id, _ in kept]),
        [one.fact.id for _, one in kept],
        arrays.plain([one.life for _, one in kept]),
        arrays.plain([one.fact.revision for _, one in kept]),
        arrays.plain(known_at),
        *_joined([one.body for _, one in kept]),
        arrays.texts([lead_id for lead_id, _ in former]),
        arrays.plain([_kind(one.what) for _, one in former]),
        arrays.plain([clock.text(one.known_at) for _, one in former]),
        *_joined([_encode(one.what) for _, one in former]),
        arrays.plain([lead.state.ruled for lead in leads]),
    )
    if reported := [(lead.lead_id, one) for lead in leads for one in lead.reported]:
        columns = zip(*((lead_id, *msgspec.structs.astuple(one)) for lead_id, one in reported), strict=True)
        await tx.execute(_REPORTED, *map(list, columns))
    if advised := [(lead.lead_id, one) for lead in leads for one in lead.advised]:
        columns = zip(*((lead_id, *msgspec.structs.astuple(one)) for lead_id, one in advised), strict=True)
        await tx.execute(_ADVISED, *map(list, columns))
    if looks := [(lead.lead_id, lead.part, lead.state.review_at) for lead in leads if _is_looked_at_anew(lead)]:
        await tx.execute(_REVIEW, *map(list, zip(*looks, strict=True)))


def _kind(what: Decided | Profiled) -> str:
    return "decided" if isinstance(what, Decided) else "profile"


def _is_looked_at_anew(lead: Lead) -> bool:
    """Whether the store has to be told when to look at a lead: it is earlier than it knows, or it has just been looked at."""
    at = lead.state.review_at
    if lead.is_reviewed or (lead.state.absorbed_into is not None and lead.review_by is not None):
        return True
    return at is not None and (lead.review_by is None or at < lead.review_by)


def _joined(documents: Sequence[bytes]) -> tuple[str, str, bytes]:
    """Documents as one value: where each begins in it (from 1, as SQL counts), how long it is, and the value."""
    sizes = list(map(len, documents))
    return arrays.plain(accumulate(sizes[:-1], initial=1) if sizes else ()), arrays.plain(sizes), b"".join(documents)
