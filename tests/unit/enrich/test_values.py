"""E-mail, phone, name, company, country, channel: what is made of what people write."""

from __future__ import annotations

import pytest

from services.enrich.domain import channel, claims, country
from shared.contracts import Campaign


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
