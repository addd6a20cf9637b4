"""The short ways round cleanco and the public suffix list give what those give."""

from __future__ import annotations

import cleanco
from cleanco import clean
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.domain import domains
from services.enrich.domain.company import _LEFT_ON, _without_legal_form, bare

WORDS = st.sampled_from(
    [
        *(" ".join(words) for _, words in clean.prepare_default_terms()),
        *("Acme", "Müller", "&", "Co.", "S.A.", "GmbH", "Ltd.", "(UK)", "Søns", "-", "AG,", "sp. z o.o.", "Holding"),
    ]
)


@given(st.lists(WORDS, max_size=5).map(" ".join))
def test_leaving_out_terms_that_cannot_match_changes_nothing(name: str) -> None:
    assert _without_legal_form(name) == cleanco.basename(name)


@given(
    st.lists(WORDS, min_size=1, max_size=4).map(" ".join),
    st.sampled_from([" GmbH", " gmbh", " GMBH", ", GmbH", ",GmbH", " gGmbH"]),
)
def test_the_usual_german_ending_is_taken_off_as_the_pattern_takes_it(name: str, end: str) -> None:
    tidy = " ".join((name + end).split()).strip(" ,;")
    left = _LEFT_ON.sub("", tidy).strip(" ,;")

    assert bare(name + end) == (_without_legal_form(left or tidy).strip(" ,;-&") or tidy)


_LABELS = st.sampled_from(
    ["", "a", "acme", "co", "com", "uk", "ck", "www", "kobe", "city", "jp", "de", "github", "io", "er", "xn--p1ai"]
)


@given(
    st.lists(_LABELS, max_size=4).map(".".join)
    | st.sampled_from(sorted(domains._rules)).map(lambda rule: rule.lstrip("!*."))
)
def test_a_domain_of_two_labels_is_judged_as_the_list_judges_it(domain: str) -> None:
    assert domains.registrable(domain) == (domains._suffixes.privatesuffix(domain) or None)
