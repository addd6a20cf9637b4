"""`leads review ...`: what did not join by itself waits here for an operator's word."""

from __future__ import annotations

from typing import Annotated

import typer

from services.console import screen, where
from services.console.ask import Ask
from services.console.commands.person import By, Reason, me
from services.console.domain.story import questions
from services.console.screen import Json

app = typer.Typer(no_args_is_help=True, help="Questions about who is who that wait for your word.")

Question = Annotated[str, typer.Argument(metavar="ID", help="From `leads review list`.")]


@app.command("list")
def list_(limit: Annotated[int, typer.Option(min=1, max=500)] = 50, as_json: Json = False) -> None:
    """List the questions, the longest waiting first: two that may be one person, and why they did not join by themselves."""
    found = Ask(where.find()).get("enrich", "/v1/reviews", limit=limit)
    if as_json:
        screen.as_json(found)
        return
    if not found["reviews"]:
        screen.line("No question waits.")
        return
    screen.sentences("Who is who?", questions(found["reviews"]))
    screen.line(
        "`leads review accept ID`: they are one person. `leads review reject ID`: they are not, and never will be by themselves."
    )
    if found["next"]:
        screen.line(f"There are {found['total']} in all: --limit shows up to 500.")


@app.command()
def accept(question: Question, reason: Reason = None, by: By = None, as_json: Json = False) -> None:
    """Yes, they are one person."""
    _answer(question, "accept", "They are one person from now on.", reason=reason, by=by, as_json=as_json)


@app.command()
def reject(question: Question, reason: Reason = None, by: By = None, as_json: Json = False) -> None:
    """No, they are two people, and nothing joins them by itself from now on."""
    _answer(question, "reject", "They stay two people.", reason=reason, by=by, as_json=as_json)


def _answer(question: str, answer: str, said: str, *, reason: str | None, by: str | None, as_json: bool) -> None:
    body = {"reason": reason, "by": by or me()}
    done = Ask(where.find()).command("enrich", f"/v1/reviews/{question}/{answer}", body)
    if as_json:
        screen.as_json(done)
    else:
        screen.line(said)
