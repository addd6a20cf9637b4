"""What sales and operators say of a lead, and what it does to it. No IO; what the clock did before it is in decide.py."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace as with_

from services.score.domain.counting import tallied
from services.score.domain.inforce import InForce
from services.score.domain.known import Reported
from services.score.domain.lead import Judged, Lead, State, since, superseded
from services.score.domain.rescore import rescored, scored
from services.score.domain.ruleset import CUSTOMER, SQL
from shared.outcome import Decision

SENT_BACK = ("lost", "rejected", "recycled")
OUTCOMES = (*SENT_BACK, "accepted", "contacted", "meeting", "opportunity", "won")
BELOW_SQL = "MQL"


def judged(lead: Lead, event: Judged, in_force: InForce, now: datetime, input_id: str) -> Decision:
    """`won` makes a customer. What sends a lead back counts once an episode, and takes it out of SQL unless it speaks of an earlier one.

    Of several, the one that occurred last counts, whatever order they come in; none occurs after the moment it became known.
    An outcome of a lead that was never told of is kept, and nothing is said: there is no profile to say it of. Those that change nothing
    are kept too, for whoever asks how good a ruleset is.
    """
    if event.outcome not in OUTCOMES:
        return Decision()
    state = before = lead.state
    now_in = state.stage
    episode = state.episode if event.episode is None else event.episode
    reported = Reported(input_id, state.life, event.outcome, event.occurred_at, now, episode)
    lead = with_(lead, reported=(*lead.reported, reported))
    if state.known_at is None and not state.score_version:
        lead = with_(lead, state=with_(state, known_at=now))
    if state.absorbed_into is not None or event.outcome not in (*SENT_BACK, "won"):
        return Decision({lead.lead_id: lead})
    at = min(event.occurred_at, now)
    if event.outcome == "won":
        state = with_(state, customer_since=min(at, state.customer_since or at))
    else:
        if now_in == SQL and episode >= state.episode:
            now_in = BELOW_SQL
        if episode not in state.closed:
            state = with_(state, recycled=state.recycled + 1, closed=(*state.closed, episode))
        state = with_(state, sent_back_at=max(at, state.sent_back_at or at))
    if state.judged_at is None or at >= state.judged_at:
        state = with_(state, judged_at=at, won=event.outcome == "won")
        if now_in == CUSTOMER and not state.won:
            now_in = BELOW_SQL
    # A replay may bring the outcome before the activities that led to it: the next episode is the one after it all the same.
    state = with_(state, episode=max(state.episode, episode))
    known_at = since(now, before.known_at)
    if lead.profile_version < 0:
        state = with_(state, score_version=state.score_version + 1, known_at=known_at)
        return Decision({lead.lead_id: with_(lead, state=state, former=superseded(lead, state))})
    return _scored_anew(lead, state, before, in_force, now, now_in=now_in, may_enter_sql=False, input_id=input_id)


def barred(lead: Lead, in_force: InForce, now: datetime, input_id: str) -> Decision:
    """Disqualified by an operator, for good: nothing that the lead does qualifies it. What is a customer stays one."""
    before = lead.state
    if before.barred:
        return Decision()
    state = with_(before, barred=True)
    if before.absorbed_into is not None or lead.profile_version < 0:
        state = with_(state, known_at=since(now, before.known_at))
        return Decision({lead.lead_id: with_(lead, state=state, former=superseded(lead, state))})
    may_enter_sql = state.may_enter_sql
    return _scored_anew(
        lead, state, before, in_force, now, now_in=state.stage, may_enter_sql=may_enter_sql, input_id=input_id
    )


def _scored_anew(
    lead: Lead,
    state: State,
    before: State,
    in_force: InForce,
    now: datetime,
    *,
    now_in: str,
    may_enter_sql: bool,
    input_id: str,
) -> Decision:
    """Scores a lead once people have decided on it: `state` is what they made of what the lead was, and it is told what it was `before`."""
    counted = tallied(in_force, lead, now)
    after, points = rescored(
        state,
        in_force,
        counted,
        profile=lead.profile,
        absorbed=state.absorbed,
        now=now,
        now_in=now_in,
        may_enter_sql=may_enter_sql,
    )
    after = with_(after, known_at=since(now, before.known_at))
    lead = with_(lead, state=after, history=counted.past, former=superseded(lead, after))
    outgoing = scored(lead, before, points, in_force, input_id=input_id, cause="outcome")
    return Decision({lead.lead_id: lead}, (outgoing,))
