"""Abuse, attack after attack: every connection ends in time with its own answers, memory stays flat, the honest sender is served. `make abuse` times it."""

from __future__ import annotations

import pytest

from tests.abuse.floods import ATTACKS
from tests.abuse.siege import besieged

_TAKES_LONG = "silent_after_a_request"  # over a minute: keep-alive


@pytest.mark.slow  # minutes
@pytest.mark.timeout(500)
async def test_whoever_abuses_the_door_is_shown_out_and_nobody_else_notices(kafka: str, store: str) -> None:
    attacks = [attack for attack in ATTACKS if attack != _TAKES_LONG]
    told = await besieged(kafka, store, [[attack] for attack in attacks], seconds=5, timed=False)
    assert [one.attack for one in told] == attacks
    assert {one.attack: one.broken for one in told if one.broken} == {}
