"""Accounts over HTTP on a real Postgres: the leads of a company."""

from __future__ import annotations

import httpx
import pytest

from services.enrich import main
from shared.database import CORE_MIGRATIONS, Pool
from tests.integration.enrich import batch
from tests.integration.stores import migrated
from tests.unit.enrich.memory import event


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
