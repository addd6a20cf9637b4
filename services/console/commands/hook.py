"""`leads property hook ...`: where vendors post leads to, and the secrets that prove it, kept by capture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.console import mapfile, screen, where
from services.console.ask import Ask
from services.console.screen import Json
from services.console.where import Trouble

app = typer.Typer(
    no_args_is_help=True, help="Where vendors post leads to: Meta, Google, LinkedIn, Typeform and others."
)

Id = Annotated[str, typer.Argument(help="The property's id.")]
Vendor = Annotated[
    str, typer.Argument(help="meta, google, linkedin, typeform, hubspot, unbounce, calendly, or generic.")
]
FETCHED = ("meta", "linkedin")  # what they post has no content: capture fetches it
_FILE: Any = {"exists": True, "dir_okay": False, "readable": True}


@app.command()
def add(
    property_: Id,
    vendor: Vendor,
    secret_file: Annotated[
        Path,
        typer.Option(
            help="The vendor's secret, or lines of `name: secret`; two of a name while one is replaced.", **_FILE
        ),
    ],
    map_: Annotated[
        Path | None, typer.Option("--map", help="generic: a field map, JSON or YAML; which place means what.", **_FILE)
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="meta, linkedin: the access token with which leads are fetched.", **_FILE)
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="meta, linkedin: another address of the vendor's API.")] = None,
    api_version: Annotated[str | None, typer.Option(help="meta, linkedin: another version of the API.")] = None,
    as_json: Json = False,
) -> None:
    """Set a hook up, or set it up anew in place of what there was, and print the address that the vendor is to be given."""
    wanted = {
        "secrets": _text(secret_file),
        "field_map": mapfile.decoded(map_) if map_ is not None else None,
        "access_token": _text(token_file).strip() if token_file is not None else None,
        "base_url": base_url,
        "api_version": api_version,
    }
    ask = Ask(where.find())
    made = ask.put("capture", f"{_path(property_)}/{quote(vendor, safe='')}", wanted)
    _show(made, f"{ask.where.url('capture')}{made['path']}", as_json)


@app.command("list")
def list_(property_: Id, as_json: Json = False) -> None:
    """List the hooks of a property, without their secrets."""
    ask = Ask(where.find())
    found = ask.get("capture", _path(property_))
    if as_json:
        screen.as_json(found)
        return
    base = ask.where.url("capture")
    rows = [(one["vendor"], base + one["path"], _secrets(one), "yes" if one["field_map"] else "") for one in found]
    screen.table(f"{len(found)} hook{'' if len(found) == 1 else 's'}", ("vendor", "address", "secrets", "map"), rows)


@app.command()
def remove(property_: Id, vendor: Vendor, as_json: Json = False) -> None:
    """End a hook and forget its secrets; leads that it told of and that are not fetched yet become dead letters."""
    Ask(where.find()).delete("capture", f"{_path(property_)}/{quote(vendor, safe='')}")
    if as_json:
        screen.as_json({"property": property_, "removed": vendor})
    else:
        screen.line(f"{vendor} can't post to {property_} any more.")


def _path(property_: str) -> str:
    return f"/v1/properties/{quote(property_, safe='')}/hooks"


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(
            f"{file} can't be read as text ({type(error).__name__}). Write the secret into a UTF-8 file."
        ) from None


def _secrets(one: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} ({count})" if count > 1 else name for name, count in one["secrets"].items())


def _show(made: Mapping[str, Any], address: str, as_json: bool) -> None:
    if as_json:
        screen.as_json({**made, "url": address})
        return
    if made["vendor"] in FETCHED and "access-token" not in made["secrets"]:
        screen.line("Leads that come as ids only wait until the hook has an access token: --token-file.")
    screen.pairs(
        "", {"property": made["property"], "vendor": made["vendor"], "address": address, "secrets": _secrets(made)}
    )
