"""What a signal does to a lead. Which signals count at a moment is in advice.py; what anything else does is in decide.py."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace as with_

from services.score.domain.advice import Advice, is_newer
from services.score.domain.decide import caught_up, looked_at
from services.score.domain.inforce import InForce
from services.score.domain.lead import Advised, Lead
from services.score.domain.rescore import SIGNAL
from shared.outcome import Decision


def advised(lead: Lead, event: Advised, in_force: InForce, *, now: datetime, input_id: str) -> Decision:
    """The signal is kept, if it is the latest of its name, and said is what it changes."""
    if lead.state.absorbed_into is not None:
        return Decision()
    lead, told = caught_up(lead, in_force, now)
    state = lead.state
    one = Advice(event.name, event.value, min(event.at, now), event.expires_at, now, state.life)
    if is_newer(one, next((before for before in state.advice if before.name == one.name), None)):
        others = [before for before in state.advice if before.name != one.name]
        state = with_(state, advice=(*others, one))
        lead = with_(lead, state=state, advised=(*lead.advised, one))
        lead, changed = looked_at(lead, in_force, now, cause=SIGNAL, input_id=input_id)
        told += changed
    return Decision({lead.lead_id: lead}, told)
