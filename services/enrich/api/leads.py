"""Leads over HTTP: find one by what identifies it, and read all that is known of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.enrich import store
from services.enrich.api import evidence, reviews
from services.enrich.api.answers import (
    LAST,
    PAGE,
    LeadId,
    Limit,
    Next,
    as_json,
    lead_shown,
    no_such_page,
    place,
    placed,
    unknown_lead,
)
from services.enrich.domain import email, emission, external, identity, phone
from services.enrich.domain.world import name
from shared import cloudevent, problem
from shared.database import Pool
from shared.problem import Problem, respond

_Text = Annotated[str | None, Query(max_length=320, pattern=r"^[^\x00]*$")]

_ONE_IDENTIFIER = Problem(
    422,
    "one-identifier",
    "Ask by one identifier",
    "Give exactly one of email, phone, user_id, external_id, anonymous_id.",
)
_LATEST = LAST, "ffffffff-ffff-ffff-ffff-ffffffffffff"

# Leads by the names of their identifiers.
BY_NAME = "SELECT DISTINCT lead_id FROM identifier WHERE name = ANY ($1::text[]) AND lead_id IS NOT NULL ORDER BY lead_id LIMIT 100"

# Leads by a phone number, also under the first names that were said with it.
BY_PHONE = """
SELECT DISTINCT lead_id FROM identifier
 WHERE name = ANY (ARRAY(SELECT $1::text
                          UNION ALL
                         SELECT key FROM identifier AS number CROSS JOIN LATERAL json_object_keys(document(number.ties)) AS key
                          WHERE number.name = $1::text AND key LIKE 'named%')) AND lead_id IS NOT NULL ORDER BY lead_id LIMIT 100
"""

# Leads by a user id, of whichever property.
BY_USER = """
SELECT DISTINCT lead_id FROM identifier
 WHERE name LIKE 'user%' AND split_part(name, U&'\\001F', 3) = $1 AND lead_id IS NOT NULL ORDER BY lead_id LIMIT 100
"""

# Leads by an external id, of whichever system.
BY_EXTERNAL = """
SELECT DISTINCT lead_id FROM identifier
 WHERE name LIKE 'external%' AND split_part(name, U&'\\001F', -1) = ANY ($1::text[]) AND lead_id IS NOT NULL ORDER BY lead_id LIMIT 100
"""

# One lead, or the lead that absorbed it, with the ids that it absorbed.
ONE = """
SELECT l.*, ARRAY(SELECT a.lead_id FROM lead AS a WHERE a.absorbed_into = l.lead_id ORDER BY a.lead_id) AS absorbed
  FROM lead AS asked JOIN lead AS l ON l.lead_id = coalesce(asked.absorbed_into, asked.lead_id)
 WHERE asked.lead_id = $1
"""

# A page of its activities, the latest first, after the last one of the page before.
ACTIVITIES = """
SELECT event_id, lead_id, revision, verdict, happened FROM activity
 WHERE lead_id = $1 AND (occurred_at, event_id) < ($2, $3::uuid) ORDER BY occurred_at DESC, event_id DESC LIMIT $4
"""


def routes(pool: Pool) -> APIRouter:
    """The reading routes; everything is read from enrich's own store."""
    router = APIRouter(prefix="/v1/leads", tags=["leads"], responses=problem.declared(401, 422))

    @router.get("")
    async def find(
        email: _Text = None,
        phone: _Text = None,
        user_id: _Text = None,
        external_id: Annotated[_Text, Query(description="A vendor's or CRM's id of the person.")] = None,
        anonymous_id: _Text = None,
    ) -> Response:
        """The leads that have this identifier (one at a time): `{"leads": [...]}`, empty when there is none. A user id or an external
        id may be several people's: it is looked for in all properties and systems."""
        given = [value for value in (email, phone, user_id, external_id, anonymous_id) if value]
        if len(given) != 1:
            return respond(_ONE_IDENTIFIER)
        if user_id:
            rows = await pool.fetch(BY_USER, user_id.strip())
        elif external_id:
            rows = await pool.fetch(BY_EXTERNAL, _spellings(external_id))
        else:
            names = _names(email, phone, anonymous_id)
            rows = await pool.fetch(BY_PHONE, *names) if phone and names else await pool.fetch(BY_NAME, names)
        leads = [await pool.fetchrow(ONE, row["lead_id"]) for row in rows]
        return as_json({"leads": [lead_shown(row) for row in leads if row is not None]})

    @router.get("/{lead_id}", responses=problem.declared(404))
    async def one(
        lead_id: LeadId,
        limit: Limit = PAGE,
        before: Next = None,
    ) -> Response:
        """A lead: profile, what told each field of it, identifiers with the event that first named each, `others` that its
        activities name and that are not its own, the browsers whose visits joined, touches, the leads that became this one, and a page of its activities, the latest first. The id of a lead that was
        absorbed gives the one that absorbed it, with `"absorbed": true`."""
        row = await pool.fetchrow(ONE, lead_id)
        if row is None:
            raise unknown_lead()
        at, event_id = placed(before, first=_LATEST)
        if not cloudevent.is_uuid(event_id):
            raise no_such_page()
        found = await pool.fetch(ACTIVITIES, row["lead_id"], at, event_id, limit)
        kept = [store.activity(activity) for activity in found]
        shown = lead_shown(row)
        shown["absorbed"] = row["lead_id"] != lead_id
        shown["absorbed_people"] = await evidence.absorbed(pool, row["lead_id"])
        shown["told"] = evidence.told(store.lead(row).state)
        shown["identifiers"], shown["apart"], names = await evidence.identifiers(pool, row["lead_id"])
        shown["others"] = await evidence.others(pool, row["lead_id"])
        shown["reviews"] = await reviews.about(pool, names)
        shown["browsers"] = await evidence.browsers(pool, row["lead_id"])
        shown["activities"] = [emission.activity(one) for one in kept]
        last = kept[-1].happened if len(kept) == limit else None
        shown["next"] = place(last.at, last.event_id) if last is not None else None
        return as_json(shown)

    return router


def _names(address: str | None, number: str | None, anonymous_id: str | None) -> list[str]:
    """The names under which an identifier that somebody typed could be known."""
    if address:
        read = email.read(address)
        return [name("email", read.match)] if read is not None else []
    if number:
        dialled = phone.read(number)
        known_by = phone.identifier(dialled) if dialled is not None else None
        return [name("phone", known_by)] if known_by is not None else []
    legal = identity.legal(anonymous_id or "")
    return [name("anonymous", legal)] if legal is not None else []


def _spellings(external_id: str) -> list[str]:
    """An external id, and how it is kept if it is one of Salesforce."""
    return [external_id.strip(), *external.told("salesforce", external_id).values()]
