"""What enrich's routes share: answers as JSON, a lead as it is shown, and the place where a page begins. Knows no route."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from asyncpg import Record as Row
from fastapi import Path, Query, Response

from services.enrich import store
from services.enrich.domain import profile
from services.enrich.domain.world import SEPARATOR, Lead
from shared.problem import Problem

LeadId = Annotated[str, Path(max_length=64, pattern=r"^[^\x00]+$", description="A lead id; an absorbed one will do.")]
Limit = Annotated[int, Query(ge=1, le=500)]
Next = Annotated[str | None, Query(max_length=340, description="`next` of the page before.")]
PAGE = 50

LAST = datetime.max.replace(tzinfo=UTC)

# These leads, each with the ids that it absorbed.
LEADS = """
SELECT l.*, ARRAY(SELECT a.lead_id FROM lead AS a WHERE a.absorbed_into = l.lead_id ORDER BY a.lead_id) AS absorbed
  FROM lead AS l WHERE lead_id = ANY ($1::text[])
"""


def as_json(document: Any) -> Response:
    """A document of plain values and contracts; what is not known in a contract is absent."""
    return Response(msgspec.json.encode(document), media_type="application/json")


def lead_shown(row: Row) -> dict[str, Any]:
    """What is said of a lead wherever one is shown, of a row of `lead` with `absorbed`."""
    lead: Lead = store.lead(row)
    state = lead.state
    return {
        "lead_id": lead.lead_id,
        "profile_version": lead.version,
        "made_at": lead.made_at,
        "profile": profile.of(state),
        "first_touch": state.first.touch if state.first is not None else None,
        "last_touch": state.last.touch if state.last is not None else None,
        "absorbed_leads": row["absorbed"],
    }


def identifier_shown(name: str) -> dict[str, str]:
    """An identifier by the name under which it is kept."""
    kind, *rest = name.split(SEPARATOR)
    if kind == "user":
        return {"kind": "user_id", "property": rest[0], "value": rest[1]}
    if kind == "external":
        system, *property_, value = rest
        return {
            "kind": "external_id",
            "system": system,
            **({"property": property_[0]} if property_ else {}),
            "value": value,
        }
    if kind == "named":
        return {"kind": "phone", "value": rest[0], "given": rest[1], "family": rest[2]}
    return {"kind": "anonymous_id" if kind == "anonymous" else kind, "value": rest[0]}


def place(at: datetime, id_: str) -> str:
    """The place after this one in a list by time and id, for `next`."""
    return f"{at.isoformat()}~{id_}"


def unknown_lead() -> Problem:
    """For an id that no lead has or ever had."""
    detail = "Look it up by GET /v1/leads?email=... (or phone, user_id, external_id, anonymous_id)."
    return Problem(404, "unknown-lead", "There is no such lead", detail)


def no_such_page() -> Problem:
    """For what is no `next` of ours."""
    return Problem(422, "no-such-page", "There is no such page", "Take `next` of the page before, as it is.")


def placed(text: str | None, *, first: tuple[datetime, str]) -> tuple[datetime, str]:
    """The place in a list that a page's `next` names; `first` where there is none. Raises no_such_page()."""
    if text is None:
        return first
    at, _, id_ = text.replace(" ", "+").partition("~")  # a plus that nobody escaped
    try:
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise no_such_page() from None
    if moment.tzinfo is None or not id_ or "\x00" in id_:
        raise no_such_page()
    return moment, id_
