"""LinkedIn Lead Sync: notices of leads that were created or deleted, ids only.

As documented (looked up November 27, 2026, in excerpts and copies of these pages, not on the vendor's site): https://learn.microsoft.com/en-us/linkedin/shared/api-guide/webhook-validation (the challenge,
asked again every two hours; three failures block the address) and https://learn.microsoft.com/en-us/linkedin/marketing/lead-sync/leadsync
(the notice, the lead, its form). `X-LI-Signature` is the hex HMAC-SHA256, with the client secret, over `hmacsha256=` and the raw
body. No time is signed, so a repeat is known by the lead's id. A deleted lead is a privacy event. The client that fetches leads is not
here; `fetched` reads what it got.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from services.capture.domain.verdict import Refused, Submission
from services.capture.vendors import reported, signature
from services.capture.vendors.vendor import SIGNING, Event, Fetch, Genuine, Hook, Reply, Request, Verdict, Withdrawn
from shared.contracts import Campaign, ConsentGiven

SECRETS = (SIGNING,)
ACCEPTED = Reply(200)
NAME = "lead"

# Only a UUID is answered. The answer is an HMAC with the secret that signs notices: a challenge of `hmacsha256={...}` would have us
# sign any notice that a stranger makes up.
_CHALLENGE = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_URN = re.compile(r"urn:li:[A-Za-z]+:([A-Za-z0-9_-]{1,100})\Z")
_FIELDS = (
    "ownerInfo,associatedEntityInfo,leadMetadataInfo,owner,leadType,versionedLeadGenFormUrn,id,submittedAt,testLead,formResponse,"
    "form:(hiddenFields,creationLocale,name,id,content)"
)
# LinkedIn's predefined fields that the tables of forms don't have.
_ALSO = {"WORK_PHONE_NUMBER": "phone", "LINKEDIN_PROFILE_LINK": "linkedin_profile"}


class _Owner(Struct, rename="camel"):
    sponsored_account: str | None = None
    organization: str | None = None


class _Notice(Struct, rename="camel"):
    lead_gen_form_response: str
    lead_action: str
    type: str | None = None
    lead_gen_form: str | None = None
    lead_type: str | None = None
    owner: _Owner | None = None
    occurred_at: int | None = None


_notice = msgspec.json.Decoder(_Notice).decode
_several = msgspec.json.Decoder(list[Raw]).decode
_anything = msgspec.json.Decoder(dict[str, Any]).decode


def handshake(request: Request, hook: Hook) -> Reply | None:
    """Signs the challenge with the current client secret; 400 for a challenge that is no UUID."""
    challenge = request.query.get("challengeCode")
    if request.method != "GET" or challenge is None:
        return None
    secrets = hook.secrets(SIGNING)
    if not secrets:
        return Reply(403, b"This hook has no client secret.")
    if not _CHALLENGE.match(challenge):
        return Reply(400, b"challengeCode is not a UUID.")
    response = signature.digest(secrets[0], challenge.encode()).hex()
    body = msgspec.json.encode({"challengeCode": challenge, "challengeResponse": response})
    return Reply(200, body, "application/json")


def verify(request: Request, hook: Hook) -> Verdict:
    """By the signature."""
    given = request.headers.get(b"x-li-signature")
    if given is None:
        return signature.NO_SIGNATURE
    secrets = hook.secrets(SIGNING)
    if not secrets:
        return signature.NO_SECRET
    expected = [signature.digest(secret, b"hmacsha256=", request.body).hex().encode() for secret in secrets]
    given = given.strip().lower().removeprefix(b"hmacsha256=")
    return Genuine() if signature.matches(given, expected) else signature.WRONG


def events(request: Request, hook: Hook) -> list[Event]:
    """The notice, or each of several."""
    if request.body.lstrip()[:1] != b"[":
        return [_noticed(request.body)]
    notices = reported.read(_several, request.body)
    return [notices] if isinstance(notices, Refused) else [_noticed(one) for one in notices]


def storable(request: Request, hook: Hook) -> bytes:
    """The body: no secret is in it."""
    return request.body


def _noticed(raw: bytes | Raw) -> Event:
    notice = reported.read(_notice, raw)
    if isinstance(notice, Refused):
        return notice
    if notice.type not in (None, "LEAD_ACTION"):
        return reported.unknown(
            "The notice is none of Lead Sync. Register this hook for lead notifications only.", "/type"
        )
    urn = _URN.match(notice.lead_gen_form_response)
    if urn is None:
        return reported.invalid("leadGenFormResponse is no URN of a lead.", "/leadGenFormResponse")
    lead_id, occurred_at = urn[1], reported.since_1970(notice.occurred_at, 1000)
    if notice.lead_action == "DELETED":
        return Withdrawn(
            vendor="linkedin",
            message_id=f"linkedin:{lead_id}:deleted",
            lead=f"linkedin:{lead_id}",
            occurred_at=occurred_at,
        )
    if notice.lead_action != "CREATED":
        return reported.unknown("leadAction is neither CREATED nor DELETED.", "/leadAction")
    owner = notice.owner or _Owner()
    return Fetch(
        vendor="linkedin",
        lead_id=lead_id,
        path=f"leadFormResponses/{lead_id}?fields={_FIELDS}",
        message_id=f"linkedin:{lead_id}",
        occurred_at=occurred_at,
        properties=reported.present(
            form_id=notice.lead_gen_form,
            lead_type=notice.lead_type,
            sponsored_account=owner.sponsored_account,
            organization=owner.organization,
        ),
    )


def fetched(fetch: Fetch, body: bytes, request: Request) -> Submission | Refused:
    """The lead that `fetch` stands for, from the API's answer at its path. Never raises; `request` tells when we heard of it."""
    lead = reported.read(_anything, body)
    if isinstance(lead, Refused):
        return lead
    form = _map(lead.get("form"))
    asked = {
        question["questionId"]: question
        for question in _maps(_map(form.get("content")).get("questions"))
        if isinstance(question.get("questionId"), int | str)
    }
    response = _map(lead.get("formResponse"))
    fields: dict[str, Any] = {}
    for answer in _maps(response.get("answers")):
        number = answer.get("questionId")
        question = asked.get(number, {}) if isinstance(number, int | str) else {}
        value = _answer(_map(answer.get("answerDetails")), question)
        if value is not None:
            fields.setdefault(_field(question, answer), value)
    for hidden in _maps(form.get("hiddenFields")):
        if isinstance(name := hidden.get("name"), str) and isinstance(value := hidden.get("value"), str):
            fields.setdefault(name, value)
    return reported.lead(
        name=NAME,
        message_id=fetch.message_id,
        fields=fields,
        received_at=request.received_at,
        timestamp=reported.since_1970(lead.get("submittedAt"), 1000) or fetch.occurred_at,
        properties={**fetch.properties, **({"form_name": form["name"]} if isinstance(form.get("name"), str) else {})},
        campaign=_campaign(lead),
        consent=_consent(response.get("consentResponses")),
        test=lead.get("testLead") is True,
    )


def _field(question: dict[str, Any], answer: dict[str, Any]) -> str:
    """What the answer is called: LinkedIn's predefined field, else the question's name."""
    for name in (question.get("predefinedField"), question.get("name"), answer.get("name")):
        if isinstance(name, str) and name:
            return _ALSO.get(name, name)
    return f"question {answer.get('questionId')}"[:100]


def _answer(details: dict[str, Any], question: dict[str, Any]) -> str | list[str] | None:
    text = _map(details.get("textQuestionAnswer")).get("answer")
    if isinstance(text, str):
        return text
    chosen = _map(details.get("multipleChoiceAnswer")).get("options")
    if not isinstance(chosen, list) or not chosen:
        return None
    choice = _map(_map(question.get("questionDetails")).get("multipleChoiceQuestionDetails"))
    labels = {str(option.get("id")): _label(option) for option in _maps(choice.get("options"))}
    texts = [labels.get(str(one), str(one)[:100]) for one in chosen]
    return texts[0] if len(texts) == 1 else texts


def _label(option: dict[str, Any]) -> str:
    localized = _map(_map(option.get("text")).get("localized"))
    return next((text for text in localized.values() if isinstance(text, str)), str(option.get("id"))[:100])


def _campaign(lead: dict[str, Any]) -> Campaign:
    if lead.get("leadType") not in (None, "SPONSORED"):
        return Campaign(source="linkedin", medium="social")
    campaign = _map(_map(_map(lead.get("leadMetadataInfo")).get("sponsoredLeadMetadataInfo")).get("campaign"))
    name, urn = campaign.get("name"), campaign.get("id")
    return Campaign(
        source="linkedin",
        medium="paid_social",
        name=name if isinstance(name, str) else None,
        id=known[1] if isinstance(urn, str) and (known := _URN.match(urn)) else None,
    )


def _consent(responses: Any) -> ConsentGiven | None:
    """The form's own boxes, by their ids."""
    purposes = {
        f"consent:{box.get('consentId')}"[:100]: box.get("accepted") is True
        for box in _maps(responses)
        if isinstance(box.get("consentId"), int | str)
    }
    return ConsentGiven(purposes=purposes) if purposes else None


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _maps(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
