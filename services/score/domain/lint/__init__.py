"""All that can be said against a ruleset's document before it is used: mistakes, and what does nothing or not what it seems to.

What is said of a document's meaning is proven, never guessed: a rule is only said never to match where no activity could.
"""

from __future__ import annotations

from services.score.domain.document import Mistake, Wrong, compose, in_order
from services.score.domain.example import failures
from services.score.domain.inforce import InForce
from services.score.domain.lint import bounds, rules
from services.score.domain.lint.place import Looking
from services.score.domain.load import read


def lint(text: str, *, source: str) -> tuple[Mistake, ...]:
    """Everything there is to say, in the document's order; nothing where it is fine. Its own examples are run if nothing hinders that."""
    try:
        root = compose(text, source)
    except Wrong as wrong:
        return wrong.mistakes
    ruleset, mistakes = read(root, text)
    looking = Looking(root, ruleset, text)
    rules.look(looking)
    if not mistakes:
        bounds.look(looking)
        mistakes = list(failures(InForce(ruleset)))
    # A line that could not be read says nothing of its meaning.
    wrong_lines = {one.line for one in mistakes if one.hinders}
    return in_order([*mistakes, *(one for one in looking.doc.mistakes if one.line not in wrong_lines)])
