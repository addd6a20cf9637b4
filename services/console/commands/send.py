"""`leads send`: one test event through the public door, as a web property would send it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer

from services.console import ask, screen, where
from services.console.screen import Json
from services.console.where import Trouble


class Kind(StrEnum):
    """What can be sent."""

    FORM = "form"
    TRACK = "track"
    PAGE = "page"
    IDENTIFY = "identify"


def send(
    kind: Annotated[Kind, typer.Argument(help="form, track, page or identify.")],
    name: Annotated[str, typer.Argument(help="The form's or event's name; a page's URL; for identify the user id.")],
    fields: Annotated[list[str] | None, typer.Argument(metavar="[FIELD=VALUE]...", help="What it says.")] = None,
    key: Annotated[str, typer.Option(envvar="LEADFLOW_WRITE_KEY", help="The property's write key.")] = "",
    anonymous_id: Annotated[str | None, typer.Option(help="The visitor's cookie.")] = None,
    user_id: Annotated[str | None, typer.Option(help="The property's own id of the person.")] = None,
    message_id: Annotated[str | None, typer.Option(help="The event's own id: a repeat counts once.")] = None,
    trait: Annotated[list[str] | None, typer.Option(metavar="FIELD=VALUE", help="About the person.")] = None,
    as_json: Json = False,
) -> None:
    """Send one test event through capture's public door.

    Example: leads send form contact --key wk_... email=jo@acme.example company="Acme Ltd"
    """
    if not key:
        raise typer.BadParameter(
            "a write key is needed: --key, or LEADFLOW_WRITE_KEY (`leads property add` prints one)"
        )
    path, body = event(
        kind,
        name,
        _pairs(fields),
        _pairs(trait),
        ids={"anonymousId": anonymous_id, "userId": user_id, "messageId": message_id},
    )
    url = where.find().url("capture") + path
    with httpx.Client(trust_env=False, timeout=15.0) as client:
        response = ask.send(client, "POST", "capture", url, json=body, auth=(key, ""))
    if not response.is_success:
        raise Trouble(ask.explained("capture", response))
    answer: dict[str, Any] = response.json() if response.content else {}
    if as_json:
        screen.as_json({"status": response.status_code, **answer})
        return
    for one in answer.get("accepted", ()):
        screen.line(f"Accepted ({response.status_code}) as {one['event_id']}.")
    screen.line("Watch it with `leads tail`, or ask `leads lead show` for its e-mail address.")


def event(
    kind: Kind, name: str, fields: dict[str, str], traits: dict[str, str], *, ids: dict[str, str | None]
) -> tuple[str, dict[str, Any]]:
    """The path and the body of one event."""
    given = {field: value for field, value in ids.items() if value is not None}
    about = {"context": {"traits": traits}} if traits else {}
    match kind:
        case Kind.FORM:
            return f"/v1/forms/{quote(name, safe='')}", {**fields, **traits, **given}
        case Kind.TRACK:
            return "/v1/track", {"event": name, "properties": fields, **about, **given}
        case Kind.PAGE:
            return "/v1/page", {"properties": {"url": name, **fields}, **about, **given}
        case Kind.IDENTIFY:
            return "/v1/identify", {"userId": name, "traits": {**fields, **traits}, **given}


def _pairs(texts: list[str] | None) -> dict[str, str]:
    wrong = [text for text in texts or () if not text.partition("=")[1]]
    if wrong:
        raise typer.BadParameter(f"not FIELD=VALUE: {', '.join(wrong)}")
    return {name: value for name, _, value in (text.partition("=") for text in texts or ())}
