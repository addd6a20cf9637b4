"""`leads mail ...`: what was mailed and what was not, sending again, templates looked through and tried. Sent and kept by route."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from services.console import screen, where
from services.console.ask import Ask
from services.console.domain import words
from services.console.screen import Json
from services.console.where import Trouble

app = typer.Typer(no_args_is_help=True, help="Mail: what was sent, what failed, what is unknown; templates.")

MailId = Annotated[str, typer.Argument(metavar="MAIL", help="A mail's id: `leads mail list`.")]
Folder = Annotated[
    Path | None, typer.Argument(metavar="[FOLDER]", help="Of templates; without it the one that route uses.")
]
Template = Annotated[str, typer.Argument(help="Its name, without .txt.")]
Subject = Annotated[str | None, typer.Option(help="A template; without it that of the document, or of the file.")]
_ENDINGS = (".txt", ".html", ".subject")


@app.command("list")
def list_(
    state: Annotated[
        str | None, typer.Option(help="Only those: waiting, sending, sent, unknown, failed, skipped.")
    ] = None,
    lead: Annotated[str | None, typer.Option(help="Only those about a lead, by its id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    as_json: Json = False,
) -> None:
    """List mails, the newest first, and say how many of the last day are where."""
    found = Ask(where.find()).get("route", "/v1/mail", state=state, lead_id=lead, limit=limit)
    if as_json:
        screen.as_json(found)
        return
    if not found["is_on"]:
        screen.line("Mail is off: nothing is sent (LEADFLOW_MAIL_SERVER of route).")
    screen.line(
        "The last day: " + (", ".join(f"{count} {name}" for name, count in found["mails"].items()) or "no mail")
    )
    if found["list"]:
        screen.table(
            "",
            ("mail", "lead", "template", "told (UTC)", "state", "why", "tries", "then"),
            [
                (one["mail_id"], one["lead_id"], one["template"], words.moment(one["told_at"]), one["state"], one["why"], one["tries"], ", ".join(one["happened"]))
                for one in found["list"]
            ],
        )  # fmt: skip


@app.command()
def show(mail: MailId, as_json: Json = False) -> None:
    """Show a mail with its tries and what happened to it."""
    found = Ask(where.find()).get("route", f"/v1/mail/{mail}")
    if as_json:
        screen.as_json(found)
        return
    screen.pairs(
        "",
        {
            name: found[name]
            for name in ("mail_id", "kind", "lead_id", "track", "step", "template", "state", "why")
            if found[name]
        },
    )
    screen.table(
        "Tries",
        ("at (UTC)", "came to", "why", "ms"),
        [(words.moment(one["at"]), one["came_to"], one["why"], one["took_ms"]) for one in found["log"]],
    )
    rows = [(words.moment(one["at"]), one["what"], one["url"] or one["channel"]) for one in found["happened"]]
    screen.table("What happened", ("at (UTC)", "what", "where"), rows)


@app.command()
def resend(mail: MailId, as_json: Json = False) -> None:
    """Send a mail again that failed, was skipped, or is unknown: then somebody may get it twice, under one Message-ID."""
    done = Ask(where.find()).post("route", f"/v1/mail/{mail}/resend")
    _done(done, f"It was {done['was']} and is sent again: leads mail show {mail}", as_json)


@app.command()
def lint(folder: Folder = None, as_json: Json = False) -> None:
    """Say every mistake in templates, with file and line: fields that do not exist, what nothing may be known of. Exit code 1 when there is one."""
    body = {"files": _read(folder)} if folder is not None else {}
    found = Ask(where.find()).post("route", "/v1/mail/lint", body)
    if as_json:
        screen.as_json(found["mistakes"])
    else:
        for one in found["mistakes"]:
            screen.line(f"{one['file']}{':' + str(one['line']) if one['line'] else ''}: {one['says']}")
        count = len(found["mistakes"])
        screen.line(f"{len(found['files'])} files: {f'{count} mistakes' if count else 'nothing to say against them'}.")
    raise SystemExit(1 if found["mistakes"] else 0)


@app.command()
def preview(
    template: Template,
    folder: Annotated[Path | None, typer.Option(help="Of templates; without it the one that route uses.")] = None,
    subject: Subject = None,
    sparse: Annotated[bool, typer.Option("--sparse", help="For somebody of whom only the address is known.")] = False,
    html: Annotated[bool, typer.Option("--html", help="Its HTML instead of its text.")] = False,
    as_json: Json = False,
) -> None:
    """Print what somebody made up would get."""
    body: dict[str, Any] = {"template": template, "sparse": sparse, "subject": subject}
    if folder is not None:
        body["files"] = _read(folder)
    found = Ask(where.find()).post("route", "/v1/mail/preview", body)
    if as_json:
        screen.as_json(found)
        return
    screen.line(f"Subject: {found['subject']}\n")
    screen.line((found["html"] or "It has no HTML.") if html else found["text"])


@app.command("test")
def send_test(
    template: Template,
    to: Annotated[str, typer.Option(help="Your own address.")],
    subject: Subject = None,
    as_json: Json = False,
) -> None:
    """Send it to yourself, by the way that all mails go."""
    made = Ask(where.find()).post("route", "/v1/mail/test", {"template": template, "to": to, "subject": subject})
    _done(made, f"It is on its way: leads mail show {made['mail_id']}", as_json)


def _read(folder: Path) -> dict[str, str]:
    try:
        return {one.name: one.read_text("utf-8") for one in sorted(folder.iterdir()) if one.name.endswith(_ENDINGS)}
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(
            f"{folder} can't be read ({type(error).__name__}). Name a folder of templates in UTF-8."
        ) from None


def _done(made: dict[str, Any], line: str, as_json: bool) -> None:
    if as_json:
        screen.as_json(made)
    else:
        screen.line(line)
