"""Texts, names and maps without end are refused, with where they stand; what is just within the limits is taken."""

from __future__ import annotations

from typing import Any

import pytest

from services.capture.domain.clean import LONGEST_NAME, LONGEST_TEXT, MOST_ENTRIES
from tests.unit.capture.door import Visitor, problem

LONG = "x" * LONGEST_TEXT
NAME = "n" * LONGEST_NAME


def track(**more: Any) -> dict[str, Any]:
    return {"userId": "u1", "event": "x", **more}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (track(properties={"note": LONG + "x"}), "/properties/note"),
        (track(traits={"deep": {"note": [LONG + "x"]}}), "/traits/deep/note/0"),
        (track(properties={NAME + "n": 1}), f"/properties/{NAME[:40]}"),
        (track(properties={"list": [0] * (MOST_ENTRIES + 1)}), "/properties/list"),
        (track(properties={str(number): 1 for number in range(MOST_ENTRIES + 1)}), "/properties"),
        (track(context={"page": {"url": "https://shop.example/?" + LONG}}), "/context/page/url"),
        (track(context={"page": {"title": LONG + "x"}}), "/context/page/title"),
        (track(context={"campaign": {"source": LONG + "x"}}), "/context/campaign/source"),
        (track(context={"locale": LONG + "x"}), "/context/locale"),
        (track(consent={"purposes": {"mail": True}, "text": LONG + "x"}), "/consent/text"),
        (track(userId="u" * 301), "/userId"),
        (track(anonymousId="a" * 301), "/anonymousId"),
    ],
)
async def test_what_is_too_long_is_refused_with_its_place_and_kept_as_a_dead_letter(
    body: dict[str, Any], pointer: str
) -> None:
    visitor = Visitor()
    answered = await visitor.post("/v1/track", body)
    assert problem(answered) == (422, "invalid")
    assert [mistake["pointer"] for mistake in answered.json["errors"]] == [pointer]
    assert "xxx" not in answered.body.decode()
    assert (len(visitor.durable.captured), len(visitor.durable.dead)) == (0, 1)


@pytest.mark.parametrize(
    "body",
    [
        track(properties={"note": LONG}),
        track(properties={NAME: 1, "list": [0] * MOST_ENTRIES}),
        track(context={"page": {"url": "/", "title": LONG}}),
        track(userId="u" * 300, anonymousId="a" * 300),
        track(properties={"note": LONG[:8000], "more": LONG[:8000], "most": LONG[:8000]}),
    ],
)
async def test_what_is_within_the_limits_is_taken(body: dict[str, Any]) -> None:
    assert (await Visitor().post("/v1/track", body)).status == 200


async def test_a_form_with_a_long_message_is_taken_and_one_without_end_is_refused() -> None:
    visitor = Visitor()
    assert (await visitor.post("/v1/forms/demo", {"email": "jo@acme.example", "message": LONG})).status == 202
    answered = await visitor.post("/v1/forms/demo", {"email": "jo@acme.example", "message": LONG + "x"})
    assert problem(answered) == (422, "invalid")
    assert [mistake["pointer"] for mistake in answered.json["errors"]] == ["/message"]


async def test_one_event_of_a_batch_that_is_too_long_leaves_the_others_alone() -> None:
    batch = {"batch": [track(type="track"), track(type="track", properties={"note": LONG + "x"})]}
    answered = await Visitor().post("/v1/batch", batch)
    assert [one["index"] for one in answered.json["accepted"]] == [0]
    assert [one["pointer"] for one in answered.json["rejected"]] == ["/batch/1/properties/note"]
