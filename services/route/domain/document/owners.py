"""The owners of a routing document: who they are, when they are there, and what they can take."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from zoneinfo import ZoneInfo

from yaml import Node, SequenceNode

from services.route.domain import days_off
from services.route.domain.document import shape
from services.route.domain.document.nodes import Nodes
from services.route.domain.names import meant
from services.route.domain.routing import Capacity, Owner
from services.route.domain.working import ALWAYS, Away, Calendar, Minutes, Week

_ADDRESS = re.compile(r"[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+")
_SPAN = re.compile(r"(\d{1,2}):(\d\d) ?- ?(\d{1,2}):(\d\d)")
_MIDNIGHT = 24 * 60


@dataclass(slots=True)
class Owners:
    """The owners found so far, and the weight that each brings to a pool."""

    nodes: Nodes
    found: dict[str, Owner] = field(default_factory=dict)
    weights: dict[str, int] = field(default_factory=dict)

    def read(self, node: Node | None) -> None:
        """Reads the list of owners."""
        for item in self.nodes.items(node, "owners"):
            self._owner(item)
        if isinstance(node, SequenceNode) and not node.value:
            self.nodes.wrong(node, "owners is empty: somebody must get the leads")

    def _owner(self, item: Node) -> None:
        nodes = self.nodes
        has = nodes.fields(item, "an owner", shape.OWNER)
        id_ = nodes.word(has.get("id"), "an owner's id")
        if id_ in self.found:
            nodes.wrong(item, f"owner {id_} is there twice")
        email = nodes.text(has.get("email"), "email")
        if email and not _ADDRESS.fullmatch(email):
            nodes.wrong(has["email"], f"email of owner {id_} is no address")
        self.weights[id_] = nodes.number(has.get("weight"), "weight", shape.OWNER["properties"]["weight"]) or 1
        self.found[id_] = Owner(
            id=id_,
            name=nodes.text(has.get("name"), "name"),
            email=email,
            team=nodes.word(has["team"], "team") if "team" in has else None,
            timezone=nodes.text(has.get("timezone"), "timezone") or None,
            calendar=self._calendar(has, item, id_),
            capacity=self._capacity(has.get("capacity"), id_),
        )

    def _calendar(self, has: Mapping[str, Node], item: Node, id_: str) -> Calendar:
        zone = self._zone(has.get("timezone"))
        if "timezone" not in has and not has.keys().isdisjoint(("hours", "holidays", "away")):
            self.nodes.wrong(item, f"owner {id_} has hours or days off and no timezone. Example: Europe/Berlin")
        week = self._week(has["hours"], id_) if "hours" in has else ALWAYS
        return Calendar(zone, week, days_off=self._days_off(has.get("holidays")), away=self._away(has.get("away"), id_))

    def _zone(self, node: Node | None) -> ZoneInfo:
        name = self.nodes.text(node, "timezone") if node is not None else "UTC"
        try:
            return ZoneInfo(name or "UTC")
        except (ValueError, OSError, LookupError):
            close = meant(name, zoneinfo.available_timezones()) or ". Example: Europe/Berlin"
            self.nodes.wrong(node, f"there is no time zone {name}{close}")
            return ZoneInfo("UTC")

    def _week(self, node: Node, id_: str) -> Week:
        days: dict[int, tuple[Minutes, ...]] = {}
        for key_node, key, value in self.nodes.pairs(node, f"hours of {id_}"):
            first, _, last = key.partition("-")
            last = last or first
            if first not in shape.DAYS or last not in shape.DAYS or shape.DAYS.index(first) > shape.DAYS.index(last):
                self.nodes.wrong(key_node, f"hours of {id_}: {key} is no day of the week. Example: mon-fri")
                continue
            spans = self._spans(value, id_)
            for day in range(shape.DAYS.index(first), shape.DAYS.index(last) + 1):
                if day in days:
                    self.nodes.wrong(key_node, f"hours of {id_}: {shape.DAYS[day]} is there twice")
                days[day] = spans
        if not days:
            self.nodes.wrong(node, f"hours of {id_} has no day. Without hours the owner is always there")
        return tuple(days.get(day, ()) for day in range(7))

    def _spans(self, node: Node, id_: str) -> tuple[Minutes, ...]:
        spans: list[Minutes] = []
        for one in self.nodes.one_or_many(node):
            text = self.nodes.text(one, f"hours of {id_}")
            found = _SPAN.fullmatch(text)
            if found is None:
                if text:
                    self.nodes.wrong(one, f'hours of {id_}: {text} is no span of hours. Example: "09:00-17:00"')
                continue
            begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
            if max(int(found[2]), int(found[4])) > 59 or begin >= _MIDNIGHT or end > _MIDNIGHT:
                self.nodes.wrong(one, f"hours of {id_}: {text} is not on the clock (00:00 to 24:00)")
            elif begin >= end:
                self.nodes.wrong(
                    one,
                    f"hours of {id_}: {text} ends before it begins. Over midnight: until 24:00, and from 00:00 the next day",
                )
            elif any(begin < until and since < end for since, until in spans):
                self.nodes.wrong(one, f"hours of {id_}: {text} overlaps another span of the day")
            else:
                spans.append((begin, end))
        return tuple(sorted(spans))

    def _days_off(self, node: Node | None) -> Callable[[int], frozenset[int]]:
        codes: list[str] = []
        for one in self.nodes.one_or_many(node):
            code = self.nodes.text(one, "holidays")
            if code and code not in days_off.codes():
                close = meant(code, days_off.codes()) or ". Example: DE-BE"
                self.nodes.wrong(one, f"holidays: {code} is no country or subdivision that is known{close}")
            elif code:
                codes.append(code)
        return partial(days_off.of_all, tuple(codes))

    def _away(self, node: Node | None, id_: str) -> tuple[Away, ...]:
        found: list[Away] = []
        for item in self.nodes.items(node, f"away of {id_}"):
            has = self.nodes.fields(item, f"away of {id_}", shape.ABSENCE)
            first, last = (self.nodes.day(has.get(key), f"away of {id_}: {key}") for key in ("from", "to"))
            if first is None or last is None:
                continue
            if first > last:
                self.nodes.wrong(item, f"away of {id_} ends before it begins")
            found.append((first, last))
        return tuple(found)

    def _capacity(self, node: Node | None, id_: str) -> Capacity:
        has = self.nodes.fields(node, f"capacity of {id_}", shape.CAPACITY)
        if node is not None and not has:
            self.nodes.wrong(node, f"capacity of {id_} says nothing. Example: {{per_day: 20, open: 60}}")
        bounds = shape.CAPACITY["properties"]
        return Capacity(
            **{key: self.nodes.number(value, f"capacity of {id_}: {key}", bounds[key]) for key, value in has.items()}
        )
