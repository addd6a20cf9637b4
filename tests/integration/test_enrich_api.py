"""Enrich's API on a real Postgres: leads by what identifies them, all that is known of one, and the leads of a company."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from services.enrich import api, main
from services.enrich.domain import command
from shared import commands, contracts, ids, problem
from shared.contracts import Command
from shared.database import CORE_MIGRATIONS, Pool
from shared.stage import Input, Record
from tests.integration.enrich import batch, decided
from tests.integration.stores import migrated
from tests.unit.enrich.memory import MONDAY, SECRET, event, page


@pytest.fixture
async def pool(request: pytest.FixtureRequest) -> AsyncIterator[Pool]:
    async with migrated(request.getfixturevalue("store"), CORE_MIGRATIONS, main.MIGRATIONS) as made:
        yield made


@pytest.fixture
def sent() -> list[tuple[str, str, Command]]:
    """The commands that were sent: topic, key and what they say."""
    return []


@pytest.fixture
def client(pool: Pool, sent: list[tuple[str, str, Command]]) -> httpx.AsyncClient:
    async def send(topic: str, key: str, value: bytes, _: list[tuple[str, bytes]]) -> None:
        sent.append((topic, key, msgspec.json.decode(value, type=Command)))

    app = FastAPI()
    problem.install(app)
    app.include_router(api.routes(pool, send))
    app.include_router(commands.routes(pool))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://enrich")


async def test_a_lead_is_found_by_each_of_its_identifiers(pool: Pool, client: httpx.AsyncClient) -> None:
    await batch(
        pool, [event("e1", email="Jo@acme.example", user_id="u1", anonymous_id="c1", traits={"phone": "+49 30 901820"})]
    )

    for query in (
        {"email": "jo@ACME.example"},
        {"phone": "+49 (30) 901820"},
        {"user_id": "u1"},
        {"anonymous_id": "c1"},
    ):
        found = (await client.get("/v1/leads", params=query)).json()["leads"]
        assert [lead["profile"]["email"]["address"] for lead in found] == ["Jo@acme.example"], query
    assert (await client.get("/v1/leads", params={"email": "nobody@acme.example"})).json() == {"leads": []}
    assert (await client.get("/v1/leads")).status_code == 422


async def test_an_absorbed_id_shows_the_survivor(pool: Pool, client: httpx.AsyncClient) -> None:
    await batch(pool, [event("e1", user_id="u1")], at_ms=1_795_000_000_000)
    await batch(pool, [event("e2", email="jo@acme.example", at=1)], at_ms=1_795_000_001_000)
    await batch(pool, [event("e3", email="jo@acme.example", user_id="u1", at=2)], at_ms=1_795_000_002_000)
    survivor, absorbed = (ids.lead_id(SECRET, name) for name in ("user\x1fshop\x1fu1", "email\x1fjo@acme.example"))

    answer = await client.get(f"/v1/leads/{absorbed}")

    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["lead_id"], shown["absorbed"], shown["absorbed_leads"]) == (survivor, True, [absorbed])
    assert [(one["lead_id"], one["made_by"]["value"]) for one in shown["absorbed_people"]] == [
        (absorbed, "jo@acme.example")
    ]
    assert {one["kind"] for one in shown["identifiers"]} == {"email", "user_id"}
    assert [one["id"] for one in shown["activities"]] == [ids.submission_id("shop", id_) for id_ in ("e3", "e2", "e1")]
    assert (await client.get(f"/v1/leads/{survivor}")).json()["absorbed"] is False
    assert (await client.get("/v1/leads/ld_nobody")).status_code == 404


async def test_activities_come_in_pages(pool: Pool, client: httpx.AsyncClient) -> None:
    await batch(pool, [event(f"e{number}", email="jo@acme.example", at=number) for number in range(5)])
    lead = ids.lead_id(SECRET, "email\x1fjo@acme.example")
    seen: list[str] = []
    before = None
    while True:
        answer = await client.get(f"/v1/leads/{lead}", params={"limit": 2, **({"before": before} if before else {})})
        seen += [one["id"] for one in answer.json()["activities"]]
        before = answer.json()["next"]
        if before is None:
            break

    assert seen == [ids.submission_id("shop", f"e{number}") for number in (4, 3, 2, 1, 0)]
    assert (await client.get(f"/v1/leads/{lead}", params={"before": "nonsense"})).status_code == 422


async def test_the_leads_of_a_company_are_its_account_whatever_host_they_write_from(
    pool: Pool, client: httpx.AsyncClient
) -> None:
    said = [
        event("e1", email="jo@acme.co.uk", traits={"company": "Acme Ltd"}),
        event("e2", email="mo@mail.acme.co.uk", traits={"company": "ACME Holding"}),
        event("e3", email="ann@gmail.com", traits={"company": "Acme", "website": "https://www.acme.co.uk/about"}),
        event("e4", email="somebody@other.example", traits={"company": "Other"}),
    ]
    for number, one in enumerate(said):
        await batch(pool, [one], at_ms=1_795_000_000_000 + number)

    found = (await client.get("/v1/accounts/www.ACME.co.uk")).json()

    assert (found["domain"], found["name"], found["total"], found["next"]) == ("acme.co.uk", "Acme", 3, None)
    theirs = [lead["profile"]["email"]["address"] for lead in found["leads"]]
    assert theirs == ["ann@gmail.com", "mo@mail.acme.co.uk", "jo@acme.co.uk"]
    assert found["leads"][0].keys() >= {"lead_id", "profile", "first_touch", "last_touch", "absorbed_leads"}


async def test_an_account_comes_in_pages(pool: Pool, client: httpx.AsyncClient) -> None:
    await batch(pool, [event(f"e{number}", email=f"p{number}@acme.example") for number in range(5)])
    seen: list[str] = []
    before: str | None = None
    while True:
        more = {"before": before} if before else {}
        found = (await client.get("/v1/accounts/acme.example", params={"limit": 2, **more})).json()
        seen += [lead["lead_id"] for lead in found["leads"]]
        before = found["next"]
        if before is None:
            break

    assert len(seen) == len(set(seen)) == found["total"] == 5
    assert (await client.get("/v1/accounts/acme.example", params={"before": "nonsense"})).status_code == 422


@pytest.mark.parametrize(
    ("domain", "reason"),
    [
        ("gmail.com", "mailboxes to everybody"),
        ("mailinator.com", "for a day"),
        ("privaterelay.appleid.com", "stay hidden"),
        ("co.uk", "registered domain"),
        ("unheardof", "registered domain"),
    ],
)
async def test_what_is_no_account_says_why(pool: Pool, client: httpx.AsyncClient, domain: str, reason: str) -> None:
    await batch(pool, [event("e1", user_id="u1", traits={"email": f"jo@{domain}"})])

    answer = await client.get(f"/v1/accounts/{domain}")

    assert answer.status_code == 404
    assert reason in answer.json()["detail"]
    assert (await client.get("/v1/accounts")).json()["accounts"] == []


async def test_an_account_that_nobody_is_of_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/accounts/unheard-of.example")

    assert answer.status_code == 404
    assert "search" in answer.json()["detail"]


async def test_who_changes_companies_leaves_the_account_and_a_lead_that_was_absorbed_does_too(
    pool: Pool, client: httpx.AsyncClient
) -> None:
    moved = {"website": "new.example"}
    for number, one in enumerate(
        [
            event("e1", user_id="u1", traits={"website": "old.example"}),
            event("e2", email="jo@acme.example", at=1),
            event("e3", email="jo@acme.example", user_id="u1", at=2, traits=moved),
        ]
    ):
        await batch(pool, [one], at_ms=1_795_000_000_000 + 1000 * number)

    assert (await client.get("/v1/accounts")).json()["accounts"] == [{"domain": "new.example", "leads": 1}]


async def test_accounts_are_searched_by_how_their_domain_begins(pool: Pool, client: httpx.AsyncClient) -> None:
    hosts = ("acme.example", "acme-labs.example", "acne.example", "zebra.example", "zebra.example")
    await batch(pool, [event(f"e{number}", email=f"p{number}@{host}") for number, host in enumerate(hosts)])

    async def search(**query: str | int) -> list[tuple[str, int]]:
        found = (await client.get("/v1/accounts", params=query)).json()
        return [(one["domain"], one["leads"]) for one in found["accounts"]]

    assert await search(search="ACME") == [("acme-labs.example", 1), ("acme.example", 1)]
    assert await search(limit=2, after="acme.example") == [("acne.example", 1), ("zebra.example", 2)]
    assert await search(search="acme%") == []


async def test_leads_that_were_there_before_accounts_have_theirs_since(request: pytest.FixtureRequest) -> None:
    accounts = main.MIGRATIONS / "0004_accounts.sql"
    async with migrated(request.getfixturevalue("store"), CORE_MIGRATIONS, main.MIGRATIONS) as pool:
        await batch(pool, [event("e1", email="jo@acme.example"), event("e2", email="jo@gmail.com")])
        kept = "SELECT lead_id, account FROM lead ORDER BY lead_id"
        before = await pool.fetch(kept)
        await pool.execute("ALTER TABLE lead DROP COLUMN account")

        await pool.execute(accounts.read_text())

        assert await pool.fetch(kept) == before
        assert {row["account"] for row in before} == {"acme.example", None}


async def test_a_lead_says_which_event_named_each_identifier_and_which_visits_joined(
    pool: Pool, client: httpx.AsyncClient
) -> None:
    await batch(pool, [page(f"p{number}", "c1", at=number) for number in range(3)])
    await batch(pool, [event("e1", email="jo@acme.example", anonymous_id="c1", name="demo", at=5)])
    signed_in = {"kind": "identify", "name": "", "user_id": "u1"}
    await batch(pool, [event("e2", email="jo@acme.example", at=10, **signed_in), page("p9", "c1", at=20)])

    shown = (await client.get(f"/v1/leads/{ids.lead_id(SECRET, 'email' + chr(31) + 'jo@acme.example')}")).json()

    named = {one["kind"]: one for one in shown["identifiers"]}
    assert {kind: (one["first"]["kind"], one["first"]["name"], one["events"]) for kind, one in named.items()} == {
        "email": ("form", "demo", 2),
        "user_id": ("identify", "", 1),
        "anonymous_id": ("page", "", 5),
    }
    assert named["email"]["first"]["event_id"] == ids.submission_id("shop", "e1")
    (browser,) = shown["browsers"]
    assert (browser["anonymous_id"], browser["before"], browser["since"]) == ("c1", 3, 1)
    assert (browser["joined_by"]["name"], browser["joined_by"]["at"]) == ("demo", "2026-11-02T09:05:00Z")
    assert (browser["first_at"], browser["last_at"]) == ("2026-11-02T09:00:00Z", "2026-11-02T09:20:00Z")
    assert shown["told"]["email"] == {
        "source": "form demo",
        "at": "2026-11-02T09:05:00Z",
        "event_id": ids.submission_id("shop", "e1"),
    }


async def two(pool: Pool) -> tuple[str, str]:
    """Two leads, Jo and Mo."""
    await batch(pool, [event("e1", email="jo@acme.example"), event("e2", email="mo@acme.example", anonymous_id="c1")])
    jo, mo = (ids.lead_id(SECRET, f"email\x1f{name}@acme.example") for name in ("jo", "mo"))
    return jo, mo


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


async def asked(pool: Pool, kind: str, lead_id: str, payload: dict[str, object], *, second: int = 0) -> str:
    """Carries out a command as its record asks for it; its id."""
    said = Command(
        event_id=str(uuid.uuid4()),
        kind=kind,
        issued_at=MONDAY + timedelta(days=1, seconds=second),
        lead_id=lead_id,
        by="ann",
        payload={**payload, "reason": "she told us"},
    )
    record = Record("leads.commands.v1", 0, 0, 1_795_000_100_000, lead_id.encode(), contracts.encode(said), {})
    read = command.decode(record)
    assert isinstance(read, Input)
    await decided(pool, [read])
    return said.event_id


async def test_a_merge_by_hand_is_shown_with_who_said_it_and_a_split_keeps_them_apart(
    pool: Pool, client: httpx.AsyncClient
) -> None:
    jo, mo = await two(pool)
    merged = await asked(pool, "merge", jo, {"lead_ids": [jo, mo], "survivor": jo})

    shown = (await client.get(f"/v1/leads/{mo}")).json()
    assert (shown["lead_id"], shown["absorbed"]) == (jo, True)
    (link,) = [link for one in shown["identifiers"] for link in one.get("links", ())]
    assert (link["rule"], link["command_id"], link["by"], link["reason"]) == ("join", merged, "ann", "she told us")
    assert {one["kind"] for one in shown["identifiers"]} == {"email", "anonymous_id"}

    leaves = [{"kind": "email", "value": "mo@acme.example"}]
    parted = await asked(pool, "split", jo, {"lead_id": jo, "identifiers": leaves}, second=1)

    shown = (await client.get(f"/v1/leads/{mo}")).json()
    assert (shown["lead_id"], shown["absorbed"], shown["absorbed_people"]) == (mo, False, [])
    (apart,) = shown["apart"]
    assert (apart["identifier"]["value"], apart["with"]["value"]) == ("mo@acme.example", "jo@acme.example")
    assert (apart["command_id"], apart["by"]) == (parted, "ann")


async def test_what_one_event_named_together_is_linked_by_it(pool: Pool, client: httpx.AsyncClient) -> None:
    traits = {"phone": "+49 30 901820", "hubspot_contact_id": "77"}
    await batch(pool, [event("e1", email="jo@acme.example", user_id="u1", traits=traits)])

    (lead,) = (await client.get("/v1/leads", params={"external_id": "77"})).json()["leads"]
    shown = (await client.get(f"/v1/leads/{lead['lead_id']}")).json()

    links = {
        one["kind"]: [(link["rule"], link["with"]["value"], link["event"]["name"]) for link in one.get("links", ())]
        for one in shown["identifiers"]
    }
    assert links == {
        "email": [],
        "user_id": [("id", "jo@acme.example", "contact")],
        "external_id": [("id", "jo@acme.example", "contact")],
        "phone": [("phone", "jo@acme.example", "contact")],
    }


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


async def test_what_is_said_of_an_activity_is_kept_by_the_real_store(pool: Pool) -> None:
    jo, _ = await two(pool)
    ruled = await asked(pool, "human", jo, {"event_id": ids.submission_id("shop", "e1"), "human": 0})

    assert str(await pool.fetchval("SELECT command_id FROM ruling WHERE human = 0")) == ruled
