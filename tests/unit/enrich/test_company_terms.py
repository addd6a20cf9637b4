"""The short way through cleanco gives what cleanco gives."""

from __future__ import annotations

import cleanco
from cleanco import clean
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.domain.company import _without_legal_form

WORDS = st.sampled_from(
    [
        *(" ".join(words) for _, words in clean.prepare_default_terms()),
        *("Acme", "Müller", "&", "Co.", "S.A.", "GmbH", "Ltd.", "(UK)", "Søns", "-", "AG,", "sp. z o.o.", "Holding"),
    ]
)


@given(st.lists(WORDS, max_size=5).map(" ".join))
def test_leaving_out_terms_that_cannot_match_changes_nothing(name: str) -> None:
    assert _without_legal_form(name) == cleanco.basename(name)
