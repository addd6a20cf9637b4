"""The pools, rules and deadlines of a routing document: who may get what, and when somebody else does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from services.route.domain.conditions import Condition, NotACondition, compiled
from services.route.domain.document import shape
from services.route.domain.document.nodes import Nodes
from services.route.domain.document.owners import Owners
from services.route.domain.names import meant
from services.route.domain.routing import Deadlines, Fallback, Member, Pool, Rule, Sticky, Target

_LIST = re.compile(r"[A-Za-z_]\w*")
_STICKY: dict[str, Sticky] = {"owner": "owner", "account": "account"}


@dataclass(slots=True)
class Rules:
    """Reads what names owners and pools."""

    nodes: Nodes
    owners: Owners
    pools: Mapping[str, Pool]
    lists: Mapping[str, tuple[str, ...]]

    def read(self, node: Node | None) -> tuple[Rule, ...]:
        """The rules in their order."""
        nodes = self.nodes
        rules: dict[str, Rule] = {}
        for item in nodes.items(node, "rules"):
            has = nodes.fields(item, "a rule", shape.RULE)
            id_ = nodes.word(has.get("id"), "a rule's id")
            if id_ in rules:
                nodes.wrong(item, f"rule {id_} is there twice")
            when = self.condition(has.get("when"), f"rule {id_}: when")
            to = self.target(has.get("to"), f"rule {id_}: to")
            otherwise = self.target(has.get("otherwise"), f"rule {id_}: otherwise")
            if when is not None and to is not None:
                rules[id_] = Rule(id=id_, when=when, to=to, otherwise=otherwise)
        return tuple(rules.values())

    def condition(self, node: Node | None, what: str) -> Condition | None:
        """A condition over what routing knows of a lead."""
        if node is None:
            return None
        # YAML makes a truth value of `when: true`; what it means is plain.
        source = node.value if isinstance(node, ScalarNode) else self.nodes.text(node, what)
        if not source:
            return None
        try:
            return compiled(source, lists=self.lists)
        except NotACondition as error:
            quote = 1 if isinstance(node, ScalarNode) and node.style in ("'", '"') else 0
            for flaw in error.flaws:
                self.nodes.wrong(node, f"{what} {flaw.says}", after=quote + flaw.at)
            return None

    def target(self, node: Node | None, what: str) -> Target | None:
        """One owner or one pool that is there."""
        has = self.nodes.fields(node, what, shape.TARGET)
        if len(has) != 1:
            if isinstance(node, MappingNode):
                self.nodes.wrong(node, f"{what} names one owner or one pool. Example: {{pool: world}}")
            return None
        if "owner" in has:
            return Target("owner", self.owner(has["owner"], what))
        pool = self.nodes.text(has["pool"], what)
        if pool and pool not in self.pools:
            self.nodes.wrong(has["pool"], f"{what} names {pool}, which is not among the pools{meant(pool, self.pools)}")
        return Target("pool", pool)

    def owner(self, node: Node, what: str) -> str:
        """The id of an owner that is there."""
        return known_owner(self.nodes, self.owners, node, what)

    def fallback(self, node: Node | None) -> Fallback | None:
        """Who takes what nobody is free for."""
        has = self.nodes.fields(node, "when_nobody_is_free", shape.FALLBACK)
        to = self.target(has.get("to"), "when_nobody_is_free: to")
        wait = self.nodes.duration(has.get("wait"), "when_nobody_is_free: wait", units="smhdw")
        return Fallback(to, wait or timedelta()) if to is not None else None

    def deadlines(self, node: Node | None) -> Deadlines:
        """How soon owners must act."""
        nodes = self.nodes
        has = nodes.fields(node, "deadlines", shape.DEADLINES)
        times = {
            key: nodes.duration(has.get(key), f"deadlines: {key}, in working time,", units="smh")
            for key in ("accept", "contact")
        }
        for key, time in times.items():
            if time == timedelta():
                nodes.wrong(has[key], f"deadlines: {key} must be longer than nothing")
        attempts = nodes.number(has.get("attempts"), "deadlines: attempts", shape.DEADLINES["properties"]["attempts"])
        escalate_to = self.owner(has["escalate_to"], "deadlines: escalate_to") or None if "escalate_to" in has else None
        return Deadlines(
            accept=times["accept"], contact=times["contact"], attempts=attempts or 1, escalate_to=escalate_to
        )


def known_owner(nodes: Nodes, owners: Owners, node: Node, what: str) -> str:
    """The id of an owner that is there."""
    owner = nodes.text(node, what)
    if owner and owner not in owners.found:
        nodes.wrong(node, f"{what} names {owner}, who is not among the owners{meant(owner, owners.found)}")
    return owner


def pools(nodes: Nodes, owners: Owners, node: Node | None) -> dict[str, Pool]:
    """The pools and their members. A weight in the pool goes before the owner's own."""
    found: dict[str, Pool] = {}
    for id_, value in nodes.named(node, "pools"):
        members: dict[str, Member] = {}
        for item in nodes.items(value, f"pool {id_}"):
            if isinstance(item, ScalarNode):
                owner, weight = known_owner(nodes, owners, item, f"pool {id_}"), None
            else:
                has = nodes.fields(item, f"a member of pool {id_}", shape.MEMBER)
                owner = known_owner(nodes, owners, has["owner"], f"pool {id_}") if "owner" in has else ""
                weight = nodes.number(has.get("weight"), "weight", shape.MEMBER["properties"]["weight"])
            if owner in members:
                nodes.wrong(item, f"pool {id_} names {owner} twice")
            members[owner] = Member(owner, weight or owners.weights.get(owner, 1))
        if isinstance(value, SequenceNode) and not value.value:
            nodes.wrong(value, f"pool {id_} has no members")
        found[id_] = Pool(id_, tuple(members.values()))
    return found


def sticky(nodes: Nodes, node: Node | None) -> tuple[Sticky, ...]:
    """Whose earlier owners come first, in order."""
    found: list[Sticky] = []
    for item in nodes.items(node, "sticky"):
        word = _STICKY.get(nodes.text(item, "sticky"))
        if word is None or word in found:
            nodes.wrong(item, "sticky lists owner and account, each once at most")
        else:
            found.append(word)
    return tuple(found)


def lists(nodes: Nodes, node: Node | None) -> dict[str, tuple[str, ...]]:
    """Texts for conditions, by name."""
    found: dict[str, tuple[str, ...]] = {}
    for id_, value in nodes.named(node, "lists"):
        if not _LIST.fullmatch(id_):
            nodes.wrong(value, f"lists: {id_} could not be named in a condition: letters, digits and _, no digit first")
        found[id_] = tuple(nodes.text(item, f"lists.{id_}") for item in nodes.items(value, f"lists.{id_}"))
    return found
