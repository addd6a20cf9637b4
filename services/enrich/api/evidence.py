"""Why a lead is who it is, as the API shows it: where each field comes from, which event first named each identifier, which visits joined
when, and which leads became this one. Reads only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from asyncpg import Record as Row

from services.enrich.api.answers import identifier_shown
from services.enrich.domain.world import Happened, State
from services.enrich.store.rows import decode_happened
from shared.database import Pool

# The identifiers that its activities name and that are its own: the first of these activities each, and how many there are.
IDENTIFIERS = """
SELECT DISTINCT ON (n.name) n.name, n.happened, count(*) OVER (PARTITION BY n.name) AS events
  FROM (SELECT a.occurred_at, a.event_id, a.happened, named.name
          FROM activity AS a
         CROSS JOIN LATERAL (SELECT convert_from(a.happened, 'UTF8')::json AS h) AS said
         CROSS JOIN LATERAL (SELECT unnest(ARRAY[h ->> 'email', h ->> 'user', h ->> 'phone', h ->> 'cookie']) AS name
                              UNION SELECT json_array_elements_text(h -> 'externals')) AS named
         WHERE a.lead_id = $1 AND named.name IS NOT NULL) AS n
  JOIN identifier AS i ON i.name = n.name AND i.lead_id = $1
 ORDER BY n.name, n.occurred_at, n.event_id
"""

# On each browser of its activities: the first of them that names somebody, and how many visits there were before it and since.
BROWSERS = """
SELECT f.cookie, f.happened, min(a.occurred_at) AS first_at, max(a.occurred_at) AS last_at,
       count(*) FILTER (WHERE NOT a.identified AND (a.occurred_at, a.event_id) < (f.occurred_at, f.event_id)) AS before,
       count(*) FILTER (WHERE NOT a.identified AND (a.occurred_at, a.event_id) > (f.occurred_at, f.event_id)) AS since
  FROM (SELECT DISTINCT ON (cookie) cookie, occurred_at, event_id, happened FROM activity
         WHERE lead_id = $1 AND identified AND cookie IS NOT NULL ORDER BY cookie, occurred_at, event_id) AS f
  JOIN activity AS a ON a.lead_id = $1 AND a.cookie = f.cookie
 GROUP BY f.cookie, f.occurred_at, f.event_id, f.happened ORDER BY first_at, f.cookie
"""

# The leads that became this one.
ABSORBED = "SELECT lead_id, made_at, made_by FROM lead WHERE absorbed_into = $1 ORDER BY made_at, lead_id"


async def identifiers(pool: Pool, lead_id: str) -> list[dict[str, Any]]:
    """The lead's identifiers, each with the first event that named it and how many did."""
    rows = await pool.fetch(IDENTIFIERS, lead_id)
    return [{**identifier_shown(row["name"]), "first": _event(row), "events": row["events"]} for row in rows]


async def browsers(pool: Pool, lead_id: str) -> list[dict[str, Any]]:
    """On each browser: the event that said who it is (`joined_by`), how many visits joined then since they were `before` it, and how many
    there were `since`."""
    return [
        {
            "anonymous_id": identifier_shown(row["cookie"])["value"],
            "joined_by": _event(row),
            **{name: row[name] for name in ("before", "since", "first_at", "last_at")},
        }
        for row in await pool.fetch(BROWSERS, lead_id)
    ]


async def absorbed(pool: Pool, lead_id: str) -> list[dict[str, Any]]:
    """The leads that became this one, each with the identifier that made it."""
    rows = await pool.fetch(ABSORBED, lead_id)
    return [
        {"lead_id": row["lead_id"], "made_at": row["made_at"], "made_by": identifier_shown(row["made_by"])}
        for row in rows
    ]


def told(state: State) -> dict[str, dict[str, Any]]:
    """By field of the profile: what told it, and the event that did, with its time."""
    said = {
        field: {"source": one.source, "at": voice.at, "event_id": event_id}
        for event_id, voice in state.voices.items()
        for field, one in {**voice.claims, **{f"custom.{name}": own for name, own in voice.custom.items()}}.items()
    }
    for purpose, claim in state.consents.items():
        said[f"consent.{purpose}"] = {"source": "consent", "at": claim.consent.at, "event_id": claim.event_id}
    return dict(sorted(said.items()))


def _event(row: Row) -> dict[str, str | datetime]:
    happened: Happened = decode_happened(row["happened"])
    facts = happened.facts
    return {
        "event_id": happened.event_id,
        "at": happened.at,
        "kind": facts.kind,
        "name": facts.name,
        "property": facts.property,
    }
