"""One made-up person as the services tell of her: for tests of what `leads lead show` prints."""

from __future__ import annotations

from typing import Any

EMAIL = {"kind": "email", "value": "jo@northbridge.example"}
PRIVATE = {"kind": "email", "value": "jo.fields@gmail.com"}
PHONE = {"kind": "phone", "value": "+442079460018"}
DEMO = {"event_id": "e5", "at": "2026-11-03T10:02:11Z", "kind": "form", "name": "demo", "property": "northbridge"}
SIGN_IN = {"event_id": "e6", "at": "2026-11-04T08:00:00Z", "kind": "identify", "name": "", "property": "northbridge"}
CALL = {"event_id": "e7", "at": "2026-11-05T15:30:00Z", "kind": "form", "name": "call-me", "property": "northbridge"}


def activity(event: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An activity of hers; `more` are its further fields."""
    return {"id": event["event_id"], "occurred_at": event["at"], **event, "human": 1.0, **more}


def visit(number: int, at: str, path: str, **more: Any) -> dict[str, Any]:
    """A page that she looked at."""
    said = {"event_id": f"v{number}", "at": at, "kind": "page", "name": "", "property": "northbridge"}
    return activity(said, page={"path": path}, **more)


def jo(**changed: Any) -> dict[str, Any]:
    """Jo: two visits from an ad, a form, a sign-in, another form under her private address that an operator joined."""
    first = {
        "at": "2026-11-01T09:00:00Z",
        "channel": "paid-search",
        "campaign": {"source": "google", "medium": "cpc", "name": "forecasting"},
        "landing_page": "https://www.northbridge.example/pricing?utm_source=google",
    }
    by_link = {"at": "2026-11-03T10:00:00Z", "channel": "referral", "referrer": "https://reviews.example/best"}
    found: dict[str, Any] = {
        "lead_id": "ld_jo",
        "absorbed": False,
        "made_at": "2026-11-03T10:02:12Z",
        "profile": {
            "email": {**{"address": EMAIL["value"]}, "kind": "business", "domain": "northbridge.example"},
            "phone": {"e164": PHONE["value"], "region": "GB"},
            "name": {"full": "Jo Fields", "given": "Jo", "family": "Fields"},
            "company": {"name": "Northbridge", "domain": "northbridge.example", "size": 250},
            "job": {"title": "Head of Sales", "seniority": "head", "department": "sales"},
            "country": "GB",
            "language": "en",
            "custom": {"plan": "team", "topics": ["forecasts", "targets"]},
            "consent": {
                "marketing_email": {
                    "given": True,
                    "at": DEMO["at"],
                    "text": "You may write to me about your products.",
                    "version": "demo-1",
                },
                "phone": {"given": False, "at": CALL["at"]},
            },
        },
        "told": {
            "email": {"source": "form demo", "at": DEMO["at"], "event_id": "e5"},
            "phone": {"source": "form call-me", "at": CALL["at"], "event_id": "e7"},
            "company.name": {"source": "form demo", "at": DEMO["at"], "event_id": "e5"},
            "company.domain": {"source": "email", "at": DEMO["at"], "event_id": "e5"},
            "job.title": {"source": "form demo", "at": DEMO["at"], "event_id": "e5"},
            "country": {"source": "phone", "at": CALL["at"], "event_id": "e7"},
            "language": {"source": "locale", "at": DEMO["at"], "event_id": "e5"},
            "custom.plan": {"source": "identify", "at": SIGN_IN["at"], "event_id": "e6"},
        },
        "first_touch": first,
        "last_touch": by_link,
        "absorbed_leads": ["ld_private"],
        "absorbed_people": [{"lead_id": "ld_private", "made_at": "2026-11-05T15:30:01Z", "made_by": PRIVATE}],
        "identifiers": [
            {**EMAIL, "first": DEMO, "events": 2},
            {**PRIVATE, "first": CALL, "events": 1},
            {**PHONE, "first": CALL, "events": 1},
            {"kind": "user_id", "property": "northbridge", "value": "u-7", "first": SIGN_IN, "events": 1},
            {"kind": "anonymous_id", "value": "3f1c9a52-0000", "first": DEMO, "events": 4},
        ],
        "browsers": [
            {
                "anonymous_id": "3f1c9a52-0000",
                "joined_by": DEMO,
                "before": 2,
                "since": 1,
                "first_at": first["at"],
                "last_at": "2026-11-03T10:10:00Z",
            }
        ],
        "apart": [],
        "others": [],
        "reviews": [],
        "activities": [
            activity(CALL, page={"path": "/contact"}),
            activity(SIGN_IN),
            visit(3, "2026-11-03T10:10:00Z", "/customers"),
            activity(DEMO, page={"path": "/demo"}, channel="referral"),
            visit(2, "2026-11-01T09:04:00Z", "/compare/spreadsheets", human=0.2),
            visit(1, "2026-11-01T09:00:00Z", "/pricing", channel="paid-search"),
        ],
        "next": None,
        "score": {
            "score": {"total": 87.5, "fit": 40.0, "engagement": 47.5},
            "stage": "SQL",
            "grade": "A",
            "ruleset": {"id": "default", "version": 3},
            "contributions": [
                {"rule": "demo-request", "points": 60.0, "base": 60.0, "count": 1},
                {"rule": "pricing", "points": 7.5, "base": 10.0, "count": 1},
                {"rule": "business-email", "points": 20.0},
            ],
        },
        "handovers": [
            {
                "handover_id": "ho_ld_jo_1_1",
                "created_at": "2026-11-03T10:02:13Z",
                "owner": {"id": "sam", "name": "Sam Hill", "email": "sam@ours.example", "team": "uk"},
                "state": "accepted",
                "path": [
                    {"rule": "dach", "matched": False},
                    {"rule": "uk", "matched": True, "to": "pool uk", "because": "turn"},
                ],
            }
        ],
        "ways": [],
    }
    return {**found, **changed}
