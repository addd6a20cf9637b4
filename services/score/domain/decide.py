"""What one event does to one lead, and what is told of it. No IO: the lead comes in, a Decision goes out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace as with_

from services.score.domain import history as histories
from services.score.domain.history import History
from services.score.domain.inforce import InForce
from services.score.domain.lead import Absorbed, Event, Judged, Kept, Lead, State, Told
from services.score.domain.ruleset import CUSTOMER, SQL
from services.score.domain.score import score
from services.score.domain.stage import stage_of
from services.score.domain.tally import Tally, advance, is_in_order
from shared import ids
from shared.contracts import Contribution, Points, RulesetRef
from shared.outcome import Decision, Outgoing
from shared.topology import SCORED

SENT_BACK = ("lost", "rejected", "recycled")
_BELOW_SQL = "MQL"


class Scored(Struct, kw_only=True, omit_defaults=True, gc=False):
    """contracts.Scored, with enrich's data as the bytes it came in."""

    event_id: str
    lead_id: str
    score_version: int
    score: Points
    grade: str
    stage: str
    previous_stage: str
    stage_since: datetime
    ruleset: RulesetRef
    cause: str
    contributions: list[Contribution]
    profile: Raw
    segments: list[str]
    episode: int
    activity: Raw | None = None
    first_touch: Raw | None = None
    last_touch: Raw | None = None
    absorbed: tuple[str, ...] | None = None


def decide(lead: Lead, event: Event, in_force: InForce, *, now: datetime, input_id: str) -> Decision:
    """What `event` does to `lead`: the lead as it is after, and one lead.scored where the event ends here.

    `lead` is what load found, or a new one. Two events of one lead in a batch: the second gets what the first returned.
    """
    match event:
        case Told():
            return _told(lead, event, in_force, now, input_id)
        case Judged():
            return _judged(lead, event, in_force, now, input_id)
        case Absorbed():
            # Enrich sends its activities again under the survivor, whose next lead.scored names it: nothing is told here.
            state = State(
                absorbed_into=event.survivor, score_version=lead.state.score_version, episode=lead.state.episode
            )
            return Decision({lead.lead_id: Lead(lead_id=lead.lead_id, part=lead.part, state=state)})
        case _:
            return Decision()


def _told(lead: Lead, event: Told, in_force: InForce, now: datetime, input_id: str) -> Decision:
    if lead.state.absorbed_into is not None:
        return Decision()  # older than the merge, which has sent it again: it ends under the survivor
    lead = _with_activity(_under(in_force, lead), event, in_force, now)
    if event.profile_version >= lead.profile_version:
        lead = with_(
            lead,
            profile=event.profile,
            profile_version=event.profile_version,
            first_touch=event.first_touch,
            last_touch=event.last_touch,
            state=lead.state if event.profile == lead.profile else with_(lead.state, fit=None),
        )
    state = lead.state
    if event.joined:
        absorbed = tuple(dict.fromkeys((*state.absorbed, *(one for one in event.joined if one != lead.lead_id))))
        lead = with_(lead, state=with_(state, absorbed=absorbed))
    may_enter_sql = state.sent_back_at is None or (event.fact.human and event.fact.at > state.sent_back_at)
    return _rescored(lead, in_force, now=now, input_id=input_id, may_enter_sql=may_enter_sql, activity=event)


def _judged(lead: Lead, event: Judged, in_force: InForce, now: datetime, input_id: str) -> Decision:
    """`won` makes a customer. What sends a lead back counts once an episode, and takes it out of SQL unless it speaks of an earlier one.

    Of several, the one that occurred last counts, whatever order they come in; none occurs after the moment it became known.
    An outcome of a lead that was never told of is kept, and nothing is said: there is no profile to say it of.
    """
    state = lead.state
    if state.absorbed_into is not None or event.outcome not in (*SENT_BACK, "won"):
        return Decision()
    at = min(event.occurred_at, now)
    now_in = state.stage
    episode = state.episode if event.episode is None else event.episode
    if event.outcome == "won":
        state = with_(state, customer_since=min(at, state.customer_since or at))
    else:
        if now_in == SQL and episode >= state.episode:
            now_in = _BELOW_SQL
        if episode not in state.closed:
            state = with_(state, recycled=state.recycled + 1, closed=(*state.closed, episode))
        state = with_(state, sent_back_at=max(at, state.sent_back_at or at))
    if state.judged_at is None or at >= state.judged_at:
        state = with_(state, judged_at=at, won=event.outcome == "won")
        if now_in == CUSTOMER and not state.won:
            now_in = _BELOW_SQL
    # A replay may bring the outcome before the activities that led to it: the next episode is the one after it all the same.
    state = with_(state, episode=max(state.episode, episode))
    lead = with_(lead, state=state)
    if lead.profile_version < 0:
        return Decision({lead.lead_id: with_(lead, state=with_(state, score_version=state.score_version + 1))})
    lead = _under(in_force, lead)
    return _rescored(lead, in_force, now=now, input_id=input_id, may_enter_sql=False, now_in=now_in)


def _under(in_force: InForce, lead: Lead) -> Lead:
    """The lead counted by the ruleset in force: from its activities again, where its state is of another one."""
    fingerprint = in_force.ruleset.fingerprint
    if lead.state.fingerprint == fingerprint:
        return lead
    tally, past = Tally(), None
    if lead.state.fingerprint:
        past = _history(lead, in_force)
        tally = histories.tally(past, in_force.ruleset)
    return with_(lead, history=past, state=with_(lead.state, fingerprint=fingerprint, tally=tally, fit=None))


def _with_activity(lead: Lead, event: Told, in_force: InForce, now: datetime) -> Lead:
    fact, tally, past = event.fact, lead.state.tally, lead.history
    if past is None and lead.bodies is not None:
        past = _history(lead, in_force)
        lead = with_(lead, history=past)
    if past is None:
        if lead.known.get(fact.id, -1) >= fact.revision:
            return lead
        if fact.id in lead.known or not is_in_order(tally, fact):
            raise LookupError("an activity came late or changed, and its lead's activities were not loaded")
        tally = advance(tally, fact, in_force.ruleset)
    else:
        if fact.id in past.facts and past.facts[fact.id].revision >= fact.revision:
            return lead
        past, tally = histories.changed(past, tally, fact, in_force.ruleset)
    kept = (*lead.kept, Kept(fact, event.activity, now))
    return with_(lead, history=past, kept=kept, state=with_(lead.state, tally=tally))


def _history(lead: Lead, in_force: InForce) -> History:
    if lead.history is not None:
        return lead.history
    if lead.bodies is None:
        raise LookupError("the ruleset is another one, and the lead's activities were not loaded")
    return histories.history(map(in_force.fact, lead.bodies), in_force.ruleset)


def _rescored(
    lead: Lead,
    in_force: InForce,
    *,
    now: datetime,
    input_id: str,
    may_enter_sql: bool,
    now_in: str | None = None,
    activity: Told | None = None,
) -> Decision:
    """The lead with its points, grade and stage as they are now, and the lead.scored that says so."""
    ruleset, before = in_force.ruleset, lead.state
    roots = _roots(lead, in_force)
    fit, excluded = before.fit, before.excluded
    if fit is None or in_force.looks_at_lead:
        fit, excluded = in_force.on_profile(roots)
    points = score(in_force, fit=fit, excluded=excluded, tally=before.tally)
    roots |= {"total": points.total / 100, "fit": points.fit / 100, "engagement": points.engagement / 100}
    stage = stage_of(
        in_force,
        now_in or before.stage,
        points,
        roots=roots,
        excluded=bool(excluded),
        won=before.won,
        may_enter_sql=may_enter_sql,
    )
    is_change = stage != before.stage
    after = with_(
        before,
        fit=fit,
        excluded=excluded,
        total=points.total,
        fit_points=points.fit,
        engagement=points.engagement,
        grade=ruleset.grades.of(points.fit, points.engagement),
        stage=stage,
        previous_stage=before.stage if is_change else before.previous_stage,
        stage_since=now if is_change or before.stage_since is None else before.stage_since,
        score_version=before.score_version + 1,
        episode=before.episode + (is_change and stage == SQL),
    )
    # The id tells the cause and not the score's version: a replay that meets outcomes earlier or later names it the same.
    revision = activity.fact.revision if activity is not None else 0
    event_id = ids.event_id("score", input_id, lead.lead_id, revision, "lead.scored")
    scored = Scored(
        event_id=event_id,
        lead_id=lead.lead_id,
        score_version=after.score_version,
        score=Points(total=points.total / 100, fit=points.fit / 100, engagement=points.engagement / 100),
        grade=after.grade,
        stage=stage,
        previous_stage=before.stage,
        stage_since=after.stage_since or now,
        ruleset=in_force.ref,
        cause="outcome" if activity is None else activity.fact.id,
        contributions=points.contributions,
        profile=Raw(lead.profile),
        segments=[],
        episode=after.episode,
        activity=None if activity is None else Raw(activity.activity),
        first_touch=Raw(lead.first_touch) if lead.first_touch else None,
        last_touch=Raw(lead.last_touch) if lead.last_touch else None,
        absorbed=after.absorbed or None,
    )
    return Decision(
        {lead.lead_id: with_(lead, state=after)}, [Outgoing(SCORED, lead.lead_id, "lead.scored", event_id, scored)]
    )


def _roots(lead: Lead, in_force: InForce) -> dict[str, Any]:
    """What conditions see of a lead. The profile is read only where one looks at it."""
    state = lead.state
    about: dict[str, Any] = {"activities": state.tally.kinds, "recycled": state.recycled}
    if state.customer_since is not None:
        about["customer_since"] = state.customer_since
    if state.fit is None or in_force.looks_at_lead or in_force.stages_look_at_profile:
        return {"lead": about, "profile": msgspec.json.decode(lead.profile)}
    return {"lead": about}
