"""Whoever has a public key can post ever new ids, fields and words under somebody's address: what they hang on the lead has an end, and which of it
stays follows from the posts alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import consent, profile
from services.enrich.domain.limits import LIMITS
from shared import contracts
from shared.topology import ENRICHED
from tests.unit.enrich.memory import Memory, event

ADA = "ada@acme.example"


def post(number: int, *, at: timedelta | float, size: int = 1, **fields: Any) -> dict[str, Any]:
    """A form under Ada's address with ids, fields and purposes that nobody has seen before, and all others of the same post."""
    return event(
        f"flood{number}",
        at=at,
        email=ADA,
        user_id=f"u{number}",
        anonymous_id=f"c{number}",
        consent={"purposes": {f"p{number}-{one}": True for one in range(size)}, "text": "May we? " * size * 50},
        traits={
            "phone": f"+4915112{number:06}",
            "external_ids": {f"own{number}-{one}": f"k{number}-{one}" for one in range(size)},
            **{f"field{number}-{one}": "x" * size * 40 for one in range(size)},
        },
        **fields,
    )


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_stays_of_a_flood_follows_from_the_posts_whatever_their_order(seed: int) -> None:
    chance = random.Random(seed)
    posts = [post(one, at=chance.randint(0, 6), size=chance.randint(1, 2)) for one in range(chance.randint(2, 9))]
    posts += [event(f"id{one}", at=10, traits={"external_ids": {f"own{one}-0": f"k{one}-0"}}) for one in range(9)]
    ends = []
    with (
        patch.multiple(LIMITS, systems=3, identifiers=3, an_hour=2),
        patch.multiple(profile, OWN_FIELDS=4),
        patch.multiple(consent, WORDS=5),
    ):
        for _ in range(2):
            memory = Memory()
            for batch in _batches(chance, [*posts, *chance.choices(posts, k=2)]):
                assert memory.batch(batch) == []
            rows = {name: getattr(row, "ties", None) for name, row in memory.identifiers.items()}
            ends.append((memory.people(), memory.states(), rows))
    assert ends[0] == ends[1]


def test_a_flood_under_an_address_has_an_end_and_the_person_is_heard_after_it() -> None:
    memory = Memory()
    memory.batch([event("before", email=ADA, traits={"hubspot_id": "7", "external_ids": {"crm2": "a"}})])
    for number in range(60):
        # Some of it says that it happened before all that is known.
        assert memory.batch([post(number, at=number if number % 6 else -number, size=20)]) == []
    memory.sent.clear()
    later = event(
        "after",
        at=100,
        email=ADA,
        consent={"purposes": {"marketing_email": True}, "text": "Yes, write to me."},
        traits={"company": "Acme GmbH", "favourite": "red"},
    )
    assert memory.batch([later, event("by id", at=101, traits={"hubspot_id": "7"})]) == []

    assert memory.lead_of("after") == memory.lead_of("before") == memory.lead_of("by id")
    ties = memory.identifiers[f"email\x1f{ADA}"].ties
    assert len(ties) <= LIMITS.systems + LIMITS.identifiers + 5
    (last,) = [sent.data for sent in memory.sent[-1:] if isinstance(sent.data, contracts.Enriched)]
    shown = last.profile
    assert shown.company
    assert shown.custom
    assert shown.consent
    assert shown.external_ids
    assert (shown.company.name, shown.custom["favourite"]) == ("Acme", "red")
    assert shown.consent["marketing_email"].given
    assert shown.external_ids["hubspot"] == "7"
    assert len(shown.external_ids) <= LIMITS.systems + 1
    assert len(shown.custom) <= profile.OWN_FIELDS
    for sent in memory.sent:
        assert len(contracts.encode(sent.data)) < ENRICHED.max_message_bytes / 2


def _batches(chance: random.Random, events: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    coming, batches = chance.sample(events, k=len(events)), []
    while coming:
        size = chance.choice((1, 2, len(coming)))
        batches.append(coming[:size])
        coming = coming[size:]
    return batches
