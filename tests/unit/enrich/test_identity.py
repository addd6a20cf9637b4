"""Who is who beyond addresses and user ids: ids of vendors and CRMs, phone numbers whose people's names disagree, and limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.domain import agreement, external, intake, limits, profile
from shared.stage import Input
from tests.unit.enrich.memory import Memory, event, record


def read(**fields: Any) -> Any:
    input_ = intake.decode(record(event("e1", **fields)))
    assert isinstance(input_, Input)
    return input_.event


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        (("Ada", "Lovelace"), ("ada", "LOVELACE"), False),
        (("Ada", "Lovelace"), ("A.", "Lovelace"), False),
        (("Alexander", "Müller"), ("Alex", "Muller"), False),
        (("Ada", "Lovelace"), ("Lovelace", "Ada"), False),
        (("Charles", "Lovelace"), ("Charels", "Lovealce"), False),
        (("Anna Maria", "Smith"), ("Anna", "Smith-Jones"), False),
        (("José", "García López"), ("Jose", "Garcia"), False),
        (("Ada", "Lovelace"), ("Ben", "Lovelace"), True),
        (("Ada", "Lovelace"), ("Ada", "Byron"), True),
        (("Ida", "Berg"), ("Ina", "Berg"), True),
        (("Jürgen", "Weiß"), ("Jurgen", "Weiss"), False),
        (("王", "小明"), ("李", "小明"), True),
    ],
)
def test_names_disagree_only_when_they_can_not_be_one_persons(
    one: tuple[str, str], other: tuple[str, str], differ: bool
) -> None:
    mine, theirs = agreement.called(*one), agreement.called(*other)
    assert agreement.disagree(mine, theirs) is differ
    assert agreement.disagree(theirs, mine) is differ


def test_a_name_that_is_not_known_disagrees_with_none() -> None:
    assert agreement.called("", "Lovelace") is None
    assert agreement.called("-", "Lovelace") is None
    assert not agreement.disagree(None, agreement.called("Ada", "Lovelace"))


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_agreement_is_the_same_from_both_sides(a: str, b: str, c: str, d: str) -> None:
    one, other = agreement.called(a, b), agreement.called(c, d)
    assert agreement.disagree(one, other) == agreement.disagree(other, one)
    assert not agreement.disagree(one, one)


def test_ids_of_vendors_and_crms_are_external_ids_in_their_scope() -> None:
    happened = read(traits={"salesforce_id": "0031t00000ABCdeAAF", "HubSpot Contact ID": 51})
    assert happened.externals == ("external\x1fhubspot\x1fshop\x1f51", "external\x1fsalesforce\x1f0031t00000ABCde")
    assert read(
        traits={"externalIds": {"Salesforce": "0031t00000ABCde", "own-crm": "k 7", "bad system!": "1"}}
    ).externals == (
        "external\x1fown-crm\x1fshop\x1fk 7",
        "external\x1fsalesforce\x1f0031t00000ABCde",
    )
    assert read(kind="hook", user_id="hubspot:51").externals == ("external\x1fhubspot\x1fshop\x1f51",)
    assert read(kind="hook", user_id="hubspot:51").user is None
    assert read(kind="track", user_id="hubspot:51").user == "user\x1fshop\x1fhubspot:51"


def test_what_names_a_submission_or_nobody_is_no_external_id() -> None:
    traits = {"leadgen_id": "444", "lead_id": "444", "salesforce_id": "null", "crm_id": "0000", "external_ids": ["x"]}
    assert read(email="ada@acme.example", traits=traits).externals == ()
    assert external.told("hubspot", True) == {}


def test_an_external_id_belongs_to_the_address_that_it_was_first_seen_with() -> None:
    memory = Memory()
    memory.batch([event("e1", traits={"salesforce_id": "003A"}), event("e2", email="ada@acme.example", at=1)])
    memory.batch([event("e3", email="ada@acme.example", traits={"salesforce_id": "003A"}, at=2)])
    assert len({memory.lead_of(one) for one in ("e1", "e2", "e3")}) == 1
    (state,) = memory.states().values()
    assert state.externals == {"salesforce": "003A"}

    memory.batch([event("e4", email="ben@acme.example", traits={"salesforce_id": "003A"}, at=3)])
    memory.batch([event("e5", email="ada@acme.example", traits={"salesforce_id": "003B"}, at=4)])
    memory.batch([event("e6", traits={"salesforce_id": "003B"}, at=5)])
    assert len({memory.lead_of(one) for one in ("e1", "e4", "e6")}) == 3


ADA = {"first_name": "Ada", "last_name": "Lovelace"}
BEN = {"first_name": "Ben", "last_name": "Smith"}
PHONE = "+4930901820"


def test_a_phone_whose_people_have_names_that_disagree_joins_nobody_and_is_asked_about() -> None:
    memory = Memory()
    memory.batch([event("e1", email="ada@acme.example", traits={**ADA, "phone": PHONE})])
    memory.batch([event("e2", traits={"phone": PHONE}, at=1)])
    assert memory.lead_of("e1") == memory.lead_of("e2")
    memory.batch([event("e3", traits={**BEN, "phone": PHONE}, at=2)])

    assert memory.lead_of("e1") != memory.lead_of("e2") == memory.lead_of("e3")
    (question,) = memory.reviews.values()
    assert (question.rule, question.strong) == ("names", "email\x1fada@acme.example")
    # An earlier word of the number's people says that they are Ada all the same; but for Ben, who is somebody else on that number.
    memory.batch([event("e0", traits={"first_name": "A.", "last_name": "Lovelace", "phone": PHONE}, at=-1)])
    assert len({memory.lead_of(one) for one in ("e0", "e1", "e2")}) == 1
    assert memory.lead_of("e3") != memory.lead_of("e1")
    (question,) = memory.reviews.values()
    assert (question.rule, question.strong) == ("names", f"phone\x1f{PHONE}")


def test_a_name_that_comes_late_lets_a_phone_go() -> None:
    memory = Memory()
    memory.batch([event("e1", traits={**BEN, "phone": PHONE})])
    memory.batch([event("e2", email="ada@acme.example", traits={"phone": PHONE}, at=1)])
    assert memory.lead_of("e1") == memory.lead_of("e2")
    memory.batch([event("e3", email="ada@acme.example", traits=ADA, at=2)])
    assert memory.lead_of("e1") != memory.lead_of("e2") == memory.lead_of("e3")
    assert len(memory.reviews) == 1


@pytest.fixture
def few() -> Iterator[None]:
    before = limits.LIMITS.identifiers, limits.LIMITS.an_hour
    limits.LIMITS.identifiers, limits.LIMITS.an_hour = 4, 2
    yield
    limits.LIMITS.identifiers, limits.LIMITS.an_hour = before


def number(of: int) -> str:
    return f"+493090182{of:02}"


@pytest.mark.usefixtures("few")
def test_a_kiosks_address_takes_no_more_phones_than_the_limits_let_it() -> None:
    memory = Memory()
    for one in range(9):  # three an hour
        kiosk = event(f"k{one}", email="info@acme.example", traits={"phone": number(one)}, at=20 * one)
        memory.batch([kiosk, event(f"p{one}", traits={"phone": number(one)}, at=20 * one + 1)])

    joined = [one for one in range(9) if memory.lead_of(f"p{one}") == memory.lead_of("k0")]
    assert joined == [0, 1, 3]  # two of the first hour; of the first four numbers the third came too fast
    assert {question.rule for question in memory.reviews.values()} == {"limit"}
    assert len(memory.reviews) == 6


def test_two_people_of_one_company_with_one_switchboard_stay_two() -> None:
    memory = Memory()
    switchboard = {"phone": PHONE, "company": "Acme GmbH"}
    memory.batch([event("e1", email="ada@acme.example", traits={**ADA, **switchboard})])
    memory.batch([event("e2", email="ben@acme.example", traits={**BEN, **switchboard}, at=1)])
    assert memory.lead_of("e1") != memory.lead_of("e2")
    assert {profile.account(state) for state in memory.states().values()} == {"acme.example"}
