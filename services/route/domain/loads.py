"""Keeping each owner's load: what a decision's handovers add to it and take off. What a load forbids is capacity.py's."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from msgspec.structs import replace

from services.route.domain.capacity import NO_LOAD, Load
from services.route.domain.lifecycle import OPEN
from services.route.domain.state import Handover, Key, World


def counted(world: World, changes: Mapping[Hashable, Any]) -> Mapping[Hashable, Any]:
    """The changes, with the open handovers of every owner as they are after them. `world` is as it was before."""
    if len(changes) < 2:  # a lead alone, as nearly always
        return changes
    more: dict[str, int] = {}
    for key, after in changes.items():
        if type(key) is Key and key.kind == "handover":
            before: Handover | None = world.get(key)
            if before is not None and before.state in OPEN:
                more[before.owner] = more.get(before.owner, 0) - 1
            if after.state in OPEN:
                more[after.owner] = more.get(after.owner, 0) + 1
    loads: dict[Hashable, Load] = {}
    for owner, count in more.items():
        if count:
            key = Key("load", owner)
            load: Load = changes.get(key) or world.get(key, NO_LOAD)
            loads[key] = replace(load, open=load.open + count)
    return {**changes, **loads} if loads else changes
