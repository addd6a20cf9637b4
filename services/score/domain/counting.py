"""What a lead's activities come to under the ruleset in force: its tally as it was kept, one activity further, or all of them counted again."""

from __future__ import annotations

from datetime import datetime

from services.score.domain import history as histories
from services.score.domain.history import History
from services.score.domain.inforce import Fact, InForce
from services.score.domain.lead import Lead
from services.score.domain.rescore import Tallied
from services.score.domain.tally import Tally, advance, is_enough, is_in_order

_NO_TALLY = Tally()


def tallied(in_force: InForce, lead: Lead, now: datetime) -> Tallied:
    """What the lead's activities come to under the ruleset in force: from all of them again, where its state is of another one or its
    tally does not tell what they are worth now."""
    state = lead.state
    if not state.fingerprint:
        return Tallied(_NO_TALLY, lead.history, None)
    is_ours = state.fingerprint == in_force.ruleset.fingerprint
    # Where its activities were not loaded, load has asked whether the tally is enough.
    is_loaded = lead.history is not None or lead.bodies is not None
    if is_ours and (not is_loaded or is_enough(state.tally, in_force.ruleset, now)):
        return Tallied(state.tally, lead.history, state.fit)
    past = _history(lead, in_force)
    return Tallied(histories.tally(past, in_force.ruleset, seen=now), past, state.fit if is_ours else None)


def with_activity(lead: Lead, counted: Tallied, fact: Fact, in_force: InForce, now: datetime) -> tuple[Tallied, bool]:
    """What counts with one more activity, and whether it said anything new."""
    tally, past, fit = counted
    if past is None and lead.bodies is not None:
        past = _history(lead, in_force)
    if past is None:
        if lead.known.get(fact.id, -1) >= fact.revision:
            return counted, False
        if fact.id in lead.known or not is_in_order(tally, fact):
            raise LookupError("an activity came late or changed, and its lead's activities were not loaded")
        return Tallied(advance(tally, fact, in_force.ruleset), None, fit), True
    if fact.id in past.facts and past.facts[fact.id].revision >= fact.revision:
        return Tallied(tally, past, fit), False
    past, tally = histories.changed(past, tally, fact, in_force.ruleset, seen=now)
    return Tallied(tally, past, fit), True


def _history(lead: Lead, in_force: InForce) -> History:
    if lead.history is not None:
        return lead.history
    if lead.bodies is None:
        raise LookupError("the ruleset is another one, and the lead's activities were not loaded")
    return histories.history(map(in_force.fact, lead.bodies))
