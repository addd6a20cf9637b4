"""What can happen to a handful of leads, at random: activities early and late, revisions, profiles, outcomes, merges and splits. For tests."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

from tests.unit.score.builders import BUSINESS, READY, an_activity, enriched, outcome

LEADS = 5
_PROFILES = (BUSINESS, READY, {"country": "DE"})


def happening(
    chance: random.Random, now: datetime, said: dict[tuple[str, int], dict[str, Any]]
) -> tuple[str, dict[str, Any]]:
    """The type and the value of a record that comes at `now`. `said` remembers what was said under a revision, for ever the same."""
    lead_id, other = (f"ld_{number}" for number in chance.sample(range(LEADS), 2))
    event_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    match chance.choices(("told", "outcome", "merged", "split"), (80, 8, 6, 6))[0]:
        case "outcome":
            word = chance.choice(["accepted", "rejected", "won", "lost", "recycled"])
            episode = chance.choice([None, None, 1, 2])
            handover = f"ho_{lead_id}_{episode}_1" if episode else None
            at = now - timedelta(minutes=chance.randint(-5, 300))
            told = outcome(word, at=at, lead_id=lead_id, handover_id=handover)
            return "lead.command", {**told, "event_id": event_id}
        case "merged":
            return "lead.merged", {"event_id": event_id, "survivor": other, "absorbed": lead_id, "because": ""}
        case "split":
            return "lead.split", {"event_id": event_id, "lead_id": other, "restored": lead_id}
    number, revision = chance.randint(0, 12), chance.choice([0, 0, 0, 1, 2, 3])
    activity = an_activity(
        number,
        at=now - timedelta(minutes=chance.choice([0, 0, 0, 1, chance.randint(-300, 6000)])),
        revision=revision,
        kind=chance.choice(["form", "page", "track"]),
        name=chance.choice(["a", "ab", "b", "contact", "magnet-a", "demo"]),
        path=chance.choice([None, "/pricing", "/careers/it"]),
        human=chance.choice([0.1, 0.5, 1.0, 1.0]),
        property=chance.choice(["www", "shop"]),
        withdrawn=chance.choice([None, None, None, None, True]),
    )
    version = chance.randint(0, 40)
    touch = {"last_touch": {"channel": chance.choice(["direct", "email"])}} if chance.random() < 0.5 else {}
    return "lead.enriched", enriched(
        said.setdefault((activity["id"], revision), activity),
        lead_id=lead_id,
        profile=_PROFILES[version % len(_PROFILES)],
        profile_version=version,
        event_id=event_id,
        **touch,
        **({"joined": [other]} if chance.random() < 0.05 else {}),
        **({"restored": [other]} if chance.random() < 0.05 else {}),
        **({"history": True} if chance.random() < 0.05 else {}),
    )
