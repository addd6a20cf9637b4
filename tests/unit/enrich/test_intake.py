"""From a record to what happened: what is read, what is cleaned, what is refused, and why."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.domain import external, intake
from services.enrich.domain.world import Happened, Kept, name
from shared import ids, submission
from shared.contracts import Email
from shared.outcome import Reason, Reject
from shared.stage import Record
from tests.unit.enrich.memory import event, page, record


def read(said: dict[str, Any]) -> Happened:
    read = intake.decode(record(said))
    assert not isinstance(read, Reject), read
    happened = read.event
    assert isinstance(happened, Happened)
    return happened


def refused(value: bytes | dict[str, Any]) -> Reject:
    made = record(value) if isinstance(value, dict) else Record("t", 0, 0, 0, None, value, {})
    read = intake.decode(made)
    assert isinstance(read, Reject)
    return read


def test_an_event_is_judged_by_its_payload_without_any_headers() -> None:
    id_ = "0190a5e3-7c1b-7cc2-9d2c-b2f0c5a5a001"
    happened = read(event(id_, email="Jo@Acme.example"))

    assert happened.event_id == id_
    assert happened.email == name("email", "jo@acme.example")


@pytest.mark.parametrize("given_id", ["order-4711", "0190A5E3-7C1B-7CC2-9D2C-B2F0C5A5A00", "{x}"])
def test_an_id_that_is_no_uuid_becomes_one_scoped_by_property(given_id: str) -> None:
    assert read(event(given_id, email="jo@acme.example")).event_id == ids.submission_id("shop", given_id)


def test_a_uuid_in_capitals_is_the_same_event() -> None:
    id_ = "0190a5e3-7c1b-7cc2-9d2c-b2f0c5a5a001"
    assert read(event(id_.upper(), email="jo@acme.example")).event_id == id_


@pytest.mark.parametrize("illegal", ["null", "undefined", "GUEST", "", "  ", "0", "00000000-0000-0000-0000-000000000000", "-1", "[object Object]", "{{user.id}}", "nan", "ffffffff-ffff-ffff-ffff-ffffffffffff", "x" * 300, "a\x1fb"])  # fmt: skip
def test_an_illegal_id_identifies_nobody(illegal: str) -> None:
    assert refused(event(user_id=illegal, anonymous_id=illegal)).reason is Reason.NO_IDENTIFIER
    assert read(event(user_id=illegal, anonymous_id="c1")).user is None


def test_an_event_that_names_nobody_is_refused() -> None:
    assert refused(event(traits={"first_name": "Jo"})) == Reject(Reason.NO_IDENTIFIER)
    assert refused(event(email="not an address")).reason is Reason.NO_IDENTIFIER


def test_a_bad_address_does_not_fail_a_lead_that_names_itself_otherwise() -> None:
    happened = read(event(email="jo@@acme", user_id="u1"))

    assert happened.email is None
    assert happened.person == name("user", "shop", "u1")
    assert happened.facts.claims["email"].value == Email(address="jo@@acme", kind="invalid")


def test_the_strongest_identifier_is_the_address_then_the_user_id_then_the_phone() -> None:
    phone = {"phone": "+4930901820"}
    assert read(event(email="jo@acme.example", user_id="u1", traits=phone)).person == name("email", "jo@acme.example")
    assert read(event(user_id="u1", traits=phone)).person == name("user", "shop", "u1")
    assert read(event(traits=phone)).person == name("phone", "+4930901820")
    assert read(page("p1", "c1")).person is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": "purchase"}, Reason.INVALID),
        ({"kind": 7}, Reason.INVALID),
        ({"property": ""}, Reason.INVALID),
        ({"property": "a\x1fb"}, Reason.INVALID),
        ({"occurred_at": "yesterday"}, Reason.INVALID),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, Reason.INVALID),
        ({"properties": [1]}, Reason.INVALID),
        ({"event_id": ""}, Reason.INVALID),
        ({"name": "n" * 201}, Reason.INVALID),
    ],
)
def test_what_breaks_the_contract_is_refused_without_telling_any_of_it(change: dict[str, Any], reason: Reason) -> None:
    refusal = refused({**event(email="jo@acme.example"), **change})

    assert refusal.reason is reason
    assert "acme" not in refusal.detail
    assert "yesterday" not in refusal.detail


@pytest.mark.parametrize("value", [b"", b"\x00", b"{", b"[]", b"null", b'{"event_id": "\xff"}', b"[" * 5000])
def test_what_is_no_event_is_refused(value: bytes) -> None:
    assert refused(value).reason in (Reason.UNDECODABLE, Reason.INVALID)


def test_broken_bytes_inside_of_properties_are_refused_before_anybody_else_meets_them() -> None:
    whole = msgspec.json.encode(event(email="jo@acme.example", properties={"a": "HERE"}))

    assert refused(whole.replace(b"HERE", b"\xff")).reason is Reason.UNDECODABLE
    assert refused(whole.replace(b'"HERE"', b"1e999")).reason is Reason.INVALID
    deep = b"[" * 60 + b"]" * 60
    assert refused(whole.replace(b'"HERE"', deep)).reason is Reason.INVALID


def test_a_time_without_a_zone_is_utc_and_another_zone_becomes_utc() -> None:
    assert read({**event(email="jo@acme.example"), "occurred_at": "2026-11-02T09:00:00"}).at == datetime(
        2026, 11, 2, 9, tzinfo=UTC
    )
    assert read({**event(email="jo@acme.example"), "occurred_at": "2026-11-02T09:00:00+02:00"}).at == datetime(
        2026, 11, 2, 7, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("escaped", "clean"),
    [
        (rb"a\u0000b", "a�b"),
        (rb"\ud800x", "�x"),
        (rb"\udc00", "�"),
        (rb"\ud83d\ude00", "\U0001f600"),
        (rb"\ud83d\ud83d\ude00", "�\U0001f600"),
        (rb"\ud83d\\ude00", r"�\ude00"),
        (rb"\\u0000", r"\u0000"),
        (rb"\\\u0000", "\\�"),
    ],
)
def test_what_postgres_can_not_hold_is_replaced_and_the_rest_is_left(escaped: bytes, clean: str) -> None:
    assert msgspec.json.decode(submission.cleaned(b'"' + escaped + b'"')) == clean


@given(
    st.lists(
        st.sampled_from(
            [rb"\u0000", rb"\ud800", rb"\udfff", rb"\\", rb"\n", b"x", rb"\u00e9", rb"\ud83d\ude00", rb"\""]
        )
    )
)
def test_cleaned_text_always_decodes_and_holds_neither_nul_nor_half_characters(parts: list[bytes]) -> None:
    text = msgspec.json.decode(submission.cleaned(b'"' + b"".join(parts) + b'"'))

    assert "\x00" not in text
    text.encode()


@given(st.binary(max_size=300))
def test_any_bytes_are_an_input_or_a_refusal(value: bytes) -> None:
    intake.decode(Record("t", 0, 0, 0, None, value, {}))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["email", "phone", "name", "company", "address", "country", "x", "company_size", "language"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@settings(deadline=None)  # the first call loads the tables of countries
@given(traits=st.dictionaries(st.sampled_from(["email", "phone", "name", "first_name", "company", "company_size", "website", "country", "language", "title", "zip", "y"]), _JSON), context=st.sampled_from([None, {"locale": "x"}, {"page": {"url": "::"}}]))  # fmt: skip
def test_any_traits_are_read_without_raising_and_can_be_sent_on(traits: dict[str, Any], context: Any) -> None:
    from services.enrich.domain import emission, profile

    happened = read(event(str(uuid.uuid4()), user_id="u1", traits=traits, **({"context": context} if context else {})))
    msgspec.json.encode(profile.of(profile.fold([Kept(happened)], {})))
    msgspec.json.encode(emission.activity(Kept(happened, "ld_1", 1)))


def test_marks_lower_the_human_and_make_a_test_a_test() -> None:
    def human(*marks: str) -> float:
        return read(event(email="jo@acme.example", context={"marks": list(marks)})).facts.human

    assert (human(), human("disposable"), human("bot"), human("bot", "honeypot")) == (1.0, 0.7, 0.1, 0.0)
    assert "test" in read(event(email="jo@acme.example", context={"marks": ["test"]})).facts.claims


def test_the_path_of_a_page_comes_from_its_url() -> None:
    found = read(page("p1", "c1", context={"page": {"url": "https://shop.example/pricing/big?x=1#y"}})).facts.page

    assert found is not None
    assert found.path == "/pricing/big"


def test_of_ids_without_end_the_first_count_those_of_known_systems_before_others() -> None:
    given = {"salesforce": "0035g00000AbCdE", **{f"a{number:04}": f"id{number}" for number in range(1000)}}
    happened = read(event("e1", traits={"externalIds": given}))

    assert len(happened.externals) == external.MOST
    assert any("salesforce" in one for one in happened.externals)
    assert read(event("e1", traits={"externalIds": dict(reversed(given.items()))})).externals == happened.externals
