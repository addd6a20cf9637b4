"""Google Ads lead forms: one lead a post, proved by a key in the body, which is cut out before anything is stored.

As documented (looked up November 27, 2026, in excerpts and copies of these pages, not on the vendor's site): https://developers.google.com/google-ads/webhook/docs/implementation. Google wants 200 with `{}`,
a 4xx with `{"message": ...}` for what it should not send again and a 5xx for what it should; it may deliver a lead more than once,
under the same `lead_id`. Nothing is signed: `google_key` is the secret, compared in constant time.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from services.capture.domain.verdict import Refused
from services.capture.vendors import reported, signature
from services.capture.vendors.vendor import SHARED, Event, Genuine, Hook, Refusal, Reply, Request, Verdict
from shared.contracts import Campaign

SECRETS = (SHARED,)
ACCEPTED = Reply(200, b"{}", "application/json")
NAME = "lead"
_KEY = "google_key"

# Google's ids of columns that the tables of forms don't have.
_ALSO = {"WORK_PHONE": "phone", "USER_EMAIL": "email", "USER_PHONE": "phone"}


class _Column(Struct):
    column_id: str | None = None
    column_name: str | None = None
    string_value: str | None = None


class _Lead(Struct):
    lead_id: str | None = None
    user_column_data: list[_Column] = []
    form_id: int | str | None = None
    campaign_id: int | str | None = None
    adgroup_id: int | str | None = None
    creative_id: int | str | None = None
    asset_group_id: int | str | None = None
    gcl_id: str | None = None
    is_test: bool | None = None
    lead_submit_time: str | None = None
    lead_source: str | None = None
    lead_stage: str | None = None


class _Keyed(Struct):
    google_key: str | None = None


_lead = msgspec.json.Decoder(_Lead).decode
_keyed = msgspec.json.Decoder(_Keyed).decode
_members = msgspec.json.Decoder(dict[str, Raw]).decode


def handshake(request: Request, hook: Hook) -> Reply | None:
    """Google asks nothing beforehand."""
    return None


def verify(request: Request, hook: Hook) -> Verdict:
    """By the key in the body. A body that can't be read gets 400, a wrong key 401; Google sends neither again."""
    secrets = hook.secrets(SHARED)
    if not secrets:
        return _refusal(401, "This hook has no key. Set it: leads property hook add --secret-file.")
    keyed = reported.read(_keyed, request.body)
    if isinstance(keyed, Refused):
        return _refusal(400, "The body is not a lead in JSON.")
    if not signature.same_secret((keyed.google_key or "").encode(), secrets):
        return _refusal(401, "The key is missing or wrong. Google Ads and this hook need the same webhook key.")
    return Genuine()


def events(request: Request, hook: Hook) -> list[Event]:
    """The lead."""
    lead = reported.read(_lead, request.body)
    if isinstance(lead, Refused):
        return [lead]
    if not lead.lead_id:
        return [reported.invalid("The lead has no lead_id.", "/lead_id")]
    fields: dict[str, object] = {}
    for column in lead.user_column_data:
        name = column.column_id or column.column_name
        if name and column.string_value:
            fields.setdefault(_ALSO.get(name, name), column.string_value)
    campaign_id = reported.named(lead.campaign_id)
    return [
        reported.lead(
            name=NAME,
            message_id=f"google:{lead.lead_id}",
            fields=fields,
            received_at=request.received_at,
            timestamp=reported.moment(lead.lead_submit_time),
            properties=reported.present(
                form_id=lead.form_id,
                campaign_id=campaign_id,
                adgroup_id=lead.adgroup_id,
                creative_id=lead.creative_id,
                asset_group_id=lead.asset_group_id,
                lead_source=lead.lead_source,
                lead_stage=lead.lead_stage,
            ),
            campaign=Campaign(source="google", medium="cpc", name=campaign_id, id=campaign_id),
            click_ids={"gclid": lead.gcl_id} if lead.gcl_id else None,
            test=lead.is_test is True,
        )
    ]


def storable(request: Request, hook: Hook) -> bytes:
    """The body without the key: the member is cut out however it is spelled and often it comes, and the secret itself wherever else it
    stands. A body in which it can't be found for sure is not kept at all."""
    members = reported.read(_members, request.body)
    if isinstance(members, Refused):
        return b""
    members.pop(_KEY, None)
    kept = msgspec.json.encode(members)
    for secret in hook.secrets(SHARED):
        kept = kept.replace(secret, b"...")
    return kept


def _refusal(status: int, message: str) -> Refusal:
    body = msgspec.json.encode({"message": message})
    return Refusal(status, message, Reply(status, body, "application/json"))
