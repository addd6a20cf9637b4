"""What hinders nothing in a routing document, but is hardly meant: what is never reached or never used, and leads that nobody may get."""

from __future__ import annotations

from collections.abc import Iterator

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from services.route.domain.document.nodes import Mistake
from services.route.domain.routing import Routing, Target


def odd(text: str, routing: Routing) -> list[Mistake]:
    """Each odd thing with its place, in order. `text` is the document that could be read as `routing`."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, MappingNode)  # it could be read
    return sorted(_odd({key.value: (key, value) for key, value in root.value}, routing))


def _odd(top: dict[str, tuple[Node, Node]], routing: Routing) -> Iterator[Mistake]:
    catches = next((number for number, rule in enumerate(routing.rules) if rule.when.source.strip() == "true"), None)
    if catches is None and routing.fallback is None:
        yield _at(
            top["rules"][0], "no rule takes every lead: what none takes waits in the queue until somebody assigns it"
        )
    for rule in routing.rules[catches + 1 :] if catches is not None else ():
        node = _entry(top["rules"][1], rule.id)
        yield _at(node, f"rule {rule.id} is never reached: {routing.rules[catches or 0].id} takes every lead before it")
    targets = [target for rule in routing.rules for target in (rule.to, rule.otherwise) if target is not None]
    if routing.fallback is not None:
        targets.append(routing.fallback.to)
    for pool in routing.pools:
        if Target("pool", pool) not in targets:
            yield _at(_key(top["pools"][1], pool), f"pool {pool} gets nothing: no rule names it")
    members = {member.owner for pool in routing.pools.values() for member in pool.members}
    named = {target.id for target in targets if target.kind == "owner"}
    for owner in routing.owners.keys() - members - named - {routing.deadlines.escalate_to}:
        yield _at(_entry(top["owners"][1], owner), f"owner {owner} gets nothing new: no pool and no rule names them")


def _entry(node: Node, id_: str) -> Node:
    """The entry of a list whose `id` this is."""
    for item in node.value if isinstance(node, SequenceNode) else ():
        if isinstance(item, MappingNode) and any(k.value == "id" and v.value == id_ for k, v in item.value):
            return item
    return node


def _key(node: Node, name: str) -> Node:
    for key, _ in node.value if isinstance(node, MappingNode) else ():
        if isinstance(key, ScalarNode) and key.value == name:
            return key
    return node


def _at(node: Node, says: str) -> Mistake:
    return Mistake(node.start_mark.line + 1, node.start_mark.column + 1, says)
