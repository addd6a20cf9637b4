"""`leads property ...`: the web properties that may send, and their write keys, kept by capture. Vendors' hooks are in hook.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.console import screen, where
from services.console.ask import Ask
from services.console.commands import hook
from services.console.screen import Json

app = typer.Typer(no_args_is_help=True, help="The web properties that may send events, their write keys and hooks.")
app.add_typer(hook.app, name="hook")

Id = Annotated[str, typer.Argument(help="The property's id.")]
Origin = Annotated[list[str] | None, typer.Option(help="A page's origin, such as https://www.acme.example; * for any.")]
ThankYou = Annotated[str | None, typer.Option(help="Where a browser goes after its form was taken.")]
Country = Annotated[str | None, typer.Option(help="Where its visitors are from, as ISO 3166: DE.")]
Quota = Annotated[int | None, typer.Option(min=1, help="The most events it may send a day.")]
Kind = Annotated[
    bool | None,
    typer.Option(
        "--browser/--server",
        help="A key for pages of its origins only, or one for servers, which may say when it was and for whom they speak. Neither: for both.",
    ),
]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Its name; also its id in events.")],
    origin: Origin = None,
    thank_you: ThankYou = None,
    country: Country = None,
    quota: Quota = None,
    browser: Kind = None,
    as_json: Json = False,
) -> None:
    """Make a property and print its write key, which is shown only now."""
    wanted = {"name": name, "origins": origin or [], "thank_you_url": thank_you, "country": country, "quota": quota}
    made = Ask(where.find()).post("capture", "/v1/properties", {**wanted, "kind": _kind(browser) or "any"})
    _show_key(made, as_json)
    if not as_json:
        screen.line(f"Try it: leads send form contact --key {made['write_key']} email=jo@acme.example")


@app.command("list")
def list_(
    deleted: Annotated[bool, typer.Option("--deleted", help="Those that were deleted, too.")] = False,
    as_json: Json = False,
) -> None:
    """List the properties."""
    found = Ask(where.find()).get("capture", "/v1/properties", deleted=deleted or None)
    if as_json:
        screen.as_json(found)
        return
    columns = ("property", "state", "write_keys", "origins", "thank_you_url", "country", "quota")
    screen.table(
        f"{len(found)} propert{'y' if len(found) == 1 else 'ies'}",
        [column.replace("_", " ") for column in columns],
        [[_cell(one.get(column)) for column in columns] for one in found],
    )


@app.command()
def show(property_: Id, as_json: Json = False) -> None:
    """Show one property: its settings, and how its keys begin."""
    _show(Ask(where.find()).get("capture", _path(property_)), as_json)


@app.command("set")
def set_(
    property_: Id,
    name: Annotated[str | None, typer.Option(help="Its name; the id stays.")] = None,
    origin: Origin = None,
    thank_you: ThankYou = None,
    country: Country = None,
    quota: Quota = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Take a setting away: origin, thank-you, country or quota.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change settings of a property; what is not said stays. It holds everywhere within seconds."""
    fields = {"origin": "origins", "thank-you": "thank_you_url", "country": "country", "quota": "quota"}
    if wrong := [one for one in without or () if one not in fields]:
        raise typer.BadParameter(f"{', '.join(wrong)}: not among {', '.join(fields)}.", param_hint="--without")
    said = {"name": name, "origins": origin, "thank_you_url": thank_you, "country": country, "quota": quota}
    changed: dict[str, Any] = {field: value for field, value in said.items() if value is not None}
    for one in without or ():
        changed[fields[one]] = [] if one == "origin" else None
    if not changed:
        raise typer.BadParameter("Nothing is to change. Example: leads property set shop --country DE.")
    _show(Ask(where.find()).patch("capture", _path(property_), changed), as_json)


@app.command()
def rotate_key(property_: Id, browser: Kind = None, as_json: Json = False) -> None:
    """Make a further key, shown only now; the old one works until it is revoked. Of the kind that the property has, if none is named."""
    made = Ask(where.find()).post("capture", _path(property_, "keys"), {"kind": _kind(browser)})
    _show_key(made, as_json)
    if not as_json:
        screen.line(
            f"Give it to all who send, then end the old one: leads property revoke-key {property_} <its beginning>"
        )


@app.command()
def revoke_key(
    property_: Id,
    prefix: Annotated[str, typer.Argument(help="How the key begins, as `leads property show` says.")],
    as_json: Json = False,
) -> None:
    """End a key, within seconds everywhere."""
    Ask(where.find()).delete("capture", _path(property_, "keys", prefix))
    _done({"property": property_, "revoked": prefix}, f"{prefix}... is no key any more.", as_json)


@app.command()
def pause(property_: Id, as_json: Json = False) -> None:
    """Take nothing from a property until it is resumed: its keys and hooks are answered 403."""
    _show(Ask(where.find()).post("capture", _path(property_, "pause")), as_json)


@app.command()
def resume(property_: Id, as_json: Json = False) -> None:
    """Let a paused property go on."""
    _show(Ask(where.find()).post("capture", _path(property_, "resume")), as_json)


@app.command()
def delete(
    property_: Id,
    yes: Annotated[bool, typer.Option("--yes", help="Without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a property for ever: its keys are answered 403, its hooks and their secrets are gone, its id is not given again. What it sent stays."""
    if not yes:
        typer.confirm(f"Delete {property_}? It can't be undone", abort=True, err=True)
    _show(Ask(where.find()).delete("capture", _path(property_)), as_json)


def _kind(browser: bool | None) -> str | None:
    return None if browser is None else "browser" if browser else "server"


def _path(property_: str, *parts: str) -> str:
    return "/".join(("/v1/properties", *(quote(part, safe="") for part in (property_, *parts))))


def _show_key(made: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        screen.as_json({"property": made["property"], "write_key": made["write_key"]})
    else:
        screen.pairs("", {"property": made["property"], "write key": made["write_key"]})


def _show(found: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        screen.as_json(found)
        return
    keys: Sequence[Mapping[str, Any]] = found["keys"]
    said = {
        name.replace("_", " "): found[name]
        for name in ("property", "name", "state", "thank_you_url", "country", "quota")
    }
    screen.pairs(
        "",
        {
            **said,
            "origins": _cell(found["origins"]) or None,
            "keys": "\n".join(f"{one['prefix']}... ({one['kind']})" for one in keys) or "none",
        },
    )


def _done(document: Mapping[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        screen.as_json(document)
    else:
        screen.line(text)


def _cell(value: object) -> object:
    return "\n".join(map(str, value)) if isinstance(value, list) else value
