"""Mail over HTTP, behind the operator's token: what was sent and what was not, sending again, templates tried out, and what comes back."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi import Path as PathParameter
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec.structs import replace
from pydantic import BaseModel, Field

from services.route.domain.mail import fields, letter, returned
from services.route.domain.mail.answer import State
from services.route.domain.mail.heard import NOTICES, Kind, Mail
from services.route.domain.mail.letter import Text, Unsendable
from services.route.domain.mail.returned import Returned
from services.route.domain.nurture.document import Nurturing
from services.route.mail import lint, templates
from services.route.mail.links import Links
from services.route.store.mail import happening, kept, shown
from shared import problem
from shared.database import Pool
from shared.problem import Problem

MailId = Annotated[uuid.UUID, PathParameter(description="The id of the event that is told by the mail")]
Files = Annotated[dict[str, str], Field(max_length=500)]
_DAY = timedelta(days=1)
_MOST_CHARACTERS = 2_000_000
_TEMPLATE = r"^[a-z0-9][a-z0-9_-]{0,63}$"


class Tried(BaseModel):
    """Templates that somebody shows; without `files` those of the service's folder."""

    model_config = {"extra": "forbid"}

    files: Files | None = Field(default=None, description="by name: `ebook-link.txt` ...")


class Wanted(Tried):
    """One template to look at."""

    template: str = Field(pattern=_TEMPLATE)
    subject: str | None = Field(
        default=None, max_length=1000, description="a template; without it the document's or the file's"
    )
    sparse: bool = Field(default=False, description="for somebody of whom only the address is known")


class Test(Wanted):
    """One template to be sent to an operator."""

    to: str = Field(max_length=320)


class Back(BaseModel):
    """What a mail service reports, in our words."""

    model_config = {"extra": "forbid"}

    message_id: str = Field(max_length=500, description="the Message-ID of the mail, or the mail's id")
    what: Literal["bounced", "refused", "delayed", "complained"] = Field(
        description="bounced: the address takes no mail at all"
    )
    address: str = Field(default="", max_length=320)


def routes(
    pool: Pool,
    *,
    is_on: bool,
    links: Links,
    env: ImmutableSandboxedEnvironment,
    folder: Path,
    nurture: Callable[[], Nurturing],
) -> APIRouter:
    """Mail's routes."""
    router = APIRouter(tags=["mail"], responses=problem.declared(401, 404, 422))

    @router.get("/v1/mail")
    async def mails(
        state: State | None = None,
        lead_id: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")] = None,
        before: Annotated[int | None, Query(ge=1, lt=2**63, description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        """Mails, the newest first, and how many of the last day are where."""
        rows = await shown.listed(pool, state=state, lead_id=lead_id, before=before, limit=limit)
        return {
            "is_on": is_on,
            **await shown.counts(pool, _now() - _DAY),
            "list": [{name: value for name, value in row.items() if name != "number"} for row in rows],
            "next": rows[-1]["number"] if len(rows) == limit else None,
        }

    @router.get("/v1/mail/{mail_id}")
    async def mail(mail_id: MailId) -> dict[str, Any]:
        """One mail with its tries and what happened to it."""
        row = await shown.one(pool, str(mail_id))
        if row is None:
            raise HTTPException(404, "There is no such mail. GET /v1/mail lists them.")
        return {name: value for name, value in row.items() if name != "number"}

    @router.post("/v1/mail/{mail_id}/resend", status_code=202, responses=problem.declared(409))
    async def resend(mail_id: MailId) -> dict[str, str]:
        """Sends a mail again that failed or was skipped, or of which nobody knows whether it was sent: then somebody may get it twice, under one
        Message-ID."""
        _on()
        was = await shown.resend(pool, str(mail_id), _now())
        if was is None:
            raise HTTPException(404, "There is no such mail. GET /v1/mail lists them.")
        if was not in (State.UNKNOWN, State.FAILED, State.SKIPPED):
            raise Problem(
                409,
                "not-again",
                "It is not sent again",
                f"It is {was}. Only what is unknown, failed or skipped can be.",
            )
        return {"mail_id": str(mail_id), "was": was}

    @router.post("/v1/mail/lint")
    async def lint_(tried: Tried) -> dict[str, Any]:
        """Everything against templates, by the nurture document in force."""
        files = _files(tried.files) if tried.files is not None else _in_folder(folder)
        found = lint.mistakes(files, nurture(), links.click(_example("x")))
        return {
            "files": sorted(files),
            "mistakes": [{"file": one.file, "line": one.line, "says": one.says} for one in found],
        }

    @router.post("/v1/mail/preview")
    async def preview(wanted: Wanted) -> dict[str, str | None]:
        """What somebody made up would get."""
        text = _rendered(wanted)
        return {"subject": text.subject, "text": text.text, "html": text.html}

    @router.post("/v1/mail/test", status_code=202)
    async def test(wanted: Test) -> dict[str, str]:
        """Sends it to an operator, by the way that all mails go."""
        _on()
        _rendered(wanted)
        try:
            letter.address(wanted.to)
        except ValueError as error:
            raise Problem(422, "invalid", "It is not sent", f"`to` {error}.") from None
        if wanted.files is not None:
            raise Problem(
                422, "invalid", "It is not sent", "Only templates of the service's folder are sent: leave `files` out."
            )
        made = replace(
            _example(wanted.template),
            mail_id=str(uuid.uuid4()),
            address=wanted.to,
            subject=_subject(wanted),
            told_at=_now(),
        )
        await kept.put(pool, [made])
        return {"mail_id": made.mail_id}

    @router.post(
        "/v1/mail/returned",
        openapi_extra={
            "requestBody": {"content": {"message/rfc822": {}, "application/json": {"schema": Back.model_json_schema()}}}
        },
    )
    async def back(request: Request) -> dict[str, int]:
        """A report that came back: a delivery report or complaint as it is (message/rfc822), or what a mail service says of it, as JSON. Says how many
        mails of ours it told of."""
        raw = await request.body()
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
            said = _said(raw)
        else:
            said = returned.read(raw)
        known = [await happening.returned(pool, one, _now()) for one in said]
        return {"mails": sum(known)}

    def _on() -> None:
        if not is_on:
            raise Problem(
                409,
                "mail-off",
                "Mail is off",
                "Set LEADFLOW_MAIL_SERVER, LEADFLOW_MAIL_FROM and LEADFLOW_MAIL_URL of route.",
            )

    def _subject(wanted: Wanted) -> str:
        if wanted.subject is not None:
            return wanted.subject
        return next((one.subject or "" for one in nurture().content.values() if one.template == wanted.template), "")

    def _rendered(wanted: Wanted) -> Text:
        notice = wanted.template in NOTICES.values()
        data = [data for _, data in fields.examples(notice=notice)][wanted.sparse]
        made: Mapping[str, Any] = {
            **fields.shown(data, notice=notice),
            "unsubscribe_url": lint.LEAVE,
            "preferences_url": lint.LEAVE,
        }
        used = templates.given(_files(wanted.files)) if wanted.files is not None else env
        try:
            return templates.render(
                used, wanted.template, subject=_subject(wanted), shown=made, link=links.click(_example(wanted.template))
            )
        except Unsendable as error:
            raise Problem(422, "template", "The template can't be used", f"{error}.") from None

    return router


def _example(template: str) -> Mail:
    notice = template in NOTICES.values()
    data = next(data for _, data in fields.examples(notice=notice))
    return Mail(
        mail_id="00000000-0000-5000-8000-000000000000",
        kind=Kind.NOTICE if notice else Kind.TEST,
        lead_id="ld_example",
        template=template,
        address="jo@acme.example",
        told_at=datetime(1970, 1, 1, tzinfo=UTC),
        data=data,
    )


def _files(files: Mapping[str, str]) -> Mapping[str, str]:
    if sum(map(len, files.values())) > _MOST_CHARACTERS:
        raise Problem(422, "invalid", "Too much", f"Templates have at most {_MOST_CHARACTERS} characters together.")
    return files


def _in_folder(folder: Path) -> dict[str, str]:
    return {
        one.name: one.read_text("utf-8") for one in sorted(folder.iterdir()) if one.name.endswith(templates.ENDINGS)
    }


def _said(raw: bytes) -> list[Returned]:
    try:
        back = Back.model_validate_json(raw)
    except ValueError:
        raise Problem(
            422, "invalid", "The report can't be read", "Send {message_id, what, address?}; /docs shows it."
        ) from None
    mail_id = letter.mail_id_in(back.message_id)
    try:
        uuid.UUID(mail_id)
    except ValueError:
        raise Problem(422, "invalid", "The report can't be read", "`message_id` is of no mail of ours.") from None
    return [Returned(mail_id, back.what, back.address)]


def _now() -> datetime:
    return datetime.now(UTC)
