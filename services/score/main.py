"""Score's wiring: the ruleset in force, the stage, the API. Nothing is decided here."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from services.score import api, document_api, measuring, publishing, shadow, store
from services.score.backtest import routes as backtest
from services.score.decode import decoder
from services.score.domain import publications
from services.score.domain.lead import Advised, Lead, Passed, State
from services.score.domain.publications import Rulesets, decide_in_force
from services.score.settings import Settings
from services.score.shadow import Shadows
from shared import service, settings
from shared.documents.inforce import Unusable
from shared.outcome import Decision, Outcome
from shared.stage import Input, Stage, World
from shared.topology import COMMANDS, ENRICHED, SCORED, SIGNALS

MIGRATIONS = Path(__file__).parent / "migrations"


def stage(rulesets: Rulesets, shadows: Shadows | None = None) -> Stage:
    """The stage that scores by these rulesets, and keeps what is told of those in the shadow."""

    def decide_one(world: World | Mapping[Any, Any], input_: Input) -> Outcome:
        event = input_.event
        if isinstance(event, Passed):
            return Decision()
        lead: Lead | None = world.get(event.lead_id)
        if isinstance(event, Advised) and (lead is None or lead.part != input_.part or lead.profile_version < 0):
            return Decision()  # of nobody who is known here: what a worker says may be wrong
        if lead is None:
            ruled = rulesets.at(input_.part, input_.now).seq
            lead = Lead(lead_id=event.lead_id, part=input_.part, state=State(ruled=ruled))
        return decide_in_force(lead, event, rulesets, now=input_.now, input_id=input_.event_id)

    return Stage(
        name="score",
        reads=(ENRICHED, COMMANDS, SIGNALS),
        writes=(SCORED,),
        decode=decoder(rulesets),
        load=partial(store.load, rulesets=rulesets),
        decide=decide_one,
        save=store.save,
        due=store.due(rulesets),
        inbox=True,
        same_part=True,
        documents=(rulesets,) if shadows is None else (rulesets, shadows),
        accepted=measuring.accepted,
        measure=measuring.measure,
    )


def main() -> None:
    """Runs score until it is told to stop."""
    given = settings.load(Settings)
    rulesets, shadows = started_with(given.score_ruleset), shadow.shadows()
    service.run(
        "score",
        given,
        stages=lambda _: [stage(rulesets, shadows)],
        migrations=MIGRATIONS,
        routes=lambda context: [
            api.routes(context.pool, context.send, rulesets),
            document_api.routes(),
            publishing.routes(context.pool, context.send, context.partitions, rulesets, shadows),
            backtest.routes(context.pool, given.store, context.partitions, rulesets),
        ],
        beside=lambda context: [shadow.run(context.pool, rulesets, shadows, context.partitions)],
    )


def started_with(path: Path) -> Rulesets:
    """The rulesets with the file at `path` in force before any publication, or what is wrong with it on stderr and exit code 2."""
    try:
        return publications.rulesets(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        said = f"which can't be read: {why}. Name a ruleset's file, or leave the variable out to use the shipped one."
    except Unusable as error:
        said = "\n  ".join(("which can't be used:", *error.mistakes))
    print(f"LEADFLOW_SCORE_RULESET names {path}, {said}", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    main()
