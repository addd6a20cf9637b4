"""What Segment's rarer calls mean in the words of this house: screen, group and alias; and what a form may be called. Values in, values out; segment.py reads them."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

# Forms have it in their address, imports as a call's name.
is_form_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z").match

# A group's traits that tell of the company somebody works for (Segment's reserved group traits); its others are kept as properties.
_OF_COMPANY = frozenset({"name", "domain", "website", "url", "industry", "employees", "size"})


class Meaning(NamedTuple):
    """A call in the words of lead.captured."""

    kind: str
    name: str
    traits: dict[str, Any]
    properties: dict[str, Any]


def screen(name: str | None, traits: dict[str, Any], properties: dict[str, Any]) -> Meaning:
    """An app's screen is looked at as a page is."""
    return Meaning("page", name or "screen", traits, properties)


def group(group_id: str | None, about_group: dict[str, Any], person: dict[str, Any]) -> Meaning:
    """Somebody belongs to a group, mostly a company. The traits of the call are the group's: its name is never the person's, and its
    e-mail address and phone number identify nobody. What tells of a company becomes the person's `company`."""
    company = {name: value for name, value in about_group.items() if name in _OF_COMPANY}
    properties: dict[str, Any] = {"group_id": group_id} if group_id is not None else {}
    if about_group:
        properties["group"] = about_group
    return Meaning("identify", "group", {**person, "company": company} if company else person, properties)


def alias(previous_id: str | None, traits: dict[str, Any], properties: dict[str, Any]) -> Meaning:
    """Somebody has a new id. Where the call has no anonymous id the previous one stands for it: in most cases it is one."""
    kept = {**properties, "previous_id": previous_id} if previous_id is not None else properties
    return Meaning("identify", "alias", traits, kept)
