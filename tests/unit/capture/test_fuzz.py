"""Broken bodies through the whole door and on to route; `make fuzz` goes on with it for ten minutes."""

from __future__ import annotations

import itertools

import msgspec
from hypothesis import given, settings

from tests.unit.capture import fuzz
from tests.unit.capture.vendors.test_table import BODIES


@settings(deadline=None, max_examples=150)
@given(fuzz.bodies())
async def test_no_body_breaks_the_door_or_reaches_the_others_broken(found: tuple[str, str, bytes]) -> None:
    await fuzz.holds(found)


async def test_nothing_that_breaks_decoders_breaks_them_at_the_beginning_of_any_value() -> None:
    for found in itertools.islice(fuzz.one_by_one(), 0, None, 13):  # `make fuzz` takes all
        await fuzz.holds(found)


@settings(deadline=None, max_examples=100)
@given(fuzz.posts())
async def test_no_vendors_post_does(found: tuple[str, bytes]) -> None:
    await fuzz.hook_holds(found)


@settings(deadline=None, max_examples=50)
@given(fuzz.fetched())
async def test_no_answer_of_a_vendor_does(found: tuple[str, bytes]) -> None:
    await fuzz.answer_holds(found)


async def test_the_bodies_are_right_before_they_are_made_worse() -> None:
    for (path, media), body in fuzz.SEEDS.items():
        await fuzz.holds((path, media, body))
    for vendor, body in BODIES.items():
        await fuzz.hook_holds((vendor, body))
    for vendor, said in fuzz.ANSWERS.items():
        await fuzz.answer_holds((vendor, msgspec.json.encode(said)))
