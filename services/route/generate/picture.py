"""The states of a handover as a Mermaid diagram, drawn from the table in domain/lifecycle.py, and its place in the README."""

from __future__ import annotations

from services.route.domain.lifecycle import NEXT, TAKEN_BACK, State

BEGIN = "<!-- handover:begin -->"
END = "<!-- handover:end -->"

Step = tuple[State, State]


def steps() -> set[Step]:
    """Every step that the table allows, by an outcome or without one."""
    by_outcome = {(before, after) for before, following in NEXT.items() for after in following}
    return by_outcome | {(before, after) for after, all_ in TAKEN_BACK.items() for before in all_}


def drawn() -> list[Step]:
    """The steps that are no short cut of others: whoever follows these arrows, one or many at once, takes exactly the steps of the table."""
    every = steps()
    short_cuts = {(before, after) for before, via in every for first, after in every if via is first}
    order = list(State)
    return sorted(every - short_cuts, key=lambda step: (order.index(step[0]), order.index(step[1])))


def picture() -> str:
    """The diagram: where a handover begins, how it goes on, and where it ends."""
    ends = [state for state in State if not NEXT[state]]
    lines = [
        "[*] --> offered",
        *(f"{before.value} --> {after.value}" for before, after in drawn()),
        *(f"{state.value} --> [*]" for state in ends),
    ]
    return "\n".join(("```mermaid", "stateDiagram-v2", *(f"  {line}" for line in lines), "```"))


def readme(text: str) -> str:
    """The README with the current picture between its markers. Raises ValueError when they are not there once each, in order."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"README.md must hold {BEGIN} and {END}, once each and in this order; put them back.")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{picture()}\n{END}{after}"
