"""What one event does to one lead, and what is told of it. No IO: the lead comes in, a Decision goes out. What the clock does comes first.
What sales and operators say is in judging.py, what activities come to in counting.py."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace as with_

from services.score.domain.counting import tallied, with_activity
from services.score.domain.inforce import InForce
from services.score.domain.judging import barred, judged
from services.score.domain.lead import (
    Absorbed,
    Barred,
    Due,
    Event,
    Judged,
    Kept,
    Lead,
    Restored,
    State,
    Told,
    since,
    superseded,
)
from services.score.domain.rescore import CLOCK, RULESET, Tallied, rescored, scored
from services.score.domain.review import EVER
from shared import clock, ids
from shared.outcome import Decision, Outgoing

_REVIEW = "review"
_UNKNOWN = -1


def decide(lead: Lead, event: Event, in_force: InForce, *, now: datetime, input_id: str) -> Decision:
    """What `event` does to `lead`: the lead as it is after, and one lead.scored where the event ends here; before it what the clock
    has done since, a lead.scored for each change.

    `lead` is what load found, or a new one. Two events of one lead in a batch: the second gets what the first returned.
    """
    match event:
        case Told():
            lead, told = caught_up(lead, in_force, now)
            return _after(lead, told, _told(lead, event, in_force, now, input_id))
        case Judged():
            lead, told = caught_up(lead, in_force, now)
            return _after(lead, told, judged(lead, event, in_force, now, input_id))
        case Barred():
            lead, told = caught_up(lead, in_force, now)
            return _after(lead, told, barred(lead, in_force, now, input_id))
        case Due():
            lead, told = caught_up(lead, in_force, now, looks_until=EVER)
            if lead.state.fingerprint not in ("", in_force.ruleset.fingerprint):
                lead, told = looked_at(lead, in_force, now, cause=RULESET)
            return Decision({lead.lead_id: with_(lead, is_reviewed=True)}, told)
        case Absorbed(profile_version=version) if _is_undone(lead, version):
            return Decision()  # two instances told it out of order: a split has undone it, and the lead goes on
        case Absorbed():
            # Enrich sends its activities again under the survivor, whose next lead.scored names it: of the merge nothing is told here.
            lead, told = caught_up(lead, in_force, now)
            after = _anew(lead, now, absorbed_into=event.survivor, version=event.profile_version)
            return Decision({lead.lead_id: after}, told)
        case Restored():
            if lead.state.absorbed_into is None or _is_undone(lead, event.profile_version):
                return Decision()  # its own activities have told that already; or a later merge has undone it
            # Enrich sends its activities again: they score it anew. What it has been stays: its next stay in SQL is another episode.
            return Decision({lead.lead_id: _anew(lead, now, absorbed_into=None, version=event.profile_version)})
        case _:
            return Decision()


def _is_undone(lead: Lead, version: int | None) -> bool:
    """Whether more is known of a lead already than a merge or a split of it that comes in this version."""
    return version is not None and version < max(lead.profile_version, lead.state.turned)


def _anew(lead: Lead, now: datetime, *, absorbed_into: str | None, version: int | None) -> Lead:
    """A lead in its next life, which begins in this profile version, of which nothing is known yet but what it has been."""
    before = lead.state
    state = State(
        absorbed_into=absorbed_into,
        score_version=before.score_version,
        episode=before.episode,
        life=before.life + 1,
        known_at=since(now, before.known_at),
        profile_known_at=since(now, before.profile_known_at),
        ruled=before.ruled,
        turned=version if version is not None else _UNKNOWN,
        barred=before.barred,
    )
    return Lead(
        lead_id=lead.lead_id,
        part=lead.part,
        state=state,
        bodies=(),
        kept=lead.kept,
        review_by=lead.review_by,
        former=superseded(lead, state),
        reported=lead.reported,
        advised=lead.advised,
    )


def _after(lead: Lead, told: list[Outgoing], decision: Decision) -> Decision:
    """The decision with what the clock had done to the lead before it, which is kept though the event itself changes nothing."""
    return Decision(decision.changes or {lead.lead_id: lead}, (*told, *decision.emit)) if told else decision


def caught_up(
    lead: Lead, in_force: InForce, now: datetime, *, looks_until: datetime | None = None
) -> tuple[Lead, list[Outgoing]]:
    """The lead after all that the clock has done to it until now, and a lead.scored for each change of stage, grade or segments.

    Each is decided for its own moment, so it is the same whether a timer or the next event comes to it first. Who decides on an event next
    looks no further than that; a timer looks ahead.
    """
    told: list[Outgoing] = []
    while True:
        due = lead.state.review_at
        if due is None or due > now or lead.state.fingerprint != in_force.ruleset.fingerprint:
            return lead, told
        lead, changed = looked_at(lead, in_force, due, cause=CLOCK, looks_until=looks_until or now)
        told += changed


def looked_at(
    lead: Lead, in_force: InForce, now: datetime, *, cause: str, input_id: str = "", looks_until: datetime | None = None
) -> tuple[Lead, list[Outgoing]]:
    """The lead as it is at `now`, though nothing came, and a lead.scored if its stage, its grade or a segment is another one."""
    before = lead.state
    counted = tallied(in_force, lead, now)
    enters_at = before.enters_at
    has_waited = enters_at is not None and enters_at <= now
    after, points = rescored(
        before,
        in_force,
        counted,
        profile=lead.profile,
        absorbed=before.absorbed,
        now=now,
        now_in=before.stage,
        may_enter_sql=before.may_enter_sql or has_waited,
        enters_at=None if has_waited else enters_at,
        by_clock=True,
        looks_until=looks_until,
    )
    former = superseded(lead, after)
    if (after.stage, after.grade, after.segments) == (before.stage, before.grade, before.segments):
        after = with_(after, score_version=before.score_version)
        return with_(lead, state=after, history=counted.past, former=former), []
    lead = with_(lead, state=after, history=counted.past, former=former)
    input_id = input_id or ids.timer_id(lead.lead_id, _REVIEW, clock.to_ms(now))
    return lead, [scored(lead, before, points, in_force, input_id=input_id, cause=cause)]


def _told(lead: Lead, event: Told, in_force: InForce, now: datetime, input_id: str) -> Decision:
    if lead.state.absorbed_into is not None:
        if lead.state.turned == _UNKNOWN or event.profile_version <= lead.state.turned:
            return Decision()  # older than the merge, which has sent it again: it ends under the survivor
        # The split that undid the merge was overtaken by what came after it.
        lead = _anew(lead, now, absorbed_into=None, version=lead.state.turned)
    before = lead.state
    counted, is_new = with_activity(lead, tallied(in_force, lead, now), event.fact, in_force, now)
    fit = counted.fit
    profile, version, first_touch, last_touch = lead.profile, lead.profile_version, lead.first_touch, lead.last_touch
    profile_known_at = None
    if event.profile_version >= version:
        if event.profile != profile:
            profile, fit = event.profile, None
            profile_known_at = since(now, before.profile_known_at)
        elif event.first_touch != first_touch or event.last_touch != last_touch:
            profile_known_at = since(now, before.profile_known_at)
        version, first_touch, last_touch = event.profile_version, event.first_touch, event.last_touch
    absorbed = before.absorbed
    if event.joined:
        absorbed = tuple(dict.fromkeys((*absorbed, *(one for one in event.joined if one != lead.lead_id))))
    if event.restored:
        absorbed = tuple([one for one in absorbed if one not in event.restored])
    may_enter_sql = not event.history and (
        before.sent_back_at is None or (event.fact.human and event.fact.at > before.sent_back_at)
    )
    state, points = rescored(
        before,
        in_force,
        Tallied(counted.tally, counted.past, fit),
        profile=profile,
        absorbed=absorbed,
        now=now,
        now_in=before.stage,
        may_enter_sql=may_enter_sql,
        enters_at=None if may_enter_sql else before.enters_at,
        profile_known_at=profile_known_at,
    )
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
        history=counted.past,
        kept=(*lead.kept, Kept(event.fact, event.activity, now, before.life)) if is_new else lead.kept,
        review_by=lead.review_by,
        is_reviewed=lead.is_reviewed,
        former=superseded(lead, state),
        reported=lead.reported,
        advised=lead.advised,
    )
    outgoing = scored(lead, before, points, in_force, input_id=input_id, cause=event.fact.id, activity=event)
    return Decision({lead.lead_id: lead}, (outgoing,))
