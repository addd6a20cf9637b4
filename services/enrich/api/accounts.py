"""Accounts: the leads of a company, by its registered domain. Two leads of one account are colleagues, never one person."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from services.enrich.api.answers import LAST, PAGE, Limit, Next, as_json, lead_shown, place, placed
from services.enrich.domain import domains, email
from shared import problem
from shared.database import Pool
from shared.problem import Problem, respond

_Domain = Annotated[
    str,
    Path(
        max_length=253, pattern=r"^[^\x00]+$", description="A company's domain; www. or a mail host in front will do."
    ),
]
_Prefix = Annotated[str, Query(max_length=253, pattern=r"^[^\x00]*$", description="How its domain begins.")]

_NO_DOMAIN = Problem(
    404, "no-domain", "This is no domain of a company", "Give a registered domain, such as acme.co.uk."
)
_UNKNOWN = Problem(
    404,
    "unknown-account",
    "Nobody of this company is known",
    "GET /v1/accounts?search=... lists accounts by how their domain begins.",
)
_LATEST = LAST, "\U0010ffff"
_NOBODYS = {
    "free": "This domain gives mailboxes to everybody: who writes from it may work anywhere.",
    "disposable": "This domain gives mailboxes for a day: nobody works there.",
    "relay": "This domain passes mail on to addresses that stay hidden: nobody works there.",
}

# Accounts by domain from a place on, with how many leads each has; `~` comes after all that a domain is made of.
ALL = """
SELECT account AS domain, count(*) AS leads FROM lead
 WHERE account >= $1 AND account < $1 || '~' AND account > $2 GROUP BY account ORDER BY account LIMIT $3
"""

# How many leads an account has, and its name as most of its latest 1,000 leads say it.
ONE = """
SELECT (SELECT count(*) FROM lead WHERE account = $1) AS total,
       (SELECT mode() WITHIN GROUP (ORDER BY voice.value -> 1 -> 'company.name' ->> 2)
          FROM (SELECT state FROM lead WHERE account = $1 ORDER BY made_at DESC, lead_id DESC LIMIT 1000) AS latest,
               json_each(document(latest.state) -> 'voices') AS voice
         WHERE voice.value -> 1 -> 'company.name' IS NOT NULL) AS name
"""

# A page of an account's leads, the latest first, with the ids that each absorbed.
LEADS = """
SELECT l.*, ARRAY(SELECT a.lead_id FROM lead AS a WHERE a.absorbed_into = l.lead_id ORDER BY a.lead_id) AS absorbed
  FROM lead AS l WHERE account = $1 AND (made_at, lead_id) < ($2, $3) ORDER BY made_at DESC, lead_id DESC LIMIT $4
"""


def routes(pool: Pool) -> APIRouter:
    """The reading routes of accounts."""
    router = APIRouter(prefix="/v1/accounts", tags=["accounts"], responses=problem.declared(401, 422))

    @router.get("")
    async def find(
        search: _Prefix = "",
        limit: Limit = PAGE,
        after: Annotated[
            str, Query(max_length=253, pattern=r"^[^\x00]*$", description="`next` of the page before.")
        ] = "",
    ) -> Response:
        """Accounts by domain: `{"accounts": [{"domain", "leads"}], "next"}`."""
        rows = await pool.fetch(ALL, search.strip().lower(), after, limit)
        full = len(rows) == limit
        return as_json({"accounts": [dict(row) for row in rows], "next": rows[-1]["domain"] if full else None})

    @router.get("/{domain}", responses=problem.declared(404))
    async def one(domain: _Domain, limit: Limit = PAGE, before: Next = None) -> Response:
        """An account: the company's name as most of its leads say it, how many there are, and a page of them, the latest first.
        Domains of mailboxes for everybody are no account: 404, and the reason says so."""
        account = domains.of_website(domain)
        if account is None:
            return respond(_NO_DOMAIN)
        kind = email.kind_of(domains.host_of(domain) or account)
        if kind != "business":
            return respond(Problem(404, "no-account", "This domain is no company's", _NOBODYS[kind]))
        at, lead_id = placed(before, first=_LATEST)
        found = await pool.fetchrow(ONE, account)
        if found is None or not found["total"]:
            return respond(_UNKNOWN)
        rows = await pool.fetch(LEADS, account, at, lead_id, limit)
        shown: dict[str, Any] = {
            "domain": account,
            "name": found["name"],
            "total": found["total"],
            "leads": [lead_shown(row) for row in rows],
            "next": place(rows[-1]["made_at"], rows[-1]["lead_id"]) if len(rows) == limit else None,
        }
        return as_json(shown)

    return router
