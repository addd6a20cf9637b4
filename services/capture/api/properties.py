"""The operator's routes of properties: what they are, their write keys, pausing and deleting."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import quote, urlsplit

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field

from services.capture import store
from services.capture.domain.verdict import ANY, BROWSER
from services.capture.properties import Properties, new_key
from services.capture.store import DELETED, LIVE, PAUSED, NewProperty, Property
from shared.database import Pool
from shared.problem import Mistake, Problem

Kind = Literal["any", "browser", "server"]


def url(value: str) -> str:
    """An http(s) address, percent-encoded where it has to be. Raises ValueError for what is none."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or not value.isprintable():
        raise ValueError("must begin with https:// or http://")
    return quote(value, safe="%/:=&?~#+!$,;'@()*[]")


def _origin(value: str) -> str:
    if value == "*":
        return value
    parts = urlsplit(url(value))
    return f"{parts.scheme}://{parts.netloc}".lower()


Name = Annotated[str, Field(min_length=1, max_length=100, examples=["Shop"])]
Origins = Annotated[
    list[Annotated[str, AfterValidator(_origin)]],
    Field(
        max_length=100,
        description="whose scripts may read the answers (CORS), and use a browser key; none: any may read",
    ),
]
ThankYou = Annotated[
    Annotated[str, AfterValidator(url)] | None,
    Field(max_length=2000, description="where a browser goes after a plain form post"),
]
Country = Annotated[str | None, Field(pattern=r"^[A-Z]{2}$", description="where its visitors mostly are (ISO 3166)")]
Quota = Annotated[int | None, Field(gt=0, lt=2**63, description="events a day")]


class PropertyWanted(BaseModel):
    """What a new property is to be, and for whom its first key is: any sender, pages (browser), or servers."""

    name: Name
    origins: Origins = []
    thank_you_url: ThankYou = None
    country: Country = None
    quota: Quota = None
    kind: Kind = "any"


class PropertyChanged(BaseModel):
    """What is to change; what is absent stays as it is, null takes it away."""

    name: Name = ""
    origins: Origins = []
    thank_you_url: ThankYou = None
    country: Country = None
    quota: Quota = None


class KeyWanted(BaseModel):
    """Which kind of key; absent: the kind that the property has."""

    kind: Kind | None = None


class KeyShown(BaseModel):
    """A write key, shown this once."""

    property: str
    write_key: str


class KeyListed(BaseModel):
    """A write key as operators see it: how it begins, and for whom it is."""

    prefix: str
    kind: Kind


class PropertyShown(BaseModel):
    """A property as operators see it: of its write keys only the beginnings."""

    property: str
    name: str
    state: Literal["live", "paused", "deleted"]
    origins: list[str]
    thank_you_url: str | None
    country: str | None
    quota: int | None
    created_at: datetime
    write_keys: list[str]
    keys: list[KeyListed]


def routes(pool: Pool, properties: Properties) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/v1/properties", tags=["properties"])

    @router.post("", status_code=201)
    async def add(wanted: PropertyWanted) -> KeyShown:
        """A new property and its write key, which is shown only now."""
        if wanted.kind == BROWSER:
            _has_origins(wanted.origins)
        key, hash_, prefix = new_key(wanted.kind)
        new = NewProperty(wanted.name, tuple(wanted.origins), wanted.thank_you_url, wanted.country, wanted.quota)
        property_ = await store.add(pool, new, key_hash=hash_, key_prefix=prefix, kind=wanted.kind)
        await properties.refresh(pool)
        return KeyShown(property=property_, write_key=key)

    @router.get("")
    async def list_(deleted: bool = False) -> list[PropertyShown]:
        """All properties, by id; those that were deleted only where they are asked for."""
        return [_shown(one) for one in await store.properties(pool) if deleted or one.state != DELETED]

    @router.get("/{property_}")
    async def show(property_: str) -> PropertyShown:
        """One property."""
        return _shown(await existing(pool, property_))

    @router.patch("/{property_}")
    async def change(property_: str, changed: PropertyChanged) -> PropertyShown:
        """Changes what is said. The id stays, since events carry it."""
        before = await existing(pool, property_)
        said = changed.model_dump(exclude_unset=True)
        if BROWSER in before.kinds and "origins" in said:
            _has_origins(said["origins"])
        after = NewProperty(
            said.get("name", before.name),
            tuple(said.get("origins", before.origins)),
            said.get("thank_you_url", before.thank_you_url),
            said.get("country", before.country),
            said.get("quota", before.quota),
        )
        if not await store.change(pool, property_, after):
            raise _deleted()
        await properties.refresh(pool)
        return _shown(await existing(pool, property_))

    @router.post("/{property_}/pause")
    async def pause(property_: str) -> PropertyShown:
        """It takes nothing until it is resumed: its keys are answered 403."""
        return await enter(property_, PAUSED)

    @router.post("/{property_}/resume")
    async def resume(property_: str) -> PropertyShown:
        """It goes on."""
        return await enter(property_, LIVE)

    @router.delete("/{property_}")
    async def delete(property_: str) -> PropertyShown:
        """It takes nothing any more, for ever: its keys are answered 403, its hooks and their secrets are gone. What it sent stays."""
        return await enter(property_, DELETED)

    async def enter(property_: str, state: str) -> PropertyShown:
        await existing(pool, property_)
        if not await store.enter(pool, property_, state) and state != DELETED:
            raise _deleted()
        await properties.refresh(pool)
        return _shown(await existing(pool, property_))

    @router.post("/{property_}/keys", status_code=201)
    async def add_key(property_: str, wanted: KeyWanted | None = None) -> KeyShown:
        """A second write key of a kind, to replace the first without a gap."""
        one = await existing(pool, property_)
        kind = _kind(one, wanted.kind if wanted is not None else None)
        if kind == BROWSER:
            _has_origins(one.origins)
        key, hash_, prefix = new_key(kind)
        try:
            if not await store.add_key(pool, property_, key_hash=hash_, key_prefix=prefix, kind=kind):
                raise _deleted()
        except store.TooManyKeys:
            detail = "The property has two live write keys of this kind. Revoke one: leads property revoke-key."
            raise Problem(409, "two-keys", "There are two keys already", detail) from None
        await properties.refresh(pool)
        return KeyShown(property=property_, write_key=key)

    @router.delete("/{property_}/keys/{prefix}", status_code=204)
    async def revoke_key(property_: str, prefix: str) -> None:
        """Ends a write key, named by its beginning."""
        if not await store.revoke_key(pool, property_, prefix):
            raise Problem(
                404, "unknown-key", "No such write key", "`leads property show` says how the live ones begin."
            )
        await properties.refresh(pool)

    return router


async def existing(pool: Pool, property_: str) -> Property:
    """The property. Raises the problem that there is none."""
    found = await store.show(pool, property_)
    if found is None:
        raise Problem(404, "unknown-property", "No such property", "`leads property list` shows which there are.")
    return found


def _kind(one: Property, wanted: Kind | None) -> Kind:
    """The kind of a further key: never quietly one that may do more than those there are."""
    if wanted is not None:
        return wanted
    kinds = set(one.kinds) or {ANY}
    if len(kinds) > 1:
        detail = "The property has keys of several kinds. Say which is to be replaced: any, browser or server."
        raise Problem(422, "which-kind", "Which kind of key?", detail, [Mistake("/kind", "missing")])
    (kind,) = kinds
    return "browser" if kind == "browser" else "server" if kind == "server" else "any"


def _has_origins(origins: list[str] | tuple[str, ...]) -> None:
    if not origins:
        detail = "A browser key is bound to its property's origins, and there are none. Name them, such as https://www.acme.example."
        raise Problem(422, "no-origins", "A browser key needs origins", detail, [Mistake("/origins", "missing")])


def _deleted() -> Problem:
    return Problem(
        409,
        "property-deleted",
        "The property was deleted",
        "A property that was deleted stays so. Make another: leads property add.",
    )


def _shown(one: Property) -> PropertyShown:
    return PropertyShown.model_validate(
        {
            "property": one.property,
            "name": one.name,
            "state": one.state,
            "origins": one.origins,
            "thank_you_url": one.thank_you_url,
            "country": one.country,
            "quota": one.quota,
            "created_at": one.created_at,
            "write_keys": one.keys,
            "keys": [{"prefix": prefix, "kind": kind} for prefix, kind in zip(one.keys, one.kinds, strict=True)],
        }
    )
