"""What one event does to one lead, and what is told of it. No IO: the lead comes in, a Decision goes out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace as with_

from services.score.domain import history as histories
from services.score.domain.history import History
from services.score.domain.inforce import Fact, InForce
from services.score.domain.lead import Absorbed, Event, Judged, Kept, Lead, Restored, State, Told
from services.score.domain.ruleset import CUSTOMER, SQL
from services.score.domain.score import score
from services.score.domain.stage import stage_of
from services.score.domain.tally import Tally, advance, is_in_order
from shared import ids
from shared.contracts import Points, RulesetRef
from shared.outcome import Decision, Outgoing
from shared.topology import SCORED

SENT_BACK = ("lost", "rejected", "recycled")
_BELOW_SQL = "MQL"
_NO_TALLY = Tally()
_NO_SEGMENTS: list[str] = []


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
    contributions: Raw
    profile: Raw
    segments: list[str]
    episode: int
    activity: Raw | None = None
    first_touch: Raw | None = None
    last_touch: Raw | None = None
    absorbed: tuple[str, ...] | None = None
    restored: tuple[str, ...] | None = None


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
        case Restored():
            if lead.state.absorbed_into is None:
                return Decision()  # its own activities have told that already
            # Enrich sends its activities again: they score it anew. What it has been stays: its next stay in SQL is another episode.
            state = State(score_version=lead.state.score_version, episode=lead.state.episode)
            return Decision({lead.lead_id: Lead(lead_id=lead.lead_id, part=lead.part, state=state, bodies=())})
        case _:
            return Decision()


def _told(lead: Lead, event: Told, in_force: InForce, now: datetime, input_id: str) -> Decision:
    state = lead.state
    if state.absorbed_into is not None:
        return Decision()  # older than the merge, which has sent it again: it ends under the survivor
    tally, past, fit = _counted(in_force, lead)
    tally, past, is_new = _with_activity(lead, tally, past, event.fact, in_force)
    profile, version, first_touch, last_touch = lead.profile, lead.profile_version, lead.first_touch, lead.last_touch
    if event.profile_version >= version:
        if event.profile != profile:
            profile, fit = event.profile, None
        version, first_touch, last_touch = event.profile_version, event.first_touch, event.last_touch
    absorbed = state.absorbed
    if event.joined:
        absorbed = tuple(dict.fromkeys((*absorbed, *(one for one in event.joined if one != lead.lead_id))))
    if event.restored:
        absorbed = tuple([one for one in absorbed if one not in event.restored])
    # Made once, with all that changed: each copy of a lead or of its state costs.
    lead = Lead(
        lead_id=lead.lead_id,
        part=lead.part,
        profile=profile,
        profile_version=version,
        first_touch=first_touch,
        last_touch=last_touch,
        state=state,
        known=lead.known,
        bodies=lead.bodies,
        history=past,
        kept=(*lead.kept, Kept(event.fact, event.activity, now)) if is_new else lead.kept,
    )
    may_enter_sql = not event.history and (
        state.sent_back_at is None or (event.fact.human and event.fact.at > state.sent_back_at)
    )
    return _rescored(
        lead,
        in_force,
        (tally, fit, absorbed),
        now=now,
        input_id=input_id,
        now_in=state.stage,
        may_enter_sql=may_enter_sql,
        activity=event,
    )


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
    tally, past, fit = _counted(in_force, lead)
    lead = with_(lead, history=past)
    return _rescored(
        lead, in_force, (tally, fit, state.absorbed), now=now, input_id=input_id, now_in=now_in, may_enter_sql=False
    )


def _counted(in_force: InForce, lead: Lead) -> tuple[Tally, History | None, tuple[int, ...] | None]:
    """What the lead's activities come to, their history where it was read, and its fit rules where they were asked, under the
    ruleset in force: from its activities again, where its state is of another one."""
    state = lead.state
    if state.fingerprint == in_force.ruleset.fingerprint:
        return state.tally, lead.history, state.fit
    if not state.fingerprint:
        return _NO_TALLY, None, None
    past = _history(lead, in_force)
    return histories.tally(past, in_force.ruleset), past, None


def _with_activity(
    lead: Lead, tally: Tally, past: History | None, fact: Fact, in_force: InForce
) -> tuple[Tally, History | None, bool]:
    """Tally and history with one more activity, and whether it said anything new."""
    if past is None and lead.bodies is not None:
        past = _history(lead, in_force)
    if past is None:
        if lead.known.get(fact.id, -1) >= fact.revision:
            return tally, None, False
        if fact.id in lead.known or not is_in_order(tally, fact):
            raise LookupError("an activity came late or changed, and its lead's activities were not loaded")
        return advance(tally, fact, in_force.ruleset), None, True
    if fact.id in past.facts and past.facts[fact.id].revision >= fact.revision:
        return tally, past, False
    past, tally = histories.changed(past, tally, fact, in_force.ruleset)
    return tally, past, True


def _history(lead: Lead, in_force: InForce) -> History:
    if lead.history is not None:
        return lead.history
    if lead.bodies is None:
        raise LookupError("the ruleset is another one, and the lead's activities were not loaded")
    return histories.history(map(in_force.fact, lead.bodies), in_force.ruleset)


def _rescored(
    lead: Lead,
    in_force: InForce,
    counted: tuple[Tally, tuple[int, ...] | None, tuple[str, ...]],
    *,
    now: datetime,
    input_id: str,
    now_in: str,
    may_enter_sql: bool,
    activity: Told | None = None,
) -> Decision:
    """The lead with its points, grade and stage as they are now, and the lead.scored that says so.

    `counted` is what its activities come to, the fit rules that hold where they were asked, and the leads that it absorbed.
    """
    ruleset, before = in_force.ruleset, lead.state
    tally, fit, absorbed = counted
    excluded = before.excluded
    if fit is None or in_force.looks_at_lead:
        fit, excluded = in_force.on_profile(lead.profile, _about(before, tally))
    points = score(in_force, fit=fit, excluded=excluded, tally=tally)

    def roots() -> dict[str, Any]:
        found = {
            "lead": _about(before, tally),
            "total": points.total / 100,
            "fit": points.fit / 100,
            "engagement": points.engagement / 100,
        }
        if in_force.stages_look_at_profile:
            found["profile"] = msgspec.json.decode(lead.profile)
        return found

    stage = stage_of(
        in_force, now_in, points, roots=roots, excluded=bool(excluded), won=before.won, may_enter_sql=may_enter_sql
    )
    is_change = stage != before.stage
    since = now if is_change or before.stage_since is None else before.stage_since
    version = before.score_version + 1
    grade = ruleset.grades.of(points.fit, points.engagement)
    episode = before.episode + 1 if is_change and stage == SQL else before.episode
    after = State(
        ruleset.fingerprint,
        tally,
        fit,
        excluded,
        points.total,
        points.fit,
        points.engagement,
        grade,
        stage,
        before.stage if is_change else before.previous_stage,
        since,
        version,
        episode,
        before.recycled,
        before.sent_back_at,
        before.judged_at,
        before.won,
        before.customer_since,
        absorbed,
        before.absorbed_into,
        before.closed,
    )
    lead_id = lead.lead_id
    # The id tells the cause and not the score's version: a replay that meets outcomes earlier or later names it the same.
    revision = activity.fact.revision if activity is not None else 0
    event_id = ids.event_id("score", input_id, lead_id, revision, "lead.scored")
    scored = Scored(
        event_id=event_id,
        lead_id=lead_id,
        score_version=version,
        score=Points(total=points.total / 100, fit=points.fit / 100, engagement=points.engagement / 100),
        grade=grade,
        stage=stage,
        previous_stage=before.stage,
        stage_since=since,
        ruleset=in_force.ref,
        cause="outcome" if activity is None else activity.fact.id,
        contributions=points.contributions,
        profile=Raw(lead.profile),
        segments=_NO_SEGMENTS,
        episode=episode,
        activity=None if activity is None else Raw(activity.activity),
        first_touch=Raw(lead.first_touch) if lead.first_touch else None,
        last_touch=Raw(lead.last_touch) if lead.last_touch else None,
        absorbed=absorbed or None,
        restored=(activity.restored or None) if activity is not None else None,
    )
    return Decision({lead_id: with_(lead, state=after)}, (Outgoing(SCORED, lead_id, "lead.scored", event_id, scored),))


def _about(state: State, tally: Tally) -> dict[str, Any]:
    """What conditions see of a lead beside its profile."""
    about: dict[str, Any] = {"activities": tally.kinds, "recycled": state.recycled}
    if state.customer_since is not None:
        about["customer_since"] = state.customer_since
    return about
