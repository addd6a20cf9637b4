"""Leads over HTTP on a real Postgres: found by what identifies them, and shown with why they are who they are."""

from __future__ import annotations

import httpx

from services.enrich.domain.limits import LIMITS
from shared import ids
from shared.database import Pool
from tests.integration.enrich import batch
from tests.integration.enrich_api.asked import asked, two
from tests.unit.enrich.memory import SECRET, event, page


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


async def test_a_lead_shows_what_its_events_name_that_is_not_its_own(pool: Pool, client: httpx.AsyncClient) -> None:
    await batch(pool, [event("e1", email="jo@acme.example", user_id="u1"), event("e2", email="mo@acme.example", at=1)])
    systems = {"external_ids": {f"own{one:02}": f"k{one}" for one in range(25)}}
    for said in (
        event("e3", email="mo@acme.example", user_id="u1", at=2),
        event("e4", email="mo@acme.example", traits=systems, at=3),
    ):
        await batch(pool, [said])
    more = {"external_ids": {"own98": "k98", "own99": "k99"}}
    await batch(pool, [event("e5", email="mo@acme.example", traits=more, at=4)])

    (mo,) = (await client.get("/v1/leads", params={"email": "mo@acme.example"})).json()["leads"]
    shown = (await client.get(f"/v1/leads/{mo['lead_id']}")).json()

    jo = ids.lead_id(SECRET, "email\x1fjo@acme.example")
    assert {one["value"]: one["lead_id"] for one in shown["others"]} == {"u1": jo, "k98": None, "k99": None}
    assert len([one for one in shown["identifiers"] if one["kind"] == "external_id"]) == LIMITS.systems


async def test_a_row_of_before_with_an_escaped_nul_is_shown_and_merged_as_any(
    pool: Pool, client: httpx.AsyncClient
) -> None:
    jo, mo = await two(pool)
    # As it was kept before NULs were cleaned; the second is no NUL, but a backslash that is one.
    kept = await pool.fetchval("SELECT happened FROM activity WHERE lead_id = $1", mo)
    old = kept.replace(b'"contact"', rb'"con\u0000\u0000t\\u0000"')
    await pool.execute("UPDATE activity SET happened = $1 WHERE lead_id = $2", old, mo)
    state = await pool.fetchval("SELECT state FROM lead WHERE lead_id = $1", mo)
    await pool.execute(
        "UPDATE lead SET state = $1 WHERE lead_id = $2", state.replace(b'"form contact"', rb'"form \u0000"'), mo
    )

    shown = (await client.get(f"/v1/leads/{mo}")).json()
    assert {one["kind"] for one in shown["identifiers"]} == {"email", "anonymous_id"}
    assert (await client.get("/v1/accounts/acme.example")).status_code == 200
    await asked(pool, "merge", jo, {"lead_ids": [jo, mo]})
    assert len({(await client.get(f"/v1/leads/{one}")).json()["lead_id"] for one in (jo, mo)}) == 1
