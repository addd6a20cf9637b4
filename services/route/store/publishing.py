"""Which numbers have a routing document in force that their queue and handovers were not looked at by yet, and what it may concern."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import Any

from services.route.domain.lifecycle import OPEN
from services.route.domain.publishing import Affected, Published
from services.route.domain.routing import Routing
from services.route.domain.state import Key
from shared import ids
from shared.documents.inforce import BEFORE_ANY, Documents
from shared.stage import Input, Tx

# By which document these numbers were looked at.
ROUTED = "SELECT part, version FROM routed WHERE part = ANY ($1::int[])"

# The leads of a number that wait.
WAITING = "SELECT lead_id FROM queue WHERE part = $1 AND scored <> '' ORDER BY since, lead_id"

# The open handovers of a number whose owner is not among these.
LEFT = """
SELECT lead_id, handover_id FROM handover
 WHERE part = $1 AND owner <> ALL ($2::text[]) AND state = ANY ($3::text[]) AND withdrawn_at IS NULL
 ORDER BY created_at, handover_id
"""

# These numbers were looked at by these documents.
SAVE = """
INSERT INTO routed (part, version) SELECT * FROM unnest($1::int[], $2::text[])
ON CONFLICT (part) DO UPDATE SET version = excluded.version
"""


class Publications:
    """Of one instance: finds numbers whose document is another one than before. Remembers what is known to be done, so that rest costs nothing."""

    def __init__(self, routings: Documents[Routing]) -> None:
        self._routings = routings
        self._done: dict[int, str] = {}

    async def due(self, tx: Tx, until: Mapping[int, datetime]) -> list[Input]:
        """An input for each number that is to be looked at by its document: at the moment of the publication, or now where a file came
        with a start."""
        latest = {part: self._routings.latest(part) for part in until}
        asked = [part for part, standing in latest.items() if self._done.get(part) != standing.version]
        if not asked:
            return []
        rows = await tx.fetch(ROUTED, asked)
        self._done |= {row["part"]: row["version"] for row in rows}
        found = []
        for part in asked:
            standing = latest[part]
            at = until[part] if standing.seq == BEFORE_ANY else standing.at
            if self._done.get(part) != standing.version and at <= until[part]:
                event = Published(standing.version, tuple(standing.document.owners))
                id_ = ids.event_id("route", standing.version, str(part), standing.seq + 1, "routing")
                found.append(Input(id_, event, at, part))
        return found


async def load(tx: Tx, world: MutableMapping[Hashable, Any], inputs: Sequence[Input]) -> None:
    """What documents that came into force may concern."""
    for input_ in inputs:
        if type(input_.event) is not Published:
            continue
        # The timers that are set may be set again without harm: nobody else sets them.
        waiting = [row[0] for row in await tx.fetch(WAITING, input_.part)]
        left = [tuple(row) for row in await tx.fetch(LEFT, input_.part, list(input_.event.owners), sorted(OPEN))]
        world[Key("affected", str(input_.part))] = Affected(waiting, left)


async def save(tx: Tx, changes: Mapping[Hashable, Any]) -> None:
    """By which document numbers were looked at."""
    routed = [(int(key.id), value) for key, value in changes.items() if type(key) is Key and key.kind == "routed"]
    if routed:
        await tx.execute(SAVE, *map(list, zip(*routed, strict=True)))
