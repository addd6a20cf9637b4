"""What became of mails after they were sent, in route's store: what came back, and what is yet to be told on the topics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.route.domain.mail.returned import Returned
from services.route.domain.mail.telling import Seen
from shared import ids
from shared.database import Pool

# What a report says of a mail that was sent from here, to that address.
_RETURNED = """
INSERT INTO mail.happened (event_id, mail_id, what, at, url, channel, suppress, due_at, told_at)
SELECT $1::uuid, mail_id, $3::text, $5::timestamptz, '', 'email', $6::bool, $5::timestamptz, CASE WHEN $7::bool THEN $5::timestamptz END
  FROM mail.mail WHERE mail_id = $2::uuid AND kind IN ('nurture', 'magnet') AND tries > 0 AND ($4::text = '' OR lower(address) = lower($4::text))
    ON CONFLICT DO NOTHING
"""

# Takes what is to be told, until whoever took it counts as dead.
_TAKE = """
WITH taken AS (
    UPDATE mail.happened AS h SET due_at = $1 + $2::interval
      FROM (SELECT event_id FROM mail.happened WHERE told_at IS NULL AND due_at <= $1 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED) AS due
     WHERE h.event_id = due.event_id RETURNING h.*
)
SELECT event_id::text, mail_id::text, what, at, url, channel, ip, user_agent, suppress, kind, lead_id, track, step, content, address,
       CASE WHEN state = 'sent' THEN ended_at END AS sent_at
  FROM taken JOIN mail.mail USING (mail_id) ORDER BY at
"""

# It is told: addresses and agents are of no more use here.
_TOLD = "UPDATE mail.happened SET told_at = $2, ip = NULL, user_agent = NULL WHERE event_id = ANY ($1::uuid[])"


async def returned(pool: Pool, said: Returned, now: datetime) -> bool:
    """Keeps what came back, once for each mail and kind; False where it is of no mail to a lead that was sent from here to that address."""
    event_id = ids.event_id("mail", said.mail_id, "", 0, said.what)
    ends = said.what in ("bounced", "complained")
    await pool.execute(_RETURNED, event_id, said.mail_id, said.what, said.address, now, ends, said.what == "delayed")
    # It may have been known before.
    return bool(await pool.fetchval("SELECT true FROM mail.happened WHERE event_id = $1", event_id))


async def take(pool: Pool, *, now: datetime, lease: timedelta, most: int) -> list[Seen]:
    """Begins to tell so much; whoever dies with it leaves it to others after `lease`."""
    return [Seen(**dict(row)) for row in await pool.fetch(_TAKE, now, lease, most)]


async def told(pool: Pool, event_ids: Sequence[str], now: datetime) -> None:
    """Writes down that it is told."""
    await pool.execute(_TOLD, list(event_ids), now)
