"""What a batch of the topics tells of mail is kept here: mails to be sent, and what was done with them. Sends nothing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from services.route.domain.mail.heard import BEGAN, Happened, Mail
from shared.database import Pool
from shared.stage import Input, Tx

Connection = Pool | PoolConnectionProxy | asyncpg.Connection

# The first word on when mail began stands.
_BEGIN = "INSERT INTO mail.began (at) VALUES ($1) ON CONFLICT DO NOTHING"

# Mails to be sent. One that is known already is left as it is, whatever became of it.
_PUT = """
INSERT INTO mail.mail (mail_id, kind, lead_id, track, step, content, template, subject, address, data, told_at, state, why, tries, due_at)
SELECT t.*, 'waiting', '', 0, t.told_at
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bytea[],
              $11::timestamptz[]) AS t (mail_id, kind, lead_id, track, step, content, template, subject, address, data, told_at)
    ON CONFLICT DO NOTHING
"""

# What was done with mails that are known here.
_HAPPENED = """
INSERT INTO mail.happened (event_id, mail_id, what, at, url, channel, ip, user_agent, suppress, due_at)
SELECT t.event_id, mail_id, t.what, t.at, t.url, t.channel, t.ip, t.user_agent, false, t.at
  FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[])
       AS t (event_id, mail_id, what, at, url, channel, ip, user_agent)
  JOIN mail.mail USING (mail_id)
    ON CONFLICT DO NOTHING
"""


async def begin(pool: Connection, now: datetime) -> None:
    """From the first time that this is called, what is told is sent."""
    await pool.execute(_BEGIN, now)


async def load(tx: Tx, _: Sequence[Input]) -> MutableMapping[Hashable, Any]:
    """Since when mails are sent: since now, where nobody said so before."""
    # What runs beside the stage says so as it starts; nearly always it has by now.
    await tx.execute("INSERT INTO mail.began (at) VALUES (now()) ON CONFLICT DO NOTHING")
    # The one row.
    return {BEGAN: await tx.fetchval("SELECT at FROM mail.began")}


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    """Keeps what a batch tells."""
    await put(tx, [one for one in changes.values() if isinstance(one, Mail)])
    happened = [one for one in changes.values() if isinstance(one, Happened)]
    if happened:
        rows = [
            (
                one.event_id,
                one.done.mail_id,
                one.done.did,
                one.at,
                one.done.url or "",
                one.done.channel or "",
                one.done.ip,
                one.done.user_agent,
            )
            for one in happened
        ]
        await tx.execute(_HAPPENED, *map(list, zip(*rows, strict=True)))


async def put(tx: Connection, mails: Sequence[Mail]) -> None:
    """Keeps mails to be sent."""
    if mails:
        rows = [
            (
                one.mail_id,
                one.kind.value,
                one.lead_id,
                one.track,
                one.step,
                one.content,
                one.template,
                one.subject,
                one.address,
                one.data,
                one.told_at,
            )
            for one in mails
        ]
        await tx.execute(_PUT, *map(list, zip(*rows, strict=True)))
