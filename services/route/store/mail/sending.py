"""A worker's side of mail: taking what is due, writing down that it is handed over before it is, and what it came to. What an answer means is domain/mail's."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from services.route.domain.mail.answer import Reply, State, Verdict
from services.route.domain.mail.asking import Known
from services.route.domain.mail.heard import Kind, Mail
from services.route.domain.nurture.state import Suppression
from services.route.domain.nurture.suppressing import subject_of_address, subject_of_lead
from services.route.store.nurture import SUPPRESSED, unpack
from shared import ids
from shared.clock import to_ms
from shared.database import Pool

_MERGES = 10  # that are followed from a lead to the one that it is now

# Takes one that is due, until it counts as dead.
_TAKE = """
UPDATE mail.mail AS m SET tries = m.tries + 1, turn = m.turn + 1, due_at = $1 + $2::interval
  FROM (SELECT mail_id FROM mail.mail WHERE state = 'waiting' AND due_at <= $1 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) AS due
 WHERE m.mail_id = due.mail_id
RETURNING m.mail_id::text, kind, lead_id, template, address, told_at, data, subject, track, step, content, tries, turn
"""

# From here on it may have been sent, unless somebody else took it meanwhile.
_HAND_OVER = """
UPDATE mail.mail SET state = 'sending', due_at = $3::timestamptz + $4::interval WHERE mail_id = $1 AND turn = $2 AND state = 'waiting'
"""

# What became of a try: the mail, unless somebody else took it meanwhile (who comes late from a server with an answer ends an unknown too); the
# bounce, where it was one; and the try. The event is kept while it may be sent again, by itself or by an operator.
_SETTLE = """
WITH settled AS (
    UPDATE mail.mail SET state = $4::text, why = $5::text, due_at = $6::timestamptz, tries = CASE WHEN $10::bool THEN tries - 1 ELSE tries END,
           data = CASE WHEN $4::text = 'sent' THEN NULL ELSE data END, ended_at = CASE WHEN $4::text = 'waiting' THEN NULL ELSE $3::timestamptz END
     WHERE mail_id = $1::uuid AND turn = $2::int AND (state IN ('waiting', 'sending') OR state = 'unknown' AND $4::text <> 'waiting')
    RETURNING mail_id, kind
), bounced AS (
    INSERT INTO mail.happened (event_id, mail_id, what, at, url, channel, suppress, due_at)
    SELECT $8::uuid, mail_id, 'bounced', $3::timestamptz, '', 'email', true, $3::timestamptz FROM settled WHERE $8::uuid IS NOT NULL
        ON CONFLICT DO NOTHING
)
INSERT INTO mail.try (mail_id, at, came_to, why, took_ms) SELECT mail_id, $3::timestamptz, $4::text, $5::text, $7::int FROM settled WHERE $9::bool
"""

# Whoever handed these over has not come back: nobody knows what became of them.
_LOST = """
WITH lost AS (
    UPDATE mail.mail SET state = 'unknown', why = 'whoever sent it ended before the answer', ended_at = $1
     WHERE state = 'sending' AND due_at <= $1 RETURNING mail_id, why
)
INSERT INTO mail.try (mail_id, at, came_to, why, took_ms) SELECT mail_id, $1, 'unknown', why, 0 FROM lost RETURNING mail_id
"""

# What ended long ago goes, with its tries and what happened to it.
_FORGET = "DELETE FROM mail.mail WHERE ended_at < $1"


class Taken(Struct, frozen=True):
    """A mail whose try has begun, and which try it is."""

    mail: Mail
    tries: int
    turn: int


async def take(pool: Pool, *, now: datetime, lease: timedelta) -> Taken | None:
    """Begins a try of one mail; whoever dies with it before it is handed over leaves it to others after `lease`."""
    row = await pool.fetchrow(_TAKE, now, lease)
    if row is None:
        return None
    values = dict(row)
    tries, turn = values.pop("tries"), values.pop("turn")
    return Taken(Mail(**{**values, "kind": Kind(values["kind"]), "data": values["data"] or b""}), tries, turn)


async def hand_over(pool: Pool, taken: Taken, *, now: datetime, lease: timedelta) -> bool:
    """Writes down that from now on it may have been sent. False where it is no longer ours: then it must not be."""
    status = await pool.execute(_HAND_OVER, taken.mail.mail_id, taken.turn, now, lease)
    return str(status) == "UPDATE 1"


async def settle(pool: Pool, taken: Taken, reply: Reply | None, verdict: Verdict, *, now: datetime) -> None:
    """Writes down what it came to. Without a reply no server was asked: then it is no try, and waiting does not count."""
    bounce = None
    if verdict.bounced and taken.mail.kind in (Kind.NURTURE, Kind.MAGNET):
        bounce = ids.event_id("mail", taken.mail.mail_id, "", 0, "bounced")
    waits_for_nothing = reply is None and verdict.state is State.WAITING
    await pool.execute(
        _SETTLE, taken.mail.mail_id, taken.turn, now, verdict.state.value, verdict.why,
        now + timedelta(seconds=verdict.wait_seconds), reply.took_ms if reply is not None else 0, bounce, not waits_for_nothing, waits_for_nothing,
    )  # fmt: skip


async def lost(pool: Pool, now: datetime) -> int:
    """Ends what was handed over by somebody who never came back; how many."""
    return len(await pool.fetch(_LOST, now))


async def forget(pool: Pool, before: datetime) -> None:
    """Lets go of what ended before."""
    await pool.execute(_FORGET, before)


async def known(pool: Pool, mail: Mail) -> Known:
    """What is known now of who would get it."""
    lead_id, nurtured = mail.lead_id, None
    for _ in range(_MERGES):
        # The lead's state in nurture.
        data = await pool.fetchval("SELECT data FROM nurture WHERE lead_id = $1", lead_id)
        nurtured = unpack(data) if data is not None else None
        if nurtured is None or not nurtured.merged_into:
            break
        lead_id = nurtured.merged_into
    names = {subject_of_address(mail.address)}
    if mail.kind in (Kind.NURTURE, Kind.MAGNET):  # an owner's notice is about a lead, not to it
        names |= {subject_of_lead(mail.lead_id), subject_of_lead(lead_id)}
    rows = await pool.fetch(SUPPRESSED, sorted(names))
    return Known(nurtured, [Suppression(row["channel"], row["why"], to_ms(row["at"]), row["by"]) for row in rows])
