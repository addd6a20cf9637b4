"""E-mail, phone, name, company, country, channel: what is made of what people write."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import channel, claims, company, country, domains, email, person, phone
from shared.contracts import Campaign


@pytest.mark.parametrize(
    ("raw", "address", "match", "kind"),
    [
        ("Jo@Acme.Example", "Jo@acme.example", "jo@acme.example", "business"),
        (" mailto:jo@acme.example ", "jo@acme.example", "jo@acme.example", "business"),
        ("Jo.Doe+news@googlemail.com", "Jo.Doe+news@googlemail.com", "jodoe@gmail.com", "free"),
        ("jo.doe+news@outlook.com", "jo.doe+news@outlook.com", "jo.doe@outlook.com", "free"),
        ("jo+news@acme.example", "jo+news@acme.example", "jo+news@acme.example", "business"),
        ("jo@mailinator.com", "jo@mailinator.com", "jo@mailinator.com", "disposable"),
        ("jo@any.mailinator.com", "jo@any.mailinator.com", "jo@any.mailinator.com", "disposable"),
        ("info@acme.example", "info@acme.example", "info@acme.example", "role"),
        ("x@privaterelay.appleid.com", "x@privaterelay.appleid.com", "x@privaterelay.appleid.com", "relay"),
        ("jo@müller.example", "jo@xn--mller-kva.example", "jo@xn--mller-kva.example", "business"),
        ("Jo Doe <jo@acme.example>", "jo@acme.example", "jo@acme.example", "business"),
    ],
)
def test_an_address_has_a_sendable_form_a_match_key_and_a_kind(raw: str, address: str, match: str, kind: str) -> None:
    read = email.read(raw)

    assert read is not None
    assert (read.address, read.match, read.kind) == (address, match, kind)


@pytest.mark.parametrize("raw", ["", "jo", "jo@", "@acme.example", "jo@acme", "jo@localhost", "a..b@acme.example", "jo@[127.0.0.1]", "jo@acme.invalid", "a@b@c.example", "x" * 65 + "@acme.example"])  # fmt: skip
def test_what_is_no_address_is_none(raw: str) -> None:
    assert email.read(raw) is None


@settings(deadline=None)
@given(st.from_regex(r"[a-z0-9._+-]{1,12}@[a-z0-9.-]{1,12}\.(de|com|example)", fullmatch=True))
def test_the_fast_path_takes_no_address_that_the_library_refuses(raw: str) -> None:
    from email_validator import EmailNotValidError, validate_email

    read = email.read(raw)
    try:
        expected = validate_email(raw, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        assert read is None
    else:
        assert read is not None
        assert read.address == f"{expected.local_part}@{expected.ascii_domain}"


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_none(raw: str) -> None:
    email.read(raw)


@pytest.mark.parametrize(
    ("raw", "region", "e164", "where", "kind"),
    [
        ("+4915112345678", None, "+4915112345678", "DE", "mobile"),
        ("030 / 90 18 20", "DE", "+4930901820", "DE", "fixed"),
        ("0043 1 58858 0", "DE", "+431588580", "AT", "fixed"),
        ("+1 202 555 0123", None, "+12025550123", "US", "fixed-or-mobile"),
        ("+44 7400 123456", None, "+447400123456", "GB", "mobile"),
    ],
)
def test_a_number_is_read_with_the_region_that_is_known(
    raw: str, region: str | None, e164: str, where: str, kind: str
) -> None:
    read = phone.read(raw, region)

    assert read is not None
    assert (read.e164, read.region, read.kind) == (e164, where, kind)


def test_an_extension_is_kept_apart() -> None:
    read = phone.read("+44 20 7946 0958 ext. 12")

    assert read is not None
    assert (read.e164, read.extension) == ("+442079460958", "12")


@pytest.mark.parametrize("raw", ["", "call me", "123", "030 901820", "+999123456789"])
def test_what_is_no_number_without_a_country_is_none(raw: str) -> None:
    assert phone.read(raw) is None


def test_a_key_that_was_held_down_does_not_identify() -> None:
    read = phone.read("+4911111111111", None)
    assert read is None or not phone.identifies(read)


@settings(deadline=None, max_examples=400)  # the first call of a country loads its plan
@given(st.sampled_from(["49", "43", "41", "33", "34", "31", "48", "46", "81", "55", "1", "1212", "44", "4420", "39", "7", "61", "47"]), st.from_regex(r"[0-9]{4,10}", fullmatch=True))  # fmt: skip
def test_the_fast_path_of_numbers_says_what_the_library_says(code: str, national: str) -> None:
    raw = f"+{code}{national}"[:16]
    quick = phone._by_plan(raw)
    if quick is phone._IMPOSSIBLE:
        assert not phonenumbers.is_possible_number(phonenumbers.parse(raw, None))
    elif quick is not None:
        parsed = phonenumbers.parse(raw, None)
        where = phonenumbers.region_code_for_number(parsed) or phone._only_region(parsed.country_code)
        assert phonenumbers.is_possible_number(parsed)
        assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == quick.e164
        assert (quick.region, quick.kind) == (where, phone._KINDS.get(phonenumbers.number_type(parsed)))


@settings(deadline=None)
@given(st.from_regex(r"\+(49|43|41|33|44|39|1)[ -]?\(?[0-9]{2,4}\)?[ -]?[0-9]{2,4}[ -]?[0-9]{2,4}", fullmatch=True))
def test_blanks_hyphens_and_brackets_in_a_number_change_nothing(raw: str) -> None:
    assert phone.read(raw) == phone.read(f"tel:{raw}"), "the library reads what does not begin with a plus"


@pytest.mark.parametrize(
    ("full", "given_name", "family", "title"),
    [
        ("Jo Doe", "Jo", "Doe", None),
        ("Dr. Jo van der Berg", "Jo", "van der Berg", "Dr."),
        ("Doe, Jo", "Jo", "Doe", None),
        ("Jo Ann Doe", "Jo Ann", "Doe", None),
        ("Jo", "Jo", None, None),
    ],
)
def test_a_full_name_is_taken_apart(full: str, given_name: str, family: str | None, title: str | None) -> None:
    read = person.read(full)

    assert (read.given, read.family, read.title) == (given_name, family, title)


@pytest.mark.parametrize(
    ("raw", "tidy"),
    [("JO DOE", "Jo Doe"), ("jo   doe", "Jo Doe"), ("Jo McDonald", "Jo McDonald"), ("jo o'neil-meyer", "Jo O'Neil-Meyer"), ("anna von berg", "Anna von Berg")],
)  # fmt: skip
def test_only_shouted_and_whispered_names_are_repaired(raw: str, tidy: str) -> None:
    assert person.tidy(raw) == tidy


def test_a_part_that_was_given_by_itself_is_never_overwritten_by_a_full_name() -> None:
    said = claims.read(
        kind="form", name="x", traits={"name": "Jo Doe", "first_name": "Joanna"}, context=None, test=False
    ).claims

    assert (said["name.given"].value, said["name.family"].value) == ("Joanna", "Doe")


@pytest.mark.parametrize(
    ("raw", "bare"),
    [("Acme GmbH", "Acme"), ("Acme Widgets GmbH & Co. KG", "Acme Widgets"), ("Foo, Inc.", "Foo"), ("Nestlé S.A.", "Nestlé"), ("AB Volvo", "AB Volvo"), ("GmbH", "GmbH"), ("Müller e.K.", "Müller"), ("  ", None)],
)  # fmt: skip
def test_a_company_loses_its_legal_form_and_nothing_else(raw: str, bare: str | None) -> None:
    assert company.bare(raw) == bare


def test_a_website_or_a_business_address_tells_the_domain_and_a_free_one_does_not() -> None:
    def domain(**traits: str) -> object:
        said = claims.read(kind="form", name="x", traits=traits, context=None, test=False).claims.get("company.domain")
        return said and said.value

    assert domain(website="https://www.shop.acme.co.uk/x") == "acme.co.uk"
    assert domain(email="jo@mail.acme.example") == "acme.example"
    assert domain(email="jo@gmail.com") is None
    assert domains.of_website("no site") is None


@pytest.mark.parametrize(
    ("text", "code"),
    [("Germany", "DE"), ("deutschland", "DE"), ("DEU", "DE"), ("de", "DE"), ("Österreich", "AT"), ("USA", "US"), ("UK", "GB"), ("日本", "JP"), ("Atlantis", None), ("XX", None)],
)  # fmt: skip
def test_a_country_is_read_in_many_languages(text: str, code: str | None) -> None:
    assert country.read(text) == code


def test_what_was_given_beats_what_the_phone_tells_beats_what_the_browser_tells() -> None:
    from shared.contracts import Context

    def where(**traits: str) -> tuple[object, str]:
        said = claims.read(kind="form", name="x", traits=traits, context=Context(locale="fr-CH"), test=False).claims[
            "country"
        ]
        return said.value, said.source

    assert where(country="Austria", phone="+4915112345678") == ("AT", "form x")
    assert where(phone="+4915112345678") == ("DE", "phone")
    assert where() == ("CH", "locale")


def test_nested_traits_of_the_segment_api_are_read_and_unknown_ones_are_kept_as_custom() -> None:
    traits = {
        "company": {"name": "Acme GmbH", "employee_count": "51-200", "industry": "tools", "plan": "pro"},
        "address": {"city": "Graz", "postalCode": "8010", "country": "Austria", "street": "Hauptplatz 1"},
        "shoe size": 43,
    }
    read = claims.read(kind="identify", name="", traits=traits, context=None, test=False)

    assert {field: said.value for field, said in read.claims.items()} == {
        "company.name": "Acme",
        "company.size": 51,
        "company.industry": "tools",
        "city": "Graz",
        "postal_code": "8010",
        "country": "AT",
    }
    assert {key: said.value for key, said in read.custom.items()} == {
        "company_plan": "pro",
        "address_street": "Hauptplatz 1",
        "shoe size": 43,
    }
    in_one_line = claims.read(kind="form", name="x", traits={"address": "Hauptplatz 1, Graz"}, context=None, test=False)
    assert (list(in_one_line.claims), list(in_one_line.custom)) == ([], ["address"])


@pytest.mark.parametrize(
    ("source", "medium", "expected"),
    [
        ("google", "cpc", "paid-search"),
        ("facebook", "paid_social", "paid-social"),
        ("partner", "cpc", "paid-other"),
        ("newsletter", "email", "email"),
        ("mailchimp", None, "email"),
        ("linkedin", "social", "organic-social"),
        ("google", "organic", "organic-search"),
        ("acme-blog", "referral", "referral"),
        ("x", "banner", "display"),
        ("foo", "bar", "unassigned"),
    ],
)
def test_utm_parameters_make_the_channel(source: str, medium: str | None, expected: str) -> None:
    found = channel.channel(
        campaign=Campaign(source=source, medium=medium), click_ids=None, referrer=None, page="https://shop.example/"
    )
    assert found == expected


@pytest.mark.parametrize(
    ("referrer", "expected"),
    [
        (None, "direct"),
        ("https://www.google.co.uk/search?q=x", "organic-search"),
        ("https://m.facebook.com/", "organic-social"),
        ("https://t.co/abc", "organic-social"),
        ("https://www.youtube.com/watch", "organic-video"),
        ("https://mail.google.com/mail/u/0", "email"),
        ("https://partner.example/post", "referral"),
        ("https://www.shop.example/cart", None),
        ("https://help.shop.example/", None),
    ],
)
def test_without_utm_the_referrer_makes_the_channel(referrer: str | None, expected: str | None) -> None:
    assert channel.channel(campaign=None, click_ids=None, referrer=referrer, page="https://shop.example/") == expected


def test_an_advertisers_click_id_beats_the_referrer_and_a_servers_event_has_no_channel() -> None:
    assert (
        channel.channel(
            campaign=None, click_ids={"gclid": "x"}, referrer="https://www.google.com/", page="https://shop.example/"
        )
        == "paid-search"
    )
    assert (
        channel.channel(campaign=None, click_ids={"fbclid": "x"}, referrer=None, page="https://shop.example/")
        == "organic-social"
    )
    assert channel.channel(campaign=None, click_ids=None, referrer=None, page=None) is None
    assert (channel.direction("email"), channel.direction("organic-search")) == ("outbound", "inbound")
