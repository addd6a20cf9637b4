"""Two parts of an engagement rule's text to values: `match`, with its globs, and `limit`. The rest of a rule is in load.py."""

from __future__ import annotations

import re

from yaml.nodes import Node, ScalarNode, SequenceNode

from services.score.domain import vocabulary
from services.score.domain.document import Document
from services.score.domain.ruleset import FieldTest

_PER_DAY = re.compile(r"([1-9]\d{0,5}) per day")
_LATER = re.compile(r"(?:once|[1-9]\d* per (?:day|week|month)|1 per [1-9]\d*[smhdw])(?: by [\w.]+)?")


def read_limit(doc: Document, node: Node | None, rule: str) -> tuple[bool, int | None]:
    """Whether a rule counts once, and how often a day; (False, None) where there is no limit."""
    limit = doc.text(node, f"`limit` of {rule}")
    if node is None or not limit or limit == "once":
        return limit == "once", None
    if fits := _PER_DAY.fullmatch(limit):
        return False, int(fits[1])
    why = "is not supported yet" if _LATER.fullmatch(limit) else "is no limit"
    doc.note(node, f"`limit: {limit}` of {rule} {why}; it takes `once` or `N per day`")
    return False, None


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
