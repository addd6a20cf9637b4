"""Reading a routing document: YAML to a Routing, or every mistake at once with line and column. What a document means is routing.py's.

The format is closed: a key that is not known is a mistake, so nothing that somebody wrote down is ever ignored.
"""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from services.route.domain.document import rules, shape
from services.route.domain.document.nodes import Mistake, Nodes
from services.route.domain.document.owners import Owners
from services.route.domain.routing import Routing
from shared.documents.inforce import Unusable

FORMAT = 1


class NotARouting(Unusable):
    """The document can't be used. `found` has each mistake, `mistakes` each as `file:line:column: what is wrong`, in order."""

    def __init__(self, name: str, found: Sequence[Mistake]) -> None:
        self.found = tuple(sorted(set(found)))
        super().__init__([f"{name}:{one.line}:{one.column}: {one.says}" for one in self.found])


def read(text: str, *, name: str = "routing.yaml") -> Routing:
    """The document in `text`; `name` is what mistakes call the file. Raises NotARouting with all mistakes."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        raise NotARouting(name, [Mistake(line, column, f"is no YAML: {error.problem}")]) from None
    except (yaml.YAMLError, ValueError):
        raise NotARouting(name, [Mistake(1, 1, "is no YAML: it has characters that are no text")]) from None
    nodes = Nodes()
    routing = _routing(nodes, root)
    if routing is None or nodes.mistakes:
        raise NotARouting(name, nodes.mistakes)
    return routing


def _routing(nodes: Nodes, root: yaml.Node | None) -> Routing | None:
    if root is None:
        nodes.wrong(root, "the document is empty")
        return None
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
