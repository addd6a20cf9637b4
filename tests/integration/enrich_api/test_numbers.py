"""Several who are known by one phone number alone, on a real Postgres: found by it, told apart, and so in a store of before."""

from __future__ import annotations

import httpx

from services.enrich import main
from shared.database import Pool
from tests.integration.enrich import batch, people
from tests.integration.enrich_api.asked import asked
from tests.unit.enrich.memory import event

PHONE = "+49 30 901820"
_NAMES = (("Ada", "Lovelace"), ("Ben", "Smith"), ("A.", "Lovelace"))


async def _called(pool: Pool) -> None:
    for one, (given, family) in enumerate(_NAMES):
        names = {"first_name": given, "last_name": family, "phone": PHONE}
        await batch(pool, [event(f"e{one}", traits=names, at=one)], at_ms=1_795_000_000_000 + one)


async def test_two_on_one_number_under_names_that_disagree_are_both_found_by_it(
    pool: Pool, client: httpx.AsyncClient
) -> None:
    await _called(pool)

    found = (await client.get("/v1/leads", params={"phone": PHONE})).json()["leads"]
    by_name = {one["profile"]["name"]["full"]: one["lead_id"] for one in found}
    assert len(by_name) == 2
    ben = by_name["Ben Smith"]
    shown = (await client.get(f"/v1/leads/{ben}")).json()
    assert [(one["kind"], one["value"], one["given"], one["family"]) for one in shown["identifiers"]] == [
        ("phone", "+4930901820", "ben", "smith")
    ]
    (question,) = shown["reviews"]
    assert question["rule"] == "names"
    await asked(pool, "review", ben, {"id": question["id"], "accept": True})
    (lead,) = (await client.get("/v1/leads", params={"phone": PHONE})).json()["leads"]
    gone = {"kind": "phone", "value": PHONE, "given": "Ben", "family": "Smith"}
    await asked(pool, "split", lead["lead_id"], {"lead_id": lead["lead_id"], "identifiers": [gone]}, second=1)
    assert len((await client.get("/v1/leads", params={"phone": PHONE})).json()["leads"]) == 2


async def test_a_store_of_before_knows_numbers_under_their_names_once_it_is_brought_up_to_date(pool: Pool) -> None:
    await _called(pool)
    rows = "SELECT name, lead_id, ties FROM identifier ORDER BY name"
    known = await people(pool)
    # As it was before: one number, one lead, no names under it.
    await pool.execute(
        """
        DROP FUNCTION face(json);
        DELETE FROM identifier WHERE name LIKE 'named%';
        UPDATE activity SET lead_id = (SELECT lead_id FROM identifier);
        UPDATE identifier SET ties = convert_to((SELECT json_object_agg(key, value) FROM json_each(document(ties))
                                                  WHERE key NOT LIKE 'named%')::text, 'UTF8')
        """
    )
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute((main.MIGRATIONS / "0012_numbers_under_a_name.sql").read_text())
    assert len(await pool.fetch(rows)) == 4
    assert len(await people(pool)) == 1

    # As soon as anything is worked out anew about them, they are two.
    await batch(pool, [event("e3", traits={"phone": PHONE, "first_name": "Ada", "last_name": "L."}, at=-1)])
    assert {len(one) for one in await people(pool)} == {3, 1}
    assert len(known) == 2
