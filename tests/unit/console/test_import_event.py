"""What a row of an import means, and every reason why it means nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.console.importing.event import event, read_map
from shared.fieldmap import FieldMap

COLUMNS = ("mail", "at", "what", "ok", "id", "utm_source")
ROW = {"mail": "jo@acme.example", "at": "01.03.2025", "what": "webinar", "ok": "ja", "id": "17", "utm_source": "news"}
MAP: dict[str, Any] = {
    "name": "what",
    "occurred_at": {"from": "at", "format": "%d.%m.%Y", "zone": "Europe/Berlin"},
    "traits": {"email": "mail"},
    "properties": {"utm_source": "utm_source", "from": {"value": "old crm"}},
    "consent": {"marketing_email": "ok"},
}


def a_map(said: dict[str, Any] | None = None) -> FieldMap:
    found = read_map(MAP if said is None else said, COLUMNS)
    assert isinstance(found, FieldMap), found
    return found


def made(row: dict[str, Any] = ROW, said: dict[str, Any] | None = None, *, as_history: bool = False) -> dict[str, Any]:
    found = event(row, a_map(said), as_history=as_history)
    assert isinstance(found, dict), found
    return found


def mistakes(row: dict[str, Any], said: dict[str, Any] | None = None) -> list[str]:
    found = event(row, a_map(said), as_history=False)
    assert isinstance(found, list), found
    return [one.partition(":")[0] for one in found]


def test_a_row_is_a_call_with_its_own_time_consent_and_campaign() -> None:
    found = made()
    assert found.pop("messageId").startswith("import:")
    assert found == {
        "type": "track",
        "event": "webinar",
        "timestamp": "2025-02-28T23:00:00+00:00",
        "traits": {"email": "jo@acme.example"},
        "properties": {"from": "old crm"},
        "context": {"campaign": {"source": "news"}},
        "consent": {"purposes": {"marketing_email": True}},
    }


def test_a_map_without_a_name_says_who_people_are() -> None:
    found = made(said={"user_id": "id", "traits": {"email": "mail"}})
    assert (found["type"], found["userId"], "event" in found, "timestamp" in found) == ("identify", "17", False, False)


def test_a_row_may_be_what_was_told_to_a_form() -> None:
    said = {key: value for key, value in MAP.items() if key != "name"} | {"form": "what", "id": "id"}
    found = made(said=said, as_history=True)
    assert (found["type"], found["name"], "event" in found, found["history"]) == ("form", "webinar", False, True)
    assert found["messageId"] == "import:form webinar:17"
    assert mistakes({**ROW, "what": ""}, said) == ["form"]
    assert mistakes({**ROW, "what": "ask for a demo"}, said) == ["form"]


def test_a_file_may_hold_forms_and_what_else_happened_but_a_row_is_one_of_them() -> None:
    both = {**MAP, "form": "id"}
    assert made({**ROW, "id": ""}, both)["event"] == "webinar"
    assert made({**ROW, "what": ""}, both)["name"] == "17"
    assert mistakes(ROW, both) == ["form and name"]
    assert mistakes({**ROW, "id": "", "what": ""}, both) == ["name"]


def test_the_map_in_the_readme_makes_forms_of_rows() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    (shown,) = re.findall(r"```yaml\n(form:.*?)```", readme, re.DOTALL)
    columns = ("Date", "E-Mail", "Phone", "Company", "Page", "Source", "Click", "Topic", "Newsletter")
    field_map = read_map(yaml.safe_load(shown), columns)
    assert isinstance(field_map, FieldMap), field_map
    row = dict.fromkeys(columns, "x") | {"Date": "02.11.2026 09:00", "Newsletter": "yes"}
    found = event(row, field_map, as_history=True)
    assert isinstance(found, dict), found
    assert (found["type"], found["name"], found["timestamp"]) == ("form", "demo", "2026-11-02T08:00:00+00:00")
    assert found["context"] == {"page": {"url": "x"}, "campaign": {"source": "x"}, "click_ids": {"gclid": "x"}}
    assert found["properties"] == {"topic": "x"}


def test_where_somebody_was_is_no_property() -> None:
    page = {"page_url": "mail", "page_title": "what", "referrer": "id"}
    found = made(said={"traits": {"email": "mail"}, "properties": page})
    assert found["context"] == {"page": {"url": "jo@acme.example", "title": "webinar", "referrer": "17"}}
    assert "properties" not in found


def test_a_row_of_the_past_says_so() -> None:
    assert made(as_history=True)["history"] is True
    assert "history" not in made()


def test_a_row_has_one_id_whenever_it_is_met_and_another_row_another_one() -> None:
    assert made()["messageId"] == made(dict(reversed(ROW.items())))["messageId"]
    assert made()["messageId"] != made({**ROW, "ok": "nein"})["messageId"]
    named = {**MAP, "id": "id"}
    assert made(said=named)["messageId"] == made({**ROW, "ok": "nein"}, named)["messageId"] == "import:webinar:17"


@pytest.mark.parametrize(
    ("word", "given"), [("ja", True), ("Nein", False), ("1", True), ("opt-out", False), ("", None)]
)
def test_consent_is_taken_where_it_is_surely_said(word: str, given: bool | None) -> None:
    said = made({**ROW, "ok": word}).get("consent")
    assert said == (None if given is None else {"purposes": {"marketing_email": given}})


def test_every_reason_is_told_at_once() -> None:
    assert mistakes({**ROW, "mail": "", "at": "yesterday", "what": "", "ok": "perhaps"}) == [
        "occurred_at",
        "name",
        "the row names nobody",
        "consent.marketing_email",
    ]
    assert mistakes(ROW, {**MAP, "test": {"value": True}}) == ["test"]
    assert mistakes({**ROW, "mail": "x" * 40_000}) == ["the row is larger than 32 KiB"]
    assert mistakes({**ROW, "mail": "\ud800"}) == ["the row holds a value that no event can hold"]


def test_a_map_may_name_only_columns_that_there_are() -> None:
    found = read_map({"each": "/rows", "traits": {"email": "e-mail", "phone": "/a/b"}}, COLUMNS)
    assert found == [
        "each: a row is one event, so an import knows no `each`",
        "traits.email: the file has no column 'e-mail'",
        "traits.phone: the file has no column 'a/b'",
        "The file's columns: mail, at, what, ok, id, utm_source",
    ]
    assert isinstance(read_map({"traits": {"email": "/contact/mail"}}), FieldMap)
