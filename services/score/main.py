"""Score's wiring: the ruleset in force, the stage, the API. Nothing is decided here."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from services.score import api, document_api, store
from services.score.decode import decoder
from services.score.domain.decide import decide
from services.score.domain.document import Wrong
from services.score.domain.example import failures
from services.score.domain.inforce import InForce
from services.score.domain.lead import Lead, Passed
from services.score.domain.load import load
from services.score.settings import Settings
from shared import service, settings
from shared.outcome import Decision, Outcome
from shared.stage import Input, Stage, World
from shared.topology import COMMANDS, ENRICHED, SCORED

MIGRATIONS = Path(__file__).parent / "migrations"


def ruleset_in_force(path: Path) -> InForce:
    """The document at `path`, ready. Raises Wrong with all its mistakes, those of its own examples included, OSError or UnicodeDecodeError."""
    in_force = InForce(load(path.read_text(encoding="utf-8"), source=str(path)))
    if failed := list(failures(in_force)):
        raise Wrong(str(path), failed)
    return in_force


def stage(in_force: InForce) -> Stage:
    """The stage that scores by this ruleset."""

    def decide_one(world: World | Mapping[Any, Any], input_: Input) -> Outcome:
        event = input_.event
        if isinstance(event, Passed):
            return Decision()
        lead: Lead = world.get(event.lead_id) or Lead(lead_id=event.lead_id, part=input_.part)
        return decide(lead, event, in_force, now=input_.now, input_id=input_.event_id)

    return Stage(
        name="score",
        reads=(ENRICHED, COMMANDS),
        writes=(SCORED,),
        decode=decoder(in_force),
        load=partial(store.load, in_force=in_force),
        decide=decide_one,
        save=store.save,
        due=store.due,
        inbox=True,
        same_part=True,
    )


def main() -> None:
    """Runs score until it is told to stop."""
    given = settings.load(Settings)
    try:
        in_force = ruleset_in_force(given.score_ruleset)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        print(
            f"LEADFLOW_SCORE_RULESET names {given.score_ruleset}, which can't be read: {why}. "
            "Name a ruleset's file, or leave the variable out to use the shipped one.",
            file=sys.stderr,
        )
        raise SystemExit(2) from None
    except Wrong as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    service.run(
        "score",
        given,
        stages=lambda _: [stage(in_force)],
        migrations=MIGRATIONS,
        routes=lambda context: [api.routes(context.pool, in_force), document_api.routes()],
    )


if __name__ == "__main__":
    main()
