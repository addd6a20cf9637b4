"""The topology as a Mermaid flowchart, and its place in the README. The rest of the README is written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shared.topology import OUTSIDE, TOPICS

BEGIN = "<!-- topology:begin -->"
END = "<!-- topology:end -->"

_SKELETON = f"""# Leadflow

An event-driven lead pipeline: from a form to a routed, explained handover, exactly once.

{BEGIN}
{END}
"""


def picture() -> str:
    """Who writes to which topic and who reads it: boxes are ours, rounded ones are not, thick lines are Kafka transactions."""
    return "\n".join(("```mermaid", "flowchart LR", *(f"  {line}" for line in _lines()), "```"))


def readme(current: str | None) -> str:
    """The README with the current picture between its markers; a skeleton where there is none yet.

    Raises ValueError when the markers are not there exactly once, in order.
    """
    text = _SKELETON if current is None else current
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"README.md must hold {BEGIN} and {END}, once each and in this order; put them back.")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{picture()}\n{END}{after}"


def _lines() -> Iterator[str]:
    parties = dict.fromkeys(name for topic in TOPICS for name in (*topic.written_by, *topic.read_by))
    for name in parties:
        yield f'{_id(name)}(["{name}"])' if name in OUTSIDE else f'{_id(name)}["{name}"]'
    for topic in TOPICS:
        yield f'{_id(topic.name)}[("{topic.name}")]'
    for topic in TOPICS:
        arrow = "==>" if topic.transactional else "-->"
        for writer in topic.written_by:
            yield f"{_id(writer)} {arrow} {_id(topic.name)}"
        for reader in topic.read_by:
            yield f"{_id(topic.name)} --> {_id(reader)}"


def _id(name: str) -> str:
    return re.sub(r"\W+", "_", name)
