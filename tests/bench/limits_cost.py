"""CPU that keys, limits and marks cost capture for each event: the same posts, bytes in and bytes out, with them and without them in turn.

python -m tests.bench.limits_cost [--pairs 60] [--posts 500]

One process, no socket, no Kafka: the wire and the door as they are, a writer that keeps nothing. Without: every key is the one
property's at once, no rate, no quota, no mark but those that the form's own fields make. With: the rates of the settings' defaults, a
quota, public addresses, the marks. The two take turns of fifty posts within a pair, so that what else the machine does meets both; the
collector is set as main.py sets it. The median of the pairs' differences, and the interval that holds it in 95 of 100 such runs (by ranks).
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import uvloop

from services.capture.limits import Limits, Rates
from services.capture.quota import Quota
from services.capture.settings import Settings
from tests.bench import in_turn
from tests.bench.posting import CALL, CONNECTIONS, FORM, Forgetful, Side, posts_of, without_limits
from tests.unit.capture.door import Visitor, a_property


def _with() -> Side:
    fields = Settings.model_fields
    rates = Rates(
        key_events=fields["key_events_per_second"].default,
        address_requests=fields["address_requests_per_second"].default,
        address_invalid=fields["address_invalid_per_second"].default,
    )
    owner = replace(a_property(), quota=10**12)
    limits = Limits(rates, Quota("postgresql://nobody@127.0.0.1:9/none"))
    return Side(Visitor(owner, durable=Forgetful(), limits=limits), lambda _: ExitStack())


def _without() -> Side:
    return Side(Visitor(a_property(), durable=Forgetful()), without_limits)


def _pair(posts: list[bytes], first_off: bool) -> tuple[float, float]:
    """Seconds of CPU: without, and with."""
    return uvloop.run(_turns(posts, first_off=first_off))


async def _turns(posts: list[bytes], *, first_off: bool) -> tuple[float, float]:
    made = {side: side() for side in ((_without, _with) if first_off else (_with, _without))}
    off, on = made[_without], made[_with]
    for at in range(0, len(posts), CONNECTIONS):
        for side in (off, on) if at // CONNECTIONS % 2 else (on, off):
            await side.turn(posts[at : at + CONNECTIONS])
    off.close()
    on.close()
    return off.seconds, on.seconds


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--posts", type=int, default=500)
    given = parser.parse_args()
    count = given.posts // CONNECTIONS * CONNECTIONS
    in_turn.as_a_service_collects()
    for name, path, media, body in (
        ("track", "/v1/track", "application/json", CALL),
        ("form", "/v1/forms/contact", "application/x-www-form-urlencoded", FORM),
    ):
        posts = list(posts_of(path, media, body, count))
        in_turn.compared(
            partial(_pair, posts),
            name=name,
            pairs=given.pairs,
            each=count,
            what="posts",
        )


if __name__ == "__main__":
    main()
