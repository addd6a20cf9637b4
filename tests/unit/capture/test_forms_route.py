"""The route of forms as browsers and scripts meet it: pages that people can read, problems for scripts, dead letters without secrets."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from tests.unit.capture.client import Answered
from tests.unit.capture.door import KEY, Durable, Visitor, a_property, problem

URLENCODED = "application/x-www-form-urlencoded"
BROWSER = {"content_type": URLENCODED, "accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def dead(visitor: Visitor) -> list[tuple[str, bytes]]:
    """Reasons and values of the dead letters."""
    return [(one["reason"], base64.b64decode(one.get("value", ""))) for one in visitor.durable.dead]


def page(answered: Answered) -> tuple[int, str]:
    """Status and text of an answer that is a page without scripts."""
    assert answered.headers["content-type"] == "text/html; charset=utf-8"
    text = answered.body.decode()
    assert text.startswith("<!doctype html>")
    assert "<script" not in text
    return answered.status, text


async def test_a_browsers_form_post_goes_on_to_the_thank_you_page_or_gets_a_small_one() -> None:
    visitor = Visitor(a_property(thank_you_url="https://shop.example/thanks"))
    answered = await visitor.post("/v1/forms/demo", "email=jo@acme.example", headers=BROWSER)
    assert (answered.status, answered.headers["location"]) == (303, "https://shop.example/thanks")
    script = await visitor.post("/v1/forms/demo", {"email": "jo@acme.example"}, accept="text/html")
    assert (script.status, script.json["success"]) == (202, True)
    status, text = page(await Visitor().post("/v1/forms/demo", "email=a@b.example", headers=BROWSER))
    assert status == 202
    assert "Thank you" in text


@pytest.mark.parametrize(
    ("body", "more", "status", "advice"),
    [
        ("message=<b>secret-wish</b>", {}, 422, "e-mail address or your phone number"),
        ("email=a@b.example&message=" + "x" * 40_000, {}, 413, "shorten it"),
        ("x" * 600_000, {}, 413, "shorten it"),
        ("email=a@b.example", {"key": "wrong"}, 401, "not your mistake"),
        ("email=a@b.example", {"key": None}, 401, "not your mistake"),
        ("&".join(f"secret-wish{n}=1" for n in range(501)), {}, 422, "at most 500 fields"),
        ("a" + "[secret-wish]" * 25 + "=1", {}, 422, "20 levels"),
        ("a" + "[b]" * 150_000 + "=1", {}, 413, "shorten it"),
        ("email=a@b.example&timestamp=secret-wish", {}, 422, "RFC 3339"),
    ],
)
async def test_a_browser_gets_a_page_that_says_what_to_mend_and_a_script_the_same_as_a_problem(
    body: str, more: dict[str, Any], status: int, advice: str
) -> None:
    shown, text = page(await Visitor().post("/v1/forms/demo", body, headers=BROWSER, **more))
    assert shown == status
    assert advice in text
    assert "secret-wish" not in text
    told = await Visitor().post("/v1/forms/demo", body, content_type=URLENCODED, **more)
    assert problem(told)[0] == status


async def test_a_file_is_refused_in_words_that_people_understand() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="cv"; filename="cv.pdf"\r\n\r\nx\r\n--b--\r\n'
    headers = {"content_type": "multipart/form-data; boundary=b", "accept": "text/html"}
    status, text = page(await Visitor().post("/v1/forms/demo", body, headers=headers))
    assert status == 415
    assert "leave them out" in text


async def test_when_nothing_can_be_kept_a_browser_is_asked_to_come_again() -> None:
    answered = await Visitor(durable=Durable(works=False)).post("/v1/forms/demo", "email=a@b.example", headers=BROWSER)
    status, text = page(answered)
    assert status == 503
    assert "few minutes" in text
    assert answered.headers["retry-after"] == "5"


async def test_other_routes_answer_a_browser_as_ever() -> None:
    assert problem(await Visitor().post("/v1/track", "event=x", headers=BROWSER)) == (415, "content-type")


async def test_a_dead_letter_of_a_form_holds_its_fields_without_what_is_never_kept() -> None:
    visitor = Visitor()
    await visitor.post("/v1/forms/demo", f"message=Hi&password=hunter2&writeKey={KEY}", content_type=URLENCODED)
    await visitor.post("/v1/forms/demo", b'{"message": "Hi', content_type="application/json")
    await visitor.post("/v1/forms/demo", b'{"password": "hunter2', content_type="application/json")
    await visitor.post("/v1/forms/demo", b'[{"message": "Hi"}]', content_type="application/json")
    assert dead(visitor) == [
        ("no-identifier", msgspec.json.encode({"message": "Hi"})),
        ("undecodable", b'{"message": "Hi'),
        ("undecodable", b""),
        ("invalid", b'[{"message": "Hi"}]'),
    ]


async def test_a_form_whose_key_is_in_what_can_not_be_read_is_told_what_is_wrong_with_it() -> None:
    visitor = Visitor()
    body = f"writeKey={KEY}&" + "&".join(f"f{n}=1" for n in range(501))
    assert problem(await visitor.post("/v1/forms/demo", body, key=None, content_type=URLENCODED)) == (422, "invalid")
    assert not visitor.durable.messages


async def test_a_form_says_its_character_set_in_its_content_type() -> None:
    visitor = Visitor()
    latin = f"{URLENCODED}; charset=iso-8859-1"
    assert (await visitor.post("/v1/forms/demo", b"email=a@b.example&name=J%F6", content_type=latin)).status == 202
    assert visitor.durable.captured[0]["traits"]["name"] == "Jö"
