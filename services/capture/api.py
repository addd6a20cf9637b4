"""Capture's operator routes: properties and their write keys. All behind the operator's token; the public routes are in door/."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field

from services.capture import store
from services.capture.properties import Properties, new_key
from services.capture.store import NewProperty, Property
from shared.database import Pool
from shared.problem import Problem


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or not value.isprintable():
        raise ValueError("must begin with https:// or http://")
    return quote(value, safe="%/:=&?~#+!$,;'@()*[]")


def _origin(value: str) -> str:
    if value == "*":
        return value
    parts = urlsplit(_url(value))
    return f"{parts.scheme}://{parts.netloc}".lower()


class PropertyWanted(BaseModel):
    """What a new property is to be."""

    name: str = Field(min_length=1, max_length=100, examples=["Shop"])
    origins: list[Annotated[str, AfterValidator(_origin)]] = Field(
        default=[], max_length=100, description="whose scripts may read the answers (CORS); none: any"
    )
    thank_you_url: Annotated[str, AfterValidator(_url)] | None = Field(
        default=None, max_length=2000, description="where a browser goes after a plain form post"
    )
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$", description="default country (ISO 3166)")
    quota: int | None = Field(default=None, gt=0, lt=2**63, description="events a day")


class KeyShown(BaseModel):
    """A write key, shown this once."""

    property: str
    write_key: str


class PropertyShown(BaseModel):
    """A property as operators see it: of its write keys only the beginnings."""

    property: str
    name: str
    origins: list[str]
    thank_you_url: str | None
    country: str | None
    quota: int | None
    created_at: datetime
    write_keys: list[str]


def routes(pool: Pool, properties: Properties) -> APIRouter:
    """The routes. Here a change holds at once, in other instances within a second or two."""
    router = APIRouter(prefix="/v1/properties", tags=["properties"])

    @router.post("", status_code=201)
    async def add(wanted: PropertyWanted) -> KeyShown:
        """A new property and its write key, which is shown only now."""
        key, hash_, prefix = new_key()
        new = NewProperty(wanted.name, tuple(wanted.origins), wanted.thank_you_url, wanted.country, wanted.quota)
        property_ = await store.add(pool, new, key_hash=hash_, key_prefix=prefix)
        await properties.refresh(pool)
        return KeyShown(property=property_, write_key=key)

    @router.get("")
    async def list_() -> list[PropertyShown]:
        """All properties, by id."""
        return [_shown(one) for one in await store.properties(pool)]

    @router.get("/{property_}")
    async def show(property_: str) -> PropertyShown:
        """One property."""
        found = await store.show(pool, property_)
        if found is None:
            raise _unknown()
        return _shown(found)

    @router.post("/{property_}/keys", status_code=201)
    async def add_key(property_: str) -> KeyShown:
        """A second write key, to replace the first without a gap."""
        key, hash_, prefix = new_key()
        try:
            if not await store.add_key(pool, property_, key_hash=hash_, key_prefix=prefix):
                raise _unknown()
        except store.TooManyKeys:
            detail = "The property has two live write keys. Revoke one: DELETE /v1/properties/{property}/keys/{prefix}."
            raise Problem(409, "two-keys", "There are two keys already", detail) from None
        await properties.refresh(pool)
        return KeyShown(property=property_, write_key=key)

    @router.delete("/{property_}/keys/{prefix}", status_code=204)
    async def revoke_key(property_: str, prefix: str) -> None:
        """Ends a write key, named by its beginning."""
        if not await store.revoke_key(pool, property_, prefix):
            raise Problem(404, "unknown-key", "No such write key", "GET /v1/properties shows how the live ones begin.")
        await properties.refresh(pool)

    return router


def _unknown() -> Problem:
    return Problem(404, "unknown-property", "No such property", "GET /v1/properties lists them.")


def _shown(one: Property) -> PropertyShown:
    return PropertyShown(
        property=one.property,
        name=one.name,
        origins=list(one.origins),
        thank_you_url=one.thank_you_url,
        country=one.country,
        quota=one.quota,
        created_at=one.created_at,
        write_keys=list(one.keys),
    )
