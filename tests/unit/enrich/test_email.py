"""E-mail addresses: sendable form, match key, kind; and what is none."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from disposable_email_domains import blocklist
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import claims, email
from services.enrich.domain.tables import DATA, rows, words
from shared.contracts import Email
from tests.unit.enrich.cases import absent, cases

_CASES = cases("email")
_ADDRESSES = st.from_regex(
    r"[a-zA-Z0-9._+-]{1,12}@([a-z0-9-]{1,8}\.)?[a-z0-9.-]{1,8}\.(de|com|example)"
    r"|[A-Za-z.+-]{1,9}@(gmail\.com|googlemail\.com|me\.com|yahoo\.de|outlook\.com|fastmail\.fm)",
    fullmatch=True,
)


def test_there_are_enough_cases() -> None:
    assert len(_CASES) >= 60


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case[0])
def test_an_address_is_what_its_source_says(case: tuple[str, ...]) -> None:
    raw, address, match, kind, _ = map(absent, case)

    found = email.read(raw or "")

    assert (
        (found.address, found.match, found.kind) == (address, match, kind) if found else (address, kind) == (None, None)
    )


@settings(deadline=None, max_examples=60)
@given(_ADDRESSES)
def test_the_fast_path_takes_no_address_that_the_library_refuses(raw: str) -> None:
    read = email.read(raw)
    try:
        expected = validate_email(raw, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        assert read is None
    else:
        assert read is not None
        assert read.address == f"{expected.local_part}@{expected.ascii_domain}"


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=30) | _ADDRESSES | st.text(max_size=8).map(lambda text: f"{text}@acme.example"))
def test_any_text_is_an_address_or_none_and_reading_an_address_again_changes_nothing(raw: str) -> None:
    found = email.read(raw)
    if found is not None:
        again, matched = email.read(found.address), email.read(found.match)
        assert again == found
        assert matched is not None
        assert matched.match == found.match


def test_each_domain_stands_once_and_on_no_list_that_would_go_first() -> None:
    counted = Counter(domain for line in rows(DATA / "mailboxes.tsv") for domain in words(line[3]))
    kinds = Counter(domain for line in rows(DATA / "mail.tsv") if line[0] != "role" for domain in words(line[1]))

    assert {domain for domain, times in (counted | kinds).items() if times > 1} == set()
    assert (counted | kinds).keys() & blocklist == set()
    assert {line[0] for line in rows(DATA / "mail.tsv")} <= set(email.KINDS)


def test_an_operators_lines_count_before_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(email, "_listed", dict(email._listed))
    monkeypatch.setattr(email, "_roles", set(email._roles))
    own = tmp_path / "mail.tsv"
    own.write_text("business\tmailinator.com, gmx.de\tpartners\nperson\tjobs\nrole\tVersandhaus\nfree\tuni.example\n")

    email.add(rows(own))

    def kind(address: str) -> str | None:
        found = email.read(address)
        return found.kind if found is not None else None

    assert [kind(f"jo@{domain}") for domain in ("mailinator.com", "gmx.de", "uni.example")] == [
        "business",
        "business",
        "free",
    ]
    assert (kind("jobs@acme.example"), kind("versandhaus@acme.example")) == ("business", "role")


def test_what_was_given_stays_where_it_differs_from_what_can_be_sent_to() -> None:
    def said(raw: str) -> object:
        return claims.read(kind="form", name="x", traits={"email": raw}, context=None, test=False).claims["email"].value

    assert said("jo@acme.example") == Email(address="jo@acme.example", kind="business", domain="acme.example")
    assert said("Jo <jo@Müller.example>") == Email(
        address="jo@xn--mller-kva.example",
        given="Jo <jo@Müller.example>",
        kind="business",
        domain="xn--mller-kva.example",
    )
    assert said("jo@@acme") == Email(address="jo@@acme", kind="invalid")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    email.read.cache_clear()
