"""Why a lead is who it is, as the API shows it: where each field comes from, which event first named each identifier, which visits joined
when, and which leads became this one. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.enrich.api.answers import identifier_shown
from services.enrich.domain import consent, evidence
from services.enrich.domain.evidence import Link
from services.enrich.domain.judgement import Judgement
from services.enrich.domain.world import Happened, Identifier, State
from services.enrich.store.identity import decode_judgement
from services.enrich.store.rows import World, decode_happened, people
from shared.database import Pool

# The identifiers that its activities name and that are its own: the first of these activities each, and how many there are.
IDENTIFIERS = """
SELECT DISTINCT ON (n.name) n.name, i.lead_id, i.ties, l.made_at, l.made_by, l.profile_version, l.absorbed_into, l.state, n.happened, count(*) OVER (PARTITION BY n.name) AS events
  FROM (SELECT a.occurred_at, a.event_id, a.happened, named.name
          FROM activity AS a
         CROSS JOIN LATERAL (SELECT document(a.happened) AS h) AS said
         CROSS JOIN LATERAL (SELECT unnest(ARRAY[h ->> 'email', h ->> 'user', h ->> 'phone', h ->> 'cookie', face(h)]) AS name
                              UNION SELECT json_array_elements_text(h -> 'externals')) AS named
         WHERE a.lead_id = $1 AND named.name IS NOT NULL) AS n
  JOIN identifier AS i ON i.name = n.name AND i.lead_id = $1
  JOIN lead AS l ON l.lead_id = $1
 ORDER BY n.name, n.occurred_at, n.event_id
"""

# What its activities name besides, which is not its own: another's, or nobody's; the most often named first.
OTHERS = """
SELECT named.name, i.lead_id, count(*) AS events
  FROM activity AS a
 CROSS JOIN LATERAL (SELECT document(a.happened) AS h) AS said
 CROSS JOIN LATERAL (SELECT unnest(ARRAY[h ->> 'user', h ->> 'phone', face(h)]) AS name
                      UNION SELECT json_array_elements_text(h -> 'externals')) AS named
  JOIN identifier AS i ON i.name = named.name AND i.lead_id IS DISTINCT FROM $1
 WHERE a.lead_id = $1 GROUP BY named.name, i.lead_id ORDER BY events DESC, named.name LIMIT 100
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


# Who said what, and why: the rulings of these commands.
JUDGEMENTS = "SELECT command_id, document FROM judgement WHERE command_id = ANY ($1::uuid[])"

# The events of these ids.
EVENTS = "SELECT event_id, happened FROM activity WHERE event_id = ANY ($1::uuid[])"


async def identifiers(pool: Pool, lead_id: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    """The lead's identifiers, each with the first event that named it, how many did, and what links it to others (evidence.Link); the
    rulings that keep others apart from it; and the names under which its identifiers are kept."""
    rows = await pool.fetch(IDENTIFIERS, lead_id)
    names = [row["name"] for row in rows]
    known: World = {}
    people(known, rows)
    found = evidence.links({row.name: row for row in known.values() if isinstance(row, Identifier)})
    told = await _told(pool, [link.rank[1] for link in found])
    shown = [
        {
            **identifier_shown(row["name"]),
            "first": _event(decode_happened(row["happened"])),
            "events": row["events"],
            "links": [_link(link, told) for link in found if link.name == row["name"] and link.rule != "part"],
        }
        for row in rows
    ]
    apart = [{"identifier": identifier_shown(link.name), **_link(link, told)} for link in found if link.rule == "part"]
    return shown, apart, names


async def others(pool: Pool, lead_id: str) -> list[dict[str, Any]]:
    """The identifiers that its activities name and that are not its own (first seen with somebody else, one of too many, or kept apart), with the
    lead that they are of, if any; 100 at most."""
    return [
        {**identifier_shown(row["name"]), "lead_id": row["lead_id"], "events": row["events"]}
        for row in await pool.fetch(OTHERS, lead_id)
    ]


async def _told(pool: Pool, ids: list[str]) -> dict[str, Happened | Judgement]:
    """Events and rulings by id."""
    events = {str(row["event_id"]): decode_happened(row["happened"]) for row in await pool.fetch(EVENTS, ids)}
    rulings = {str(row["command_id"]): decode_judgement(row["document"]) for row in await pool.fetch(JUDGEMENTS, ids)}
    return {**events, **rulings}


def _link(link: Link, told: Mapping[str, Happened | Judgement]) -> dict[str, Any]:
    at, id_ = link.rank
    shown: dict[str, Any] = {"rule": link.rule, "with": identifier_shown(link.to), "at": at}
    match told.get(id_):
        case Judgement() as ruling:
            return {**shown, "command_id": id_, "by": ruling.by, "reason": ruling.reason}
        case Happened() as event:
            return {**shown, "event": _event(event)}
        case _:
            return shown


async def browsers(pool: Pool, lead_id: str) -> list[dict[str, Any]]:
    """On each browser: the event that said who it is (`joined_by`), how many visits joined then since they were `before` it, and how many
    there were `since`."""
    return [
        {
            "anonymous_id": identifier_shown(row["cookie"])["value"],
            "joined_by": _event(decode_happened(row["happened"])),
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
    for purpose, claim in consent.strictest(state.consents).items():
        said[f"consent.{purpose}"] = {"source": "consent", "at": claim.consent.at, "event_id": claim.event_id}
    return dict(sorted(said.items()))


def _event(happened: Happened) -> dict[str, str | datetime]:
    facts = happened.facts
    return {
        "event_id": happened.event_id,
        "at": happened.at,
        "kind": facts.kind,
        "name": facts.name,
        "property": facts.property,
    }
