"""CPU that metrics cost for each lead: the same requests and the same batches with metrics and without them in turn.

python -m tests.bench.metrics_cost [--pairs 24] [--leads 400]

One process, no socket, no Kafka, no Postgres. Capture: form posts through wire and door, with the requests counted or not. Score: lead.enriched
through decode, fold and what is measured of a batch before and after Kafka's acknowledgement, or nothing of it. Enrich and route do a part of what
score does (no funnel; route looks only at what it hands over or nurtures), so that a lead costs at most what capture does and three times what score
does. Both sides take turns within a pair. Prints the median of the pairs' differences.
"""

from __future__ import annotations

import argparse
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta
from unittest.mock import patch

import uvloop

from shared import accepted, batch
from shared.fold import Folded, fold
from shared.outcome import Reject
from shared.runner import sending
from shared.stage import Input, Record
from tests.bench import in_turn
from tests.bench.posting import CONNECTIONS, FORM, Forgetful, Side, posts_of, without_limits
from tests.unit.capture.door import Visitor, a_property
from tests.unit.score.builders import NOON, READY, Desk, a_record, an_activity, enriched

_BATCH = 100
_MOMENTS = (0.0, 0.001, 0.002, 0.003, 0.004, 0.005)


def _records(count: int) -> list[Record]:
    touch = {"at": NOON.isoformat(), "channel": "paid-search"}
    received = (NOON - timedelta(milliseconds=90)).isoformat()
    found = []
    for number in range(count):
        activity = an_activity(number, name="demo", revision=1, received_at=received)
        told = enriched(activity, lead_id=f"ld_{number}", profile=READY, first_touch=touch, last_touch=touch)
        found.append(a_record({**told, "event_id": str(uuid.UUID(int=number))}))
    return found


def _score(records: Sequence[Record], *, on: bool) -> float:
    """Seconds of CPU for these records."""
    stage = Desk().stage
    began = time.process_time()
    for first in range(0, len(records), _BATCH):
        decoded = [stage.decode(one) for one in records[first : first + _BATCH]]
        inputs: list[Input] = [one for one in decoded if one is not None and not isinstance(one, Reject)]
        done: Folded = fold(stage, {}, inputs, partitions=4, refused={})
        if not on:
            continue
        batch._measure(stage, done, len(inputs), 0, _MOMENTS)
        assert stage.measure is not None
        stage.measure(done.told)
        sending._measure(batch.Written({}, {}, frozenset(), accepted.of(stage, done.told)))
    return time.process_time() - began


async def _posts(posts: list[bytes], *, first_on: bool) -> tuple[float, float]:
    """Seconds of CPU for these posts: without, and with."""
    sides = {on: Side(Visitor(a_property(), durable=Forgetful()), without_limits) for on in (first_on, not first_on)}
    for at in range(0, len(posts), CONNECTIONS):
        some = posts[at : at + CONNECTIONS]
        for on in (first_on, not first_on):
            if on:
                await sides[True].turn(some)
            else:
                with patch("services.capture.wire.answered", lambda *_, **__: None):
                    await sides[False].turn(some)
    for side in sides.values():
        side.close()
    return sides[False].seconds, sides[True].seconds


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--leads", type=int, default=400)
    given = parser.parse_args()
    leads = given.leads // _BATCH * _BATCH
    in_turn.as_a_service_collects()
    posts = list(posts_of("/v1/forms/contact", "application/x-www-form-urlencoded", FORM, leads))
    records = _records(leads)

    def scored(first_off: bool) -> tuple[float, float]:
        took = {on: _score(records, on=on) for on in (not first_off, first_off)}
        return took[False], took[True]

    def posted(first_off: bool) -> tuple[float, float]:
        return uvloop.run(_posts(posts, first_on=not first_off))

    door = in_turn.compared(posted, name="capture", pairs=given.pairs, each=leads, what="leads")
    stage = in_turn.compared(scored, name="score", pairs=given.pairs, each=leads, what="leads")
    print(f"a lead, at most: {door + 3 * stage:.1f} us")


if __name__ == "__main__":
    main()
