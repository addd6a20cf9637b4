"""What browser, connection, mail and property tell, as claims and in a profile: where nobody says it, the best that there is, with its source."""

from __future__ import annotations

from typing import Any

import pytest

from services.enrich.domain import claims, intake, profile
from services.enrich.domain.world import Happened, Kept, State
from shared.contracts import Context, Profile
from shared.stage import Input
from tests.unit.enrich.memory import event, record


def _happened(event_id: str = "e1", **said: Any) -> Happened:
    read = intake.decode(record(event(event_id, **{"email": "jo@acme.example", **said})))
    assert isinstance(read, Input)
    happened: Happened = read.event
    return happened


def _profile(*events: Happened) -> Profile:
    state = State()
    for happened in events:
        state = profile.add(state, Kept(happened), {})
    return profile.of(state)


def _country(
    *, home: str | None = None, context: dict[str, Any] | None = None, **traits: Any
) -> tuple[str, str] | None:
    said = claims.read(
        kind="form", name="x", traits=traits, context=Context(**(context or {})), test=False, home=home
    ).claims.get("country")
    return (said.value, said.source) if said is not None else None


def test_a_country_comes_from_the_best_that_tells_and_names_it() -> None:
    everything = {"locale": "fr-CH", "timezone": "Europe/Vienna", "country": "LI"}
    assert _country(country="Italia", phone="+4915112345678", email="a@b.nl", context=everything) == ("IT", "form x")
    assert _country(phone="+4915112345678", email="a@b.nl", context=everything, home="ES") == ("DE", "phone")
    assert _country(email="a@b.nl", context=everything, home="ES") == ("NL", "email")
    assert _country(email="a@b.example", context=everything, home="ES") == ("LI", "edge")
    assert _country(context={**everything, "country": None}, home="ES") == ("AT", "timezone")
    assert _country(context={"locale": "fr-CH"}, home="ES") == ("CH", "locale")
    assert _country(language="Deutsch (Schweiz)", home="ES") == ("CH", "locale")
    assert _country(home="ES") == ("ES", "property")
    assert _country() is None


def test_where_a_server_stands_says_nothing_of_for_whom_it_speaks() -> None:
    browser, server = (
        {"country": "LI", "user_agent": "Mozilla/5.0"},
        {"country": "LI", "user_agent": "python-httpx/0.28"},
    )
    assert _country(context=browser, home="ES") == ("LI", "edge")
    assert _country(context=server, home="ES") == ("ES", "property")


def test_a_calling_code_where_a_country_belongs_tells_the_region_of_the_phone() -> None:
    for field in ("phoneCountry", "country_code", "dial_code"):
        said = _happened(traits={field: "+41", "phone": "044 668 18 00"}).facts.claims
        assert (said["phone"].value.e164, said["phone"].value.region_from) == ("+41446681800", "form")
        assert (said["country"].value, said["country"].source) == ("CH", "phone")
    assert _country(country_code="CH") == ("CH", "form x")


def test_a_mailbox_of_nobodys_house_tells_no_country() -> None:
    assert _country(email="x@trash-mail.de") is None


def test_a_better_source_of_another_day_wins_whatever_event_it_was() -> None:
    visit = _happened("e1", kind="page", context={"country": "CH"})
    form = _happened("e2", at=5, context={"locale": "de-DE"})

    for events in ((visit, form), (form, visit)):
        shown = _profile(*events)
        assert shown.sources is not None
        assert (shown.country, shown.sources["country"]) == ("CH", "edge")


def test_a_number_without_its_country_is_read_by_the_country_that_was_guessed() -> None:
    happened = _happened(email="jo@acme.de", traits={"phone": "030 901820"})
    assert happened.facts.claims["phone"].value.e164 == "+4930901820"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"traits": {"timezone": "W. Europe Standard Time"}}, ("Europe/Berlin", "form contact")),
        ({"context": {"timezone": "Asia/Calcutta"}}, ("Asia/Kolkata", "browser")),
        ({"traits": {"country": "Austria"}}, ("Europe/Vienna", "country")),
        ({"traits": {"country": "US"}}, None),
        ({"context": {"timezone": "Mars/Olympus"}}, None),
    ],
)
def test_a_time_zone_is_the_one_of_today_and_a_country_with_one_clock_tells_it(
    said: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    shown = _profile(_happened(**said))
    found = (shown.timezone, (shown.sources or {})["timezone"]) if shown.timezone is not None else None
    assert found == expected


def test_the_zone_follows_the_country_that_prevails() -> None:
    guessed = _happened("e1", context={"locale": "de-DE"})
    told = _happened("e2", at=5, traits={"country": "FR"})
    assert _profile(guessed).timezone == "Europe/Berlin"
    assert _profile(guessed, told).timezone == _profile(told, guessed).timezone == "Europe/Paris"


def test_a_language_is_one_by_its_name_too() -> None:
    shown = _profile(_happened(traits={"language": "Français"}, context={"locale": "en-US"}))
    assert (shown.language, (shown.sources or {})["language"]) == ("fr", "form contact")


def test_what_no_human_did_keeps_its_channel_and_brings_nobody() -> None:
    page = {"page": {"url": "https://www.shop.example/"}}
    crawler = _happened("e1", context={**page, "user_agent": "AcmeBot/1.0"})
    human = _happened("e2", at=5, context={**page, "click_ids": {"gclid": "x"}})

    state = profile.add(profile.add(State(), Kept(crawler), {}), Kept(human), {})
    assert crawler.facts.touch is not None
    assert (crawler.facts.human, crawler.facts.touch.channel) == (0.1, "direct")
    assert state.first is not None
    assert (state.first.event_id, state.first.touch.channel) == (human.event_id, "paid-search")


def test_first_and_last_touch_keep_all_parameters_and_click_ids() -> None:
    campaign = {"source": "google", "medium": "cpc", "name": "autumn", "term": "crm", "content": "a"}
    ids = {"gclid": "1", "fbclid": "2", "gbraid": "3"}
    page = {"url": "https://www.shop.example/x?y", "referrer": "https://www.google.com/"}
    touched = _happened(context={"campaign": campaign, "click_ids": ids, "page": page}).facts.touch

    assert touched is not None
    assert touched.click_ids == ids
    assert touched.campaign is not None
    assert {field: getattr(touched.campaign, field) for field in campaign} == campaign
    assert (touched.referrer, touched.landing_page) == (page["referrer"], page["url"])


def test_what_has_no_end_is_read_as_far_as_it_is_sensible_and_never_remembered_whole() -> None:
    endless = "x" * 1_000_000
    happened = _happened(
        context={"locale": endless, "timezone": endless, "ip": endless, "user_agent": "Mozilla/" + endless, "campaign": {"source": endless, "medium": "cpc"}}
    )  # fmt: skip
    assert happened.facts.touch is not None
    assert (happened.facts.human, happened.facts.touch.channel) == (1.0, "paid-other")
