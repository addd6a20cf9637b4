"""Broken bodies through the whole door and on to enrich; `make fuzz` goes on with it for ten minutes."""

from __future__ import annotations

from hypothesis import given, settings

from tests.unit.capture import fuzz


@settings(deadline=None, max_examples=150)
@given(fuzz.bodies())
async def test_no_body_breaks_the_door_or_reaches_enrich_broken(found: tuple[str, str, bytes]) -> None:
    await fuzz.holds(*found)


async def test_the_bodies_are_right_before_they_are_made_worse() -> None:
    for (path, media), body in fuzz.SEEDS.items():
        await fuzz.holds(path, media, body)
