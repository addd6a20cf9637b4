"""What a mutation is. The mutations themselves are beside this, by what they break."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutation:
    """One safeguard and how it is broken. `old` stands exactly once in `file`, else the mutation itself is out of date.

    `tests` are run in order until one is red.
    """

    name: str
    file: str
    old: str
    new: str
    in_life: str
    tests: tuple[str, ...]
