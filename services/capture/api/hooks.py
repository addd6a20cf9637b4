"""The operator's routes of vendors' hooks: set up, show without secrets, remove."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field, SecretStr

from services.capture import store
from services.capture.api.properties import existing, url
from services.capture.door.hooks import HOOKS
from services.capture.properties import Properties
from services.capture.store import StoredHook
from services.capture.vendors.asked import APIS
from services.capture.vendors.table import VENDORS
from services.capture.vendors.vendor import ACCESS_TOKEN, SHORTEST, secrets_in
from shared import fieldmap
from shared.database import Pool
from shared.fieldmap import FieldMap
from shared.problem import Mistake, Problem


class HookWanted(BaseModel):
    """What a hook is to be. `secrets` are lines, `name: secret`, or a secret alone, which is then the vendor's main one."""

    secrets: SecretStr = Field(max_length=20_000)
    field_map: dict[str, Any] | None = Field(default=None, description="generic only: which place means what")
    access_token: SecretStr | None = Field(default=None, max_length=5000, description="ours at the vendor's API")
    base_url: Annotated[str, AfterValidator(url)] | None = Field(
        default=None,
        max_length=1000,
        description="the vendor's API with its version, where it is not the usual one",
    )
    api_version: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]{1,20}$", examples=["v26.0"])


class HookShown(BaseModel):
    """A hook as operators see it: of its secrets the names and how many."""

    property: str
    vendor: str
    path: str
    secrets: dict[str, int]
    field_map: dict[str, Any] | None
    base_url: str | None
    api_version: str | None
    created_at: datetime | None


def routes(pool: Pool, properties: Properties) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/v1/properties/{property_}/hooks", tags=["hooks"])

    @router.get("")
    async def list_(property_: str) -> list[HookShown]:
        """The hooks of a property."""
        await existing(pool, property_)
        return [_shown(one) for one in await store.all_hooks(pool, property_)]

    @router.put("/{vendor}")
    async def put(property_: str, vendor: str, wanted: HookWanted) -> HookShown:
        """Sets a hook up, in place of what there was. All mistakes are told at once, and no secret."""
        await existing(pool, property_)
        hook = _checked(property_, vendor, wanted)
        if not await store.put_hook(pool, hook):
            raise Problem(409, "property-deleted", "The property was deleted", "What was deleted takes no hooks.")
        await properties.refresh(pool)
        return _shown(next(one for one in await store.all_hooks(pool, property_) if one.vendor == vendor))

    @router.delete("/{vendor}", status_code=204)
    async def remove(property_: str, vendor: str) -> None:
        """Ends a hook and forgets its secrets. What it told of and is not fetched yet becomes dead letters."""
        if not await store.remove_hook(pool, property_, vendor):
            raise Problem(404, "unknown-hook", "No such hook", "`leads property hook list` shows which there are.")
        await properties.refresh(pool)

    return router


def _checked(property_: str, vendor: str, wanted: HookWanted) -> StoredHook:
    if vendor not in VENDORS:
        raise Problem(404, "unknown-vendor", "No such vendor", f"There are: {', '.join(VENDORS)}.")
    mistakes: list[Mistake] = []
    secrets: dict[str, tuple[bytes, ...]] = {}
    try:
        secrets = secrets_in(wanted.secrets.get_secret_value(), VENDORS[vendor].SECRETS)
    except ValueError as wrong:
        mistakes.append(Mistake("/secrets", str(wrong)))
    if wanted.field_map is not None:
        if vendor != "generic":
            mistakes.append(Mistake("/field_map", f"{vendor} needs no map: its fields are known."))
        elif not isinstance(found := fieldmap.read(wanted.field_map), FieldMap):
            mistakes += [Mistake("/field_map", one) for one in found]
        elif found.form is not None:
            mistakes.append(Mistake("/field_map/form", "is for imports. What a hook tells of has a `name`."))
    token = wanted.access_token.get_secret_value().strip() if wanted.access_token is not None else None
    if token is not None and (len(token) < SHORTEST or not token.isascii() or not token.isprintable()):
        mistakes.append(
            Mistake("/access_token", f"is no token: {SHORTEST} printable characters at least, on one line.")
        )
    if vendor not in APIS:
        for name in ("access_token", "base_url", "api_version"):
            if getattr(wanted, name) is not None:
                mistakes.append(Mistake(f"/{name}", f"Nothing is fetched from {vendor}: its posts hold the leads."))
    if mistakes:
        raise Problem(
            422, "invalid", "The hook can't be set up so", "Correct the places that `errors` names.", mistakes
        )
    return StoredHook(
        property=property_,
        vendor=vendor,
        field_map=json.dumps(wanted.field_map) if wanted.field_map is not None else None,
        base_url=wanted.base_url,
        api_version=wanted.api_version,
        secrets={**secrets, **({ACCESS_TOKEN: (token.encode(),)} if token is not None else {})},
    )


def _shown(one: StoredHook) -> HookShown:
    return HookShown(
        property=one.property,
        vendor=one.vendor,
        path=f"{HOOKS}{one.vendor}/{one.property}",
        secrets={name: len(several) for name, several in one.secrets.items()},
        field_map=json.loads(one.field_map) if one.field_map is not None else None,
        base_url=one.base_url,
        api_version=one.api_version,
        created_at=one.created_at,
    )
