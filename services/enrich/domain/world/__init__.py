"""What enrich knows, as values: identifiers, cookies, leads, kept activities, and what a decision may find missing. No rules here.

A world's keys: ("identifier", name) -> Identifier or Cookie, ("lead", id) -> Lead, ("activity", event id) -> Kept;
and, only where they are known completely: ("history", lead id) -> the ids of all its activities, ("absorbed", lead id) ->
the ids of leads that it absorbed, ("visits", cookie) -> Visits, ("moments", crowd) -> Moments; in a rebuild ("told", event id) -> Told, ("recalled", lead id) -> Recalled,
and ("told", command id) -> True where a merge or split that stands on the topic came of it.
("ruling", event id) -> Ruling, where there is one.
Saved, and never in a world: ("owed", event or command id) -> Owed, and ("untold", lead id, event id, withdrawn) -> Untold, or None when it is done.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from datetime import datetime
from typing import Any

from services.enrich.domain.world.asked import Answer, Asked, Command, Human, Merge, Ruling, Split
from services.enrich.domain.world.events import Facts, Happened, Kept, Moments, Span, Visits
from services.enrich.domain.world.identifiers import SEPARATOR, Cookie, Identifier, Lately, Rank, Tie, name, under
from services.enrich.domain.world.people import ConsentClaim, Consents, Lead, Said, State, TouchClaim, Voice
from services.enrich.domain.world.told import Owed, Recalled, Told, Untold

__all__ = [
    "SEPARATOR",
    "Answer",
    "Asked",
    "Changes",
    "Command",
    "ConsentClaim",
    "Consents",
    "Cookie",
    "Facts",
    "Happened",
    "Human",
    "Identifier",
    "Kept",
    "Lately",
    "Lead",
    "Merge",
    "Moments",
    "NotLoaded",
    "Owed",
    "Rank",
    "Recalled",
    "Ruling",
    "Said",
    "Span",
    "Split",
    "State",
    "Tie",
    "Told",
    "TouchClaim",
    "Untold",
    "Visits",
    "Voice",
    "World",
    "name",
    "under",
]

World = Mapping[Hashable, Any]
Changes = dict[Hashable, Any]


class NotLoaded(Exception):
    """The decision needs the whole history of these leads, the visits on these cookies since a time, these identifiers (known or not) with
    their leads, or what was done in a crowd (see Happened) at these moments, and the world lacks them.

    `load` catches it, fetches and asks again; `decide` never meets it after that.
    """

    def __init__(
        self,
        *,
        leads: frozenset[str] = frozenset(),
        cookies: Mapping[str, datetime] | None = None,
        names: frozenset[str] = frozenset(),
        moments: Mapping[str, Collection[Span]] | None = None,
    ) -> None:
        super().__init__("history is not loaded")
        self.leads = leads
        self.cookies = dict(cookies or {})
        self.names = names
        self.moments = dict(moments or {})
