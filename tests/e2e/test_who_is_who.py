"""Who is who, by an operator's word: two leads become one and two again, a question of the review queue is answered, and the story says so."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

import httpx
import pytest

from tests.e2e.console import eventually
from tests.e2e.shop import Shop, given, opened, somebody

_KEPT = ("profile", "first_touch", "last_touch", "told", "identifiers", "browsers", "absorbed_people")


@pytest.fixture(scope="module")
def shop(request: pytest.FixtureRequest) -> Shop:
    return given() or opened(request.getfixturevalue("leadflow"))


def known(shop: Shop, email: str, *, activities: int = 1) -> dict[str, Any]:
    """What is known of a lead once it has so many activities and is scored by them."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] | None = shop.operator.knows_or_none("lead", "show", email)
        if found is None or found["score"] is None or len(found["activities"]) != activities:
            return None
        return found

    return eventually(look, what=f"a lead of {activities} activities")


def scored_as(shop: Shop, email: str, was: dict[str, Any]) -> dict[str, Any] | None:
    """What is known of a lead when its score is again what it was."""
    now = known(shop, email, activities=len(was["activities"]))
    return now if now["score"]["score"] == was["score"]["score"] else None


def test_two_forms_of_one_person_are_one_lead_by_a_merge_and_two_as_before_by_a_split(shop: Shop) -> None:
    work, private, browser = somebody(), f"{uuid.uuid4().hex[:10]}@gmail.com", uuid.uuid4().hex
    shop.posts("/v1/page", json={"anonymousId": browser, "properties": {"url": "https://shop.example/pricing"}})
    fields = {"name": "Jo Fields", "company": "Acme Ltd", "anonymous_id": browser}
    shop.posts("/v1/forms/newsletter", json={"email": work, **fields})
    before = known(shop, work, activities=2)
    shop.posts("/v1/forms/webinar", json={"email": private, "name": "Jo Fields"})
    other = known(shop, private)

    merged = shop.operator.knows("lead", "merge", work, private, "--reason", "she told us", "--by", "ann")
    assert (merged["status"], merged["lead"]["lead_id"]) == ("done", before["lead_id"])
    one = known(shop, private, activities=3)
    assert one["lead_id"] == before["lead_id"]
    by_id = shop.operator.knows("lead", "show", other["lead_id"])
    assert (by_id["lead_id"], by_id["absorbed"]) == (before["lead_id"], True)
    said = " ".join(shop.operator.says("lead", "show", work).split())
    for words in (
        "Jo Fields at Acme",
        "filled in the form “webinar”",
        "said by ann on",
        ": she told us",
        f"{private} was a lead of its own",
        "1 visit on the browser",
        "joined when the form “newsletter”",
    ):
        assert words in said, words

    split = shop.operator.knows("lead", "split", work, private, "--by", "ann")
    assert split["status"] == "done"
    assert [lead["lead_id"] for lead in split["others"]] == [other["lead_id"]]
    for email, was in ((work, before), (private, other)):
        now = eventually(partial(scored_as, shop, email, was), what="what was known before, and its score")
        assert now["lead_id"] == was["lead_id"]
        assert {part: now[part] for part in _KEPT if part != "identifiers"} == {
            part: was[part] for part in _KEPT if part != "identifiers"
        }
        assert [one["id"] for one in now["activities"]] == [one["id"] for one in was["activities"]]
    assert f"{work} is not" in " ".join(shop.operator.says("lead", "show", work).split())
    again = shop.operator.run("lead", "split", work, private)
    assert again.returncode == 1
    assert "none of this lead's" in again.stderr


def test_a_number_that_two_names_share_is_asked_about_and_joins_when_somebody_says_yes(shop: Shop) -> None:
    number, email = f"+4930{uuid.uuid4().int % 10**7:07}", somebody()
    shop.posts("/v1/forms/call-me", json={"phone": number, "name": "Anna Brandt"})
    eventually(lambda: shop.operator.knows_or_none("lead", "show", number), what="the lead of the number")
    shop.posts("/v1/forms/contact", json={"email": email, "phone": number, "name": "Jonas Keller"})
    asked = eventually(lambda: known(shop, email)["reviews"], what="the question")
    assert [one["id"] for one in asked] == [
        one["id"]
        for one in shop.operator.knows("review", "list")["reviews"]
        if any(side["identifier"]["value"] == email for side in one["sides"])
    ]
    assert "one form named both, but the names differ" in " ".join(shop.operator.says("lead", "show", email).split())

    assert shop.operator.knows("review", "accept", asked[0]["id"], "--by", "ann")["status"] == "done"

    one = known(shop, email, activities=2)
    assert one["lead_id"] == shop.operator.knows("lead", "show", number)["lead_id"]
    assert one["reviews"] == []
    late = shop.operator.run("review", "reject", asked[0]["id"])
    assert late.returncode == 1
    assert "lists those that are open" in late.stderr


def test_what_an_operator_says_of_an_activity_holds(shop: Shop) -> None:
    email = somebody()
    shop.posts("/v1/forms/webinar", json={"email": email})
    (activity,) = known(shop, email)["activities"]

    shop.operator.says("lead", "human", email, activity["id"], "0", "--reason", "our own test")

    eventually(lambda: known(shop, email)["activities"][0]["human"] == 0, what="the later verdict")
    assert "probably a robot" in shop.operator.says("lead", "show", email)


def test_the_people_of_a_company_are_shown_as_one_account(shop: Shop) -> None:
    domain = f"nordwind-{uuid.uuid4().hex[:8]}.example"
    for name in ("anna", "ben"):
        shop.posts("/v1/forms/webinar", json={"email": f"{name}@{domain}", "company": "Nordwind GmbH"})
        known(shop, f"{name}@{domain}")
    said = shop.operator.says("account", "show", domain)
    assert f"Nordwind ({domain}): 2 leads" in said
    assert f"ben@{domain}" in said
    assert [one["domain"] for one in shop.operator.knows("account", "list", domain[:12])["accounts"]] == [domain]
    nobodys = shop.operator.run("account", "show", "gmail.com")
    assert nobodys.returncode == 1
    assert "mailboxes to everybody" in nobodys.stderr


def test_changing_who_is_who_needs_the_operators_token(shop: Shop) -> None:
    with httpx.Client(trust_env=False, base_url=shop.urls["enrich"]) as client:
        assert client.post("/v1/leads/ld_x/merge", json={"lead_ids": ["ld_y"]}).status_code == 401
        token = {"Authorization": f"Bearer {shop.token()}"}
        assert client.post("/v1/leads/ld_x/merge", json={"lead_ids": ["ld_y"]}, headers=token).status_code == 404
