"""Reading a routing document: YAML to a Routing, or every mistake at once with its line. What a document means is routing.py's.

The format is closed: a key that is not known is a mistake, and so is one whose meaning this version does not carry out (hours,
capacity, deadlines ...): nothing that somebody wrote down is ever ignored.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from services.route.domain.conditions import Condition, NotACondition, compiled, mentioned
from services.route.domain.routing import Member, Owner, Pool, Routing, Rule, Sticky, Target

FORMAT = 1
MAX_WEIGHT = 1000

_TOP = ("format", "id", "owners", "pools", "sticky", "rules", "lists", "when_nobody_is_free", "reject_reasons")
_TOP_NOT_YET = ("deadlines",)
_OWNER = ("id", "name", "email", "team", "timezone", "weight")
_OWNER_NOT_YET = ("hours", "holidays", "away", "capacity")
_RULE = ("id", "when", "to", "otherwise")
_MEMBER = ("owner", "weight")
_WORD = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_ADDRESS = re.compile(r"[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+")
_STICKY: dict[str, Sticky] = {"owner": "owner", "account": "account"}


class NotARouting(ValueError):
    """The document can't be used. `mistakes` has each of them as `file:line: what is wrong`, in the order of the lines."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def read(text: str, *, name: str, zones: Collection[str] = ()) -> Routing:
    """The document in `text`; `name` is what mistakes call the file, `zones` the time zones that exist (none given: not checked).

    Raises NotARouting with all mistakes.
    """
    reading = _Reading(name, zones)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        problem = getattr(error, "problem", None) or "can't be read"
        raise NotARouting([f"{name}:{line}: is no YAML: {problem}"]) from None
    routing = reading.document(root)
    if routing is None or reading.mistakes:
        raise NotARouting([f"{name}:{line}: {what}" for line, what in sorted(reading.mistakes)])
    return routing


class _Reading:
    """One reading of one document: where we are, and what was wrong so far."""

    def __init__(self, name: str, zones: Collection[str]) -> None:
        self.name = name
        self.zones = zones
        self.mistakes: list[tuple[int, str]] = []
        self.weights: dict[str, int] = {}

    def wrong(self, node: Node | None, what: str) -> None:
        self.mistakes.append((node.start_mark.line + 1 if node is not None else 1, what))

    # -- the parts ----------------------------------------------------------------------------------------------------

    def document(self, root: Node | None) -> Routing | None:
        if root is None:
            self.wrong(root, "the document is empty")
            return None
        top = self.fields(
            root, "the document", _TOP, not_yet=_TOP_NOT_YET, required=("format", "id", "owners", "rules")
        )
        if "format" in top and self.number(top["format"], "format") not in (FORMAT, None):
            self.wrong(top["format"], f"format must be {FORMAT}, the only one that this version reads")
        owners = self.owners(top.get("owners"))
        pools = self.pools(top.get("pools"), owners)
        rules = self.rules(top.get("rules"), owners, pools)
        return Routing(
            id=self.word(top.get("id"), "id"),
            owners=owners,
            pools=pools,
            rules=rules,
            sticky=self.sticky(top.get("sticky")),
            lists=self.lists(top.get("lists")),
            reject_reasons=tuple(
                self.word(item, "reject_reasons") for item in self.items(top.get("reject_reasons"), "reject_reasons")
            ),
            mentions=mentioned(rule.when for rule in rules),
            fallback=self.fallback(top.get("when_nobody_is_free"), owners, pools),
        )

    def owners(self, node: Node | None) -> dict[str, Owner]:
        owners: dict[str, Owner] = {}
        for item in self.items(node, "owners"):
            has = self.fields(item, "an owner", _OWNER, not_yet=_OWNER_NOT_YET, required=("id", "name", "email"))
            id_ = self.word(has.get("id"), "an owner's id")
            if id_ in owners:
                self.wrong(item, f"owner {id_} is there twice")
            email = self.text(has.get("email"), "email")
            if email and not _ADDRESS.fullmatch(email):
                self.wrong(has["email"], f"email of owner {id_} is no address")
            zone = self.text(has.get("timezone"), "timezone") or None
            if zone and self.zones and zone not in self.zones:
                self.wrong(has["timezone"], f"there is no time zone {zone}. Example: Europe/Berlin")
            self.weights[id_] = self.weight(has.get("weight"), 1)
            owners[id_] = Owner(
                id=id_,
                name=self.text(has.get("name"), "name"),
                email=email,
                team=self.word(has["team"], "team") if "team" in has else None,
                timezone=zone,
            )
        if node is not None and not owners and isinstance(node, SequenceNode):
            self.wrong(node, "owners is empty: somebody must get the leads")
        return owners

    def pools(self, node: Node | None, owners: Mapping[str, Owner]) -> dict[str, Pool]:
        pools: dict[str, Pool] = {}
        for id_, value in self.entries(node, "pools"):
            members: list[Member] = []
            for item in self.items(value, f"pool {id_}"):
                if isinstance(item, ScalarNode):
                    owner, weight = self.text(item, f"a member of pool {id_}"), None
                else:
                    has = self.fields(item, f"a member of pool {id_}", _MEMBER, required=("owner",))
                    owner, weight = self.text(has.get("owner"), "owner"), has.get("weight")
                if owner and owner not in owners:
                    self.wrong(item, f"pool {id_} names {owner}, who is not among the owners")
                if owner in (member.owner for member in members):
                    self.wrong(item, f"pool {id_} names {owner} twice")
                members.append(Member(owner, self.weight(weight, self.weights.get(owner, 1))))
            if not members and isinstance(value, SequenceNode):
                self.wrong(value, f"pool {id_} has no members")
            pools[id_] = Pool(id_, tuple(members))
        return pools

    def rules(self, node: Node | None, owners: Mapping[str, Owner], pools: Mapping[str, Pool]) -> tuple[Rule, ...]:
        rules: dict[str, Rule] = {}
        for item in self.items(node, "rules"):
            has = self.fields(item, "a rule", _RULE, required=("id", "when", "to"))
            id_ = self.word(has.get("id"), "a rule's id")
            if id_ in rules:
                self.wrong(item, f"rule {id_} is there twice")
            when = self.condition(has.get("when"), f"rule {id_}: when")
            to = self.target(has.get("to"), f"rule {id_}: to", owners, pools)
            otherwise = self.target(has.get("otherwise"), f"rule {id_}: otherwise", owners, pools)
            if when is not None and to is not None:
                rules[id_] = Rule(id=id_, when=when, to=to, otherwise=otherwise)
        return tuple(rules.values())

    def condition(self, node: Node | None, what: str) -> Condition | None:
        if node is None:
            return None
        # YAML makes a truth value of `when: true`; what it means is plain.
        source = node.value if isinstance(node, ScalarNode) else self.text(node, what)
        if not source:
            return None
        try:
            return compiled(source)
        except NotACondition as error:
            self.wrong(node, f"{what} {error}")
            return None

    def target(
        self, node: Node | None, what: str, owners: Mapping[str, Owner], pools: Mapping[str, Pool]
    ) -> Target | None:
        if node is None:
            return None
        has = self.fields(node, what, ("owner", "pool"))
        if len(has) != 1:
            if isinstance(node, MappingNode):
                self.wrong(node, f"{what} names one owner or one pool. Example: {{pool: world}}")
            return None
        if "owner" in has:
            owner = self.text(has["owner"], what)
            if owner not in owners:
                self.wrong(node, f"{what} names {owner}, who is not among the owners")
            return Target("owner", owner)
        pool = self.text(has["pool"], what)
        if pool not in pools:
            self.wrong(node, f"{what} names {pool}, which is not among the pools")
        return Target("pool", pool)

    def fallback(self, node: Node | None, owners: Mapping[str, Owner], pools: Mapping[str, Pool]) -> Target | None:
        if node is None:
            return None
        has = self.fields(node, "when_nobody_is_free", ("to",), not_yet=("wait",), required=("to",))
        return self.target(has.get("to"), "when_nobody_is_free: to", owners, pools)

    def sticky(self, node: Node | None) -> tuple[Sticky, ...]:
        found: list[Sticky] = []
        for item in self.items(node, "sticky"):
            word = _STICKY.get(self.text(item, "sticky"))
            if word is None or word in found:
                self.wrong(item, "sticky lists owner and account, each once at most")
            else:
                found.append(word)
        return tuple(found)

    def lists(self, node: Node | None) -> dict[str, tuple[str, ...]]:
        return {
            id_: tuple(self.text(item, f"lists.{id_}") for item in self.items(value, f"lists.{id_}"))
            for id_, value in self.entries(node, "lists")
        }

    # -- the shapes ---------------------------------------------------------------------------------------------------

    def fields(
        self,
        node: Node,
        what: str,
        known: Collection[str],
        *,
        not_yet: Collection[str] = (),
        required: Collection[str] = (),
    ) -> dict[str, Node]:
        """The known fields of a mapping; everything else in it is a mistake, and so is a required one that is not there."""
        found = dict(self.entries(node, what, known=known, not_yet=not_yet))
        for key in [key for key in found if key in not_yet]:
            self.wrong(found.pop(key), f"{what}: {key} is not supported by this version. Take it out")
        if isinstance(node, MappingNode):
            for key in required:
                if key not in found:
                    self.wrong(node, f"{what} has no {key}")
        return found

    def entries(
        self, node: Node | None, what: str, *, known: Collection[str] | None = None, not_yet: Collection[str] = ()
    ) -> list[tuple[str, Node]]:
        if node is None:
            return []
        if not isinstance(node, MappingNode):
            self.wrong(node, f"{what} must have keys and values")
            return []
        found: dict[str, Node] = {}
        for key_node, value in node.value:
            key = str(key_node.value) if isinstance(key_node, ScalarNode) else ""
            if known is not None and key not in known and key not in not_yet:
                self.wrong(key_node, f"{what}: {key or 'a key like this'} is unknown. Known: {', '.join(known)}")
            elif known is None and not _WORD.fullmatch(key):
                self.wrong(key_node, f"{what}: a name is lower case letters, digits, - and _. Example: dach")
            elif key in found:
                self.wrong(key_node, f"{what}: {key} is there twice")
            else:
                found[key] = value
        return list(found.items())

    def items(self, node: Node | None, what: str) -> list[Node]:
        if node is None:
            return []
        if not isinstance(node, SequenceNode):
            self.wrong(node, f"{what} must be a list")
            return []
        return list(node.value)

    def scalar(self, node: Node | None) -> Any:
        return yaml.SafeLoader("").construct_object(node) if isinstance(node, ScalarNode) else None

    def text(self, node: Node | None, what: str) -> str:
        """The text of a scalar. Without a node nothing is said: that it is missing was said already."""
        if node is None:
            return ""
        value = self.scalar(node)
        if not isinstance(value, str) or not value.strip() or "\x00" in value:
            self.wrong(node, f"{what} must be text (numbers and words like no and on need quotes)")
            return ""
        return value

    def word(self, node: Node | None, what: str) -> str:
        value = self.text(node, what)
        if value and not _WORD.fullmatch(value):
            self.wrong(node, f"{what} is lower case letters, digits, - and _, at most 64. Example: anna")
        return value

    def number(self, node: Node | None, what: str) -> int | None:
        value = self.scalar(node)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.wrong(node, f"{what} must be a whole number")
        return None

    def weight(self, node: Node | None, default: int) -> int:
        if node is None:
            return default
        value = self.number(node, "weight")
        if value is None:
            return default
        if not 1 <= value <= MAX_WEIGHT:
            self.wrong(node, f"weight is from 1 to {MAX_WEIGHT}")
            return default
        return value
