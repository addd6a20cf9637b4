"""The review queue over HTTP on a real Postgres: questions, and answers to them."""

from __future__ import annotations

import uuid

import httpx
import pytest

from shared.contracts import Command
from shared.database import Pool
from tests.integration.enrich import batch
from tests.unit.enrich.memory import event


async def question(pool: Pool) -> None:
    """Two names share a phone number, so that it is asked about."""
    number = {"phone": "+49 30 901820"}
    await batch(
        pool,
        [
            event("e1", traits={**number, "name": "Anna Brandt"}),
            event("e2", email="jo@acme.example", at=1, traits={**number, "name": "Jonas Keller"}),
        ],
    )


async def test_a_question_is_listed_with_the_two_that_it_is_about_and_shown_with_their_leads(
    pool: Pool, client: httpx.AsyncClient
) -> None:
    await question(pool)

    found = (await client.get("/v1/reviews")).json()

    (review,) = found["reviews"]
    assert (found["total"], found["next"], review["rule"]) == (1, None, "names")
    sides = {side["identifier"]["kind"]: side["lead"]["profile"]["name"]["full"] for side in review["sides"]}
    assert sides == {"phone": "Anna Brandt", "email": "Jonas Keller"}
    for side in review["sides"]:
        shown = (await client.get(f"/v1/leads/{side['lead']['lead_id']}")).json()
        assert [one["id"] for one in shown["reviews"]] == [review["id"]]
    assert (await client.get("/v1/reviews", params={"after": "nonsense"})).status_code == 422


@pytest.mark.parametrize("answer", ["accept", "reject"])
async def test_an_answer_to_a_question_is_a_record_and_an_unknown_question_is_not_found(
    pool: Pool, client: httpx.AsyncClient, sent: list[tuple[str, str, Command]], answer: str
) -> None:
    await question(pool)
    ((id_),) = [one["id"] for one in (await client.get("/v1/reviews")).json()["reviews"]]

    assert (await client.post(f"/v1/reviews/{id_}/{answer}", json={"by": "ann"})).status_code == 202
    assert (await client.post(f"/v1/reviews/{id_}/{answer}")).status_code == 202
    assert (await client.post(f"/v1/reviews/{uuid.uuid4()}/{answer}")).status_code == 404

    assert [(said.kind, said.payload, said.by) for _, _, said in sent] == [
        ("review", {"id": id_, "accept": answer == "accept"}, "ann"),
        ("review", {"id": id_, "accept": answer == "accept"}, None),
    ]


async def test_questions_come_in_pages(pool: Pool, client: httpx.AsyncClient) -> None:
    for number in range(3):
        phone = {"phone": f"+49 30 90182{number}"}
        await batch(
            pool,
            [
                event(f"a{number}", traits={**phone, "name": "Anna Brandt"}),
                event(f"b{number}", email=f"jo{number}@acme.example", at=1, traits={**phone, "name": "Jonas Keller"}),
            ],
        )
    first = (await client.get("/v1/reviews", params={"limit": 2})).json()
    second = (await client.get("/v1/reviews", params={"limit": 2, "after": first["next"]})).json()

    assert (first["total"], second["next"]) == (3, None)
    assert len({one["id"] for one in first["reviews"] + second["reviews"]}) == 3
