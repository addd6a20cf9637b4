"""Reading a routing document: YAML to a Routing, or every mistake at once with line and column. What a document means is routing.py's.

The format is closed: a key that is not known is a mistake, so nothing that somebody wrote down is ever ignored.
"""

from __future__ import annotations

import yaml

from services.route.domain.document import rules, shape
from services.route.domain.document.nodes import Nodes, Unreadable, composed
from services.route.domain.document.owners import Owners
from services.route.domain.routing import Routing

FORMAT = 1


def read(text: str, *, name: str = "routing.yaml") -> Routing:
    """The document in `text`; `name` is what mistakes call the file. Raises Unreadable with all mistakes."""
    root = composed(text, name=name)
    nodes = Nodes()
    routing = _routing(nodes, root)
    if nodes.mistakes:
        raise Unreadable(name, nodes.mistakes)
    return routing


def _routing(nodes: Nodes, root: yaml.Node) -> Routing:
    top = nodes.fields(root, "the document", shape.DOCUMENT)
    if "format" in top and nodes.scalar(top["format"]) != FORMAT:
        nodes.wrong(top["format"], f"format must be {FORMAT}, the only one that this version reads")
    owners = Owners(nodes)
    owners.read(top.get("owners"))
    pools = rules.pools(nodes, owners, top.get("pools"))
    lists = rules.lists(nodes, top.get("lists"))
    reader = rules.Rules(nodes, owners, pools, lists)
    found = reader.read(top.get("rules"))
    return Routing(
        id=nodes.word(top.get("id"), "id"),
        owners=owners.found,
        pools=pools,
        rules=found,
        sticky=rules.sticky(nodes, top.get("sticky")),
        lists=lists,
        reject_reasons=tuple(
            nodes.word(item, "reject_reasons") for item in nodes.items(top.get("reject_reasons"), "reject_reasons")
        ),
        mentions=frozenset(path[0] for rule in found for path in rule.when.paths),
        fallback=reader.fallback(top.get("when_nobody_is_free")),
        deadlines=reader.deadlines(top.get("deadlines")),
    )
