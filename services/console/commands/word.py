"""An operator's word about a person: who is who, who has them, what they are, what they get. `leads lead` has them as commands (lead.py)."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.console import explain, screen, where
from services.console.ask import Ask
from services.console.commands.person import NAMED, By, Person, Reason, me
from services.console.domain import words
from services.console.domain.story import called
from services.console.screen import Json
from services.console.where import Trouble


def merge(
    lead: Person,
    others: Annotated[list[str], typer.Argument(metavar=NAMED + "...", help="Who is the same person.")],
    survivor: Annotated[
        str | None, typer.Option("--survivor", metavar="ID", help="The lead that remains; else the one made first.")
    ] = None,
    reason: Reason = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Say that leads are one person. All their ids lead to the one that remains; `leads lead split` undoes it."""
    ask = Ask(where.find())
    ids = [str(explain.enriched(ask, name)["lead_id"]) for name in (lead, *others)]
    body = {"lead_ids": ids[1:], "survivor": survivor, "reason": reason, "by": by or me()}
    done = ask.command("enrich", f"/v1/leads/{quote(ids[0], safe='')}/merge", body)
    after = explain.enriched(ask, ids[0])
    if as_json:
        screen.as_json({**done, "lead": after})
        return
    gone = [one for one in dict.fromkeys(ids) if one != after["lead_id"]]
    screen.line(f"They are one person now: {called(after)} ({after['lead_id']}).")
    for one in gone:
        screen.line(f"  {one} leads there.")


def split(
    lead: Person,
    identifiers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IDENTIFIER...", help="What is somebody else's: an e-mail, phone number or id of this lead."
        ),
    ] = None,
    events: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="ID", help="An activity that is somebody else's; may be repeated."),
    ] = None,
    reason: Reason = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Say that identifiers or activities of a lead are somebody else's. They leave, and never join again by themselves."""
    if not identifiers and not events:
        raise typer.BadParameter("say what leaves: identifiers, or --event ID")
    ask = Ask(where.find())
    found = explain.enriched(ask, lead)
    leaving = [_identifier(found, text) for text in identifiers or ()]
    body = {"identifiers": leaving, "event_ids": events or [], "reason": reason, "by": by or me()}
    done = ask.command("enrich", f"/v1/leads/{quote(str(found['lead_id']), safe='')}/split", body)
    after = explain.enriched(ask, str(found["lead_id"]))
    others = [
        one for identifier in leaving for one in explain.having(ask, identifier) if one["lead_id"] != after["lead_id"]
    ]
    others = list({one["lead_id"]: one for one in others}.values())
    if as_json:
        screen.as_json({**done, "lead": after, "others": others})
        return
    screen.line(f"{called(after)} ({after['lead_id']}) remains.")
    for one in others:
        screen.line(f"{called(one)} ({one['lead_id']}) is somebody else now.")
    if events:
        screen.line(f"{words.count(len(events), 'activity')} left.")


def human(
    lead: Person,
    event: Annotated[str, typer.Argument(metavar="ACTIVITY", help="An activity's id, from `leads lead show --json`.")],
    likely: Annotated[
        float, typer.Argument(min=0, max=1, metavar="0..1", help="0: a machine did it; 1: a person did.")
    ],
    reason: Reason = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Say how human an activity is, whatever it seemed. The lead is scored again with it."""
    body = {"human": likely, "reason": reason, "by": by or me()}
    lead_id, done = _told(lead, "enrich", f"activities/{quote(event, safe='')}/human", body)
    if as_json:
        screen.as_json(done)
        return
    screen.line(
        f"That activity counts as {likely:g} human from now on. `leads lead show {lead_id}` shows the new score."
    )


def assign(
    lead: Person,
    owner: Annotated[str, typer.Argument(metavar="OWNER", help="An owner's id in the routing document.")],
    reason: Reason = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Give a lead to an owner: the open handover is passed on to them, and who had it is told. Without one, the next goes to them."""
    _, done = _told(lead, "route", "assign", {"owner": owner, "reason": reason, "by": by or me()})
    if as_json:
        screen.as_json(done)
        return
    if str(done["result"]).startswith("ho_"):
        screen.line(f"{owner} has the lead now. `leads handovers show {done['result']}` tells more.")
    else:
        screen.line(
            f"Nothing is open; {owner} gets the next handover where `sticky` of the routing document has `owner`."
        )


def disqualify(
    lead: Person,
    reason: Annotated[str, typer.Option("--reason", help="Why: whoever has the lead is told that it is over.")],
    by: By = None,
    as_json: Json = False,
) -> None:
    """Say that a lead is none: its stage is disqualified whatever it does, and its open handover is taken back."""
    lead_id, done = _told(lead, "score", "disqualify", {"reason": reason, "by": by or me()})
    if as_json:
        screen.as_json(done)
    else:
        screen.line(f"{lead_id} is disqualified.")


def suppress(
    lead: Person,
    channel: Annotated[str, typer.Option("--channel", help="Only this channel, such as email; else all.")] = "",
    by: By = None,
    as_json: Json = False,
) -> None:
    """Send nothing more to a lead by nurture."""
    lead_id, done = _told(lead, "route", "suppress", {"channel": channel, "by": by or me()})
    if as_json:
        screen.as_json(done)
    else:
        screen.line(f"Nothing more is sent to {lead_id}{f' by {channel}' if channel else ''}.")


def _told(lead: str, service: str, command: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Gives a service a command about a lead; the lead's id, and what became of it."""
    ask = Ask(where.find())
    lead_id = str(explain.enriched(ask, lead)["lead_id"])
    return lead_id, ask.command(service, f"/v1/leads/{quote(lead_id, safe='')}/{command}", body)


_NAMED_BY = ("kind", "value", "property", "system", "given", "family")


def _identifier(found: dict[str, Any], text: str) -> dict[str, Any]:
    """The lead's identifier that somebody typed, as the API takes it."""
    theirs = [one for one in found["identifiers"] if one["kind"] != "anonymous_id"]
    plain = text.strip().casefold()
    chosen = [
        one
        for one in theirs
        if plain in (one["value"].casefold(), _digits(one["value"]), words.identifier(one).casefold())
    ]
    if len(chosen) > 1:  # a number, and who else is known by it alone
        chosen = [one for one in chosen if "given" not in one]
    if len(chosen) != 1:
        known = "; ".join(words.identifier(one) for one in theirs)
        problem = "is none of this lead's" if not chosen else "is more than one of this lead's"
        raise Trouble(f"What you named {problem}. It has: {known}.")
    return {name: value for name, value in chosen[0].items() if name in _NAMED_BY}


def _digits(text: str) -> str:
    return text.removeprefix("+") if text.startswith("+") else text.casefold()
