"""What an operator asks of a lead over HTTP: a record that names it, or why there is none."""

from __future__ import annotations

import httpx
import pytest

from shared import ids
from shared.contracts import Command
from shared.database import Pool
from tests.integration.enrich_api.asked import asked, two


async def test_what_is_asked_is_a_record_that_names_its_lead_and_is_pending_until_it_is_read(
    pool: Pool, client: httpx.AsyncClient, sent: list[tuple[str, str, Command]]
) -> None:
    jo, mo = await two(pool)
    asked = [
        ("merge", {"lead_ids": [mo], "survivor": jo, "reason": "one desk", "by": "ann"}),
        ("split", {"identifiers": [{"kind": "email", "value": "JO@acme.example"}], "by": "ann"}),
        (f"activities/{ids.submission_id('shop', 'e1')}/human", {"human": 0}),
    ]
    for path, body in asked:
        answer = await client.post(f"/v1/leads/{jo}/{path}", json=body)
        assert answer.status_code == 202
        assert answer.headers["location"] == f"/v1/commands/{answer.json()['command_id']}"
        status = await client.get(answer.headers["location"])
        assert status.json()["status"] == "pending"

    assert {(topic, key, said.lead_id) for topic, key, said in sent} == {("leads.commands.v1", jo, jo)}
    assert [(said.kind, said.payload, said.by) for _, _, said in sent] == [
        ("merge", {"lead_ids": [jo, mo], "survivor": jo, "reason": "one desk"}, "ann"),
        (
            "split",
            {"lead_id": jo, "identifiers": [{"kind": "email", "value": "JO@acme.example"}], "event_ids": []},
            "ann",
        ),
        ("human", {"event_id": ids.submission_id("shop", "e1"), "human": 0}, None),
    ]


@pytest.mark.parametrize(
    ("path", "body", "mistakes"),
    [
        ("merge", {}, {"/lead_ids": "missing"}),
        ("merge", {"lead_ids": [], "more": 1, "by": ""}, {"/lead_ids": "too short", "/more": "extra forbidden", "/by": "string too short"}),
        ("split", {}, {"": "nothing leaves: name identifiers or events"}),
        (
            "split",
            {
                "identifiers": [
                    {"kind": "email", "value": "nobody"},
                    {"kind": "phone", "value": "12"},
                    {"kind": "user_id", "value": "u1"},
                    {"kind": "user_id", "property": "shop", "value": "undefined"},
                    {"kind": "fax", "value": "1"},
                ],
                "event_ids": ["no-id"],
            },
            {
                "/identifiers/0/email/value": "no e-mail address that could be sent to",
                "/identifiers/1/phone/value": "no phone number with its country: +44 20 7946 0018",
                "/identifiers/2/user_id/property": "missing",
                "/identifiers/3/user_id/value": "no id that could tell one person from another",
                "/identifiers/4": "union tag invalid",
                "/event_ids/0": "uuid parsing",
            },
        ),
        ("activities/6b1f5f7e-0000-4000-8000-000000000000/human", {"human": 2}, {"/human": "less than equal"}),
    ],
)  # fmt: skip
async def test_all_mistakes_of_a_body_are_told_at_once_and_nothing_is_sent(
    client: httpx.AsyncClient,
    sent: list[tuple[str, str, Command]],
    path: str,
    body: dict[str, object],
    mistakes: dict[str, str],
) -> None:
    answer = await client.post(f"/v1/leads/ld_any/{path}", json=body)

    assert answer.status_code == 422
    assert {one["pointer"]: one["detail"] for one in answer.json()["errors"]} == mistakes
    assert sent == []


async def test_what_is_asked_of_a_lead_or_an_activity_that_is_not_there_is_not_found(
    pool: Pool, client: httpx.AsyncClient, sent: list[tuple[str, str, Command]]
) -> None:
    jo, _ = await two(pool)
    theirs = ids.submission_id("shop", "e2")
    for path, body in (
        (f"{jo}/merge", {"lead_ids": ["ld_nobody"]}),
        ("ld_nobody/split", {"event_ids": [theirs]}),
        (f"{jo}/activities/{theirs}/human", {"human": 1}),
        (f"ld_nobody/activities/{theirs}/human", {"human": 1}),
    ):
        assert (await client.post(f"/v1/leads/{path}", json=body)).status_code == 404
    assert sent == []


async def test_what_is_said_of_an_activity_is_kept_by_the_real_store(pool: Pool) -> None:
    jo, _ = await two(pool)
    ruled = await asked(pool, "human", jo, {"event_id": ids.submission_id("shop", "e1"), "human": 0})

    assert str(await pool.fetchval("SELECT command_id FROM ruling WHERE human = 0")) == ruled
