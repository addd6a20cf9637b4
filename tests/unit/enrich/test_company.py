"""Companies: names without legal form, domains as accounts; the short ways round cleanco and the public suffix list give what those give."""

from __future__ import annotations

from pathlib import Path

import cleanco
import pytest
from cleanco import clean
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import claims, company, domains
from services.enrich.domain.company import _without_legal_form, bare
from services.enrich.domain.tables import rows
from tests.unit.enrich.cases import absent, cases

WORDS = st.sampled_from(
    [
        *(" ".join(words) for _, words in clean.prepare_default_terms()),
        *("Acme", "Müller", "&", "Co.", "S.A.", "GmbH", "Ltd.", "(UK)", "Søns", "-", "AG,", "sp. z o.o.", "Holding"),
    ]
)


@given(st.lists(WORDS, max_size=5).map(" ".join))
def test_leaving_out_terms_that_cannot_match_changes_nothing(name: str) -> None:
    assert _without_legal_form(name) == cleanco.basename(name)


@settings(deadline=None, max_examples=100)
@given(st.lists(WORDS, max_size=5).map(" ".join) | st.text(max_size=30))
def test_a_name_without_legal_form_stays_as_it_is_and_is_never_nothing(name: str) -> None:
    found = bare(name)

    assert (found is None) == (not " ".join(name.split()).strip(" ,;"))
    if found is not None:
        assert bare(found) == found


@settings(deadline=None, max_examples=100)
@given(st.lists(WORDS, max_size=5).map(lambda words: " ".join(["Acme Tools", *words])))
def test_the_short_way_takes_off_all_that_the_long_one_does(name: str) -> None:
    short = bare(name)
    assert short is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(company, "_alone", {})
        patch.setattr(company, "_may_be_shorter", lambda _: True)
        long = bare.__wrapped__(name)
        # cleanco may stop at half of a form where two stand together (sa de cv aps); the short way takes them one by one.
        assert long is not None
        assert long.startswith(short)
        assert bare.__wrapped__(short) == short


_CASES = cases("companies")


def test_there_are_enough_cases() -> None:
    assert len(_CASES) >= 60


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case[0])
def test_a_name_is_what_its_source_says(case: tuple[str, ...]) -> None:
    name, expected, _ = map(absent, case)
    assert bare(name or "") == expected


def test_an_operators_lines_count_beside_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(company, "_ends", {})
    own = tmp_path / "legal_forms.tsv"
    own.write_text("end\tXX\tVerbund\n")

    company.add(rows(own))

    assert bare("Acme Verbund") == "Acme"
    bare.cache_clear()


@pytest.mark.parametrize(
    ("website", "domain"),
    [
        ("https://www.shop.acme.co.uk/x", "acme.co.uk"),
        ("acme.github.io", "acme.github.io"),
        ("https://www.linkedin.com/company/acme", None),
        ("linkedin.com", "linkedin.com"),
        ("facebook.com/acme", None),
        ("https://www.amazon.de/shops/acme", None),
        ("www.gmail.com", None),
        ("mailinator.com", None),
        ("no site", None),
    ],
)
def test_only_a_companys_own_website_is_the_key_of_its_account(website: str, domain: str | None) -> None:
    assert company.domain_of(website) == domain


def test_a_providers_mailbox_is_no_account_even_when_it_is_a_role() -> None:
    def domain(address: str) -> object:
        said = claims.read(kind="form", name="x", traits={"email": address}, context=None, test=False).claims
        return said["company.domain"].value if "company.domain" in said else None

    assert [domain(f"info@{host}") for host in ("mail.acme.co.uk", "gmail.com", "x.mailinator.com")] == [
        "acme.co.uk",
        None,
        None,
    ]


_LABELS = st.sampled_from(
    ["", "a", "acme", "co", "com", "uk", "ck", "www", "kobe", "city", "jp", "de", "github", "io", "er", "xn--p1ai"]
)


@given(
    st.lists(_LABELS, max_size=4).map(".".join)
    | st.sampled_from(sorted(domains._rules)).map(lambda rule: rule.lstrip("!*."))
)
def test_a_domain_of_two_labels_is_judged_as_the_list_judges_it(domain: str) -> None:
    assert domains.registrable(domain) == (domains._suffixes.privatesuffix(domain) or None)


@pytest.mark.parametrize(
    ("text", "employees"),
    [("120", 120), ("51-200", 51), ("1.000+", 1000), ("5²-10", 5), ("٣", 3), ("①", None), ("x", None)],
)
def test_a_size_is_its_lower_end_whatever_passes_for_a_digit(text: str, employees: int | None) -> None:
    assert company.size(text) == employees
