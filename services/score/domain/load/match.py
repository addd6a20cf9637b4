"""Two parts of an engagement rule's text to values: `match`, with its globs, and `limit`. The rest of a rule is in load.py."""

from __future__ import annotations

import re

from yaml.nodes import Node, ScalarNode, SequenceNode

from services.score.domain import vocabulary
from services.score.domain.document import Document
from services.score.domain.ruleset import FieldTest, Limit

LIMIT = re.compile(
    r"(?:(?P<once>once)|(?P<count>[1-9]\d{0,5}) per (?:(?P<period>day|week|month)|(?P<spacing>\S+)))(?: by (?P<by>[\w.]+))?"
)


def read_limit(doc: Document, node: Node | None, rule: str) -> Limit | None:
    """Which of the activities that match count; None where there is no limit."""
    text = doc.text(node, f"`limit` of {rule}")
    if node is None or not text:
        return None
    found = LIMIT.fullmatch(text)
    if found is None:
        doc.note(
            node,
            f"`limit: {text}` of {rule} is no limit; it takes `once`, `N per day|week|month` or `1 per 30d`, each also with `by` "
            "and a field of the activity",
        )
        return None
    by = tuple(found["by"].split(".")) if found["by"] else ()
    if by and (mistake := vocabulary.mistake_in(("activity", *by), vocabulary.ON_ACTIVITY)):
        doc.note(node, f"`limit` of {rule}: {mistake}")
    spacing = 0
    if found["spacing"]:
        seconds = doc.seconds(ScalarNode("", found["spacing"], node.start_mark), f"`limit` of {rule}")
        if found["count"] != "1" or seconds <= 0:
            doc.note(
                node, f"`limit: {text}` of {rule}: for a duration it takes 1 (at least so long between two that count)"
            )
        spacing = round(seconds * 1_000_000)
    return Limit(int(found["count"] or 1), found["period"], spacing, by)


def read_match(doc: Document, node: Node, rule: str) -> tuple[FieldTest, ...]:
    """The tests of a `match`: each key a field of an activity, each value a value, a glob, or a list of them."""
    tests = []
    for key, (key_node, value) in doc.entries(node, f"`match` of {rule}").items():
        path = tuple(key.split("."))
        if mistake := vocabulary.mistake_in(("activity", *path), vocabulary.ON_ACTIVITY):
            doc.note(key_node, f"`match` of {rule}: {mistake}")
        nodes = value.value if isinstance(value, SequenceNode) else [value]
        if not nodes or not all(isinstance(one, ScalarNode) for one in nodes):
            doc.note(value, f"`match` of {rule}: {key} must be a value or a list of values")
            continue
        values = [doc.plain(one) for one in nodes]
        globs = [one for one in values if isinstance(one, str) and ("*" in one or "?" in one)]
        pattern = re.compile("|".join(map(_glob, globs)), re.DOTALL) if globs else None
        tests.append(FieldTest(path, tuple(one for one in values if one not in globs), pattern))
    if not tests:
        doc.note(node, f"`match` of {rule} is empty: it needs at least one field, for example kind")
    return tuple(tests)


def _glob(text: str) -> str:
    """A glob as a regular expression: `*` is any text, `?` any one character, everything else itself."""
    return "".join(".*" if one == "*" else "." if one == "?" else re.escape(one) for one in text)
