"""The review queue: phone numbers that did not join by themselves, and why. Pure; what an operator makes of one is a ruling (judge.py)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from msgspec import Struct

from services.enrich.domain import binding
from services.enrich.domain.world import Changes, Identifier, Rank

_NAMESPACE = uuid.UUID("1c9ad1d1-8a3c-5a64-9d8c-6f2c4f6b0a11")


class Review(Struct, frozen=True, gc=False):
    """Two identifiers that an operator is asked about: are they one person? `rule`: names (they disagree) or limit (too many joined already). The
    event of `rank` named both first."""

    phone: str
    strong: str
    rule: str
    rank: Rank

    @property
    def review_id(self) -> str:
        """The same two, the same question: an answer holds for it whatever comes later."""
        return review_id(self.phone, self.strong)


def review_id(phone: str, strong: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{phone}\x1e{strong}"))


def look(changes: Changes, rows: Mapping[str, Identifier], phone: str, person: Mapping[str, str] | None = None) -> None:
    """Puts the number into the queue, or takes it out, by what is known of it and of its strong identifier; `person` says who each is, where that is
    known."""
    known = rows[phone]
    tie = binding.asked_about(known)
    strong = rows.get(tie.to) if tie is not None else None
    if tie is None or strong is None:
        return  # the strong identifier is not concerned, so nothing changes
    answered = any(other == tie.to for other, _ in binding.rulings(known))
    one = person is not None and person[phone] == person[tie.to]
    rule = binding.blocked(known, strong) if not answered and not one else None
    changes["review", phone] = Review(phone, tie.to, rule, tie.rank) if rule is not None else None
