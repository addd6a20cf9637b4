"""A year of leads under the shipped document, on a clock of its own: what each of them got kept every promise, and some of it all came."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest

from services.route.domain.nurture.telling import MAGNETS
from shared import contracts
from tests.unit.route.nurture import promises
from tests.unit.route.nurture.builders import GIVEN, JO, MONDAY, House

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Sydney")


def a_life(number: int) -> House:
    """One lead's year: pages, forms, stages up and down, what sales said, consent given and taken."""
    chance, house = random.Random(number), House()
    at, profile, episode, stage = MONDAY, {**JO, "timezone": chance.choice(ZONES)}, 0, "raw"
    while (at := at + timedelta(hours=chance.expovariate(1 / 500))) < MONDAY + timedelta(days=365):
        if chance.random() < 0.1:
            profile = {
                **profile,
                "consent": {**profile["consent"], "marketing_email": {**GIVEN, "given": chance.random() < 0.6}},
            }
        if stage == "SQL" and chance.random() < 0.7:
            house.asks(
                "outcome",
                at=at,
                outcome=chance.choice(["rejected", "recycled", "won"]),
                handover_id=f"ho_ld_jo_{episode}_1",
            )
        stage = chance.choice(["raw", "IQL", "IQL", "MQL", "MQL", "SQL"])
        episode += stage == "SQL" != house.stages.get("ld_jo")
        did = chance.choice(
            [
                {"kind": "page", "page": {"path": "/pricing"}},
                {"kind": "page", "page": {"path": "/"}},
                {"kind": "form", "name": "magnet-ebook"},
            ]
        )
        house.hears(at=at, stage=stage, profile=profile, activity=did)
    house.passes(MONDAY + timedelta(days=365))
    return house


@pytest.mark.parametrize("leads", [40, pytest.param(400, marks=pytest.mark.slow)])
def test_a_year_keeps_every_promise(leads: int) -> None:
    came: Counter[str] = Counter()
    most = 0
    for number in range(leads):
        house = a_life(number)
        promises.check(house.ready.doc, house.told)
        came.update(f"{one.track} {one.skipped or 'sent'}" for one in house.told)
        most = max(most, most_in_a_week(house.told))
    assert 1 <= most <= 4
    for track in ("iql-welcome", "mql-ready", "recycled", "magnets"):
        assert came[f"{track} sent"] > leads // 20, came
    for skipped in (
        "iql-welcome no-consent",
        "iql-welcome quiet",
        "iql-welcome exited",
        "iql-welcome cap",
        "mql-ready unless",
    ):
        assert came[skipped] > 0, came


def most_in_a_week(told: list[contracts.Nurture]) -> int:
    times = [promises.moment(one) for one in told if one.skipped is None and one.track != MAGNETS]
    return max((sum(end - promises.WEEK < at <= end for at in times) for end in times), default=0)
