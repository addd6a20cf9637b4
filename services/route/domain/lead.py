"""How a lead.scored moves what route keeps of a lead, and when it opens a handover. The path that every record takes: keep it cheap."""

from __future__ import annotations

from services.route.domain.events import Scored
from services.route.domain.state import DISQUALIFIED, SQL, Lead


def moved(before: Lead, scored: Scored, recent: bytes) -> Lead:
    """The lead after `scored`. A version that is not newer than what is known changes nothing but the recent activities.

    Where score does not number the episodes, entries into SQL are counted.
    """
    if scored.score_version <= before.version:
        if recent == before.recent:
            return before
        version, stage, episode = before.version, before.stage, before.episode
    else:
        version, stage, episode = scored.score_version, scored.stage, before.episode
        if scored.episode is None:
            if stage == SQL != before.stage:
                episode += 1
        elif scored.episode > episode:
            episode = scored.episode
    return Lead(
        before.lead_id,
        before.part,
        version,
        stage,
        episode,
        before.handed,
        before.owner,
        before.queued,
        before.absorbed,
        recent,
    )


def opens(lead: Lead, scored: Scored) -> bool:
    """Whether `scored`, after which the lead stands as `lead`, gives it a handover: it says that the lead is in SQL, nothing newer
    is known, and the episode has none yet."""
    return scored.stage == SQL == lead.stage and lead.episode > lead.handed and scored.score_version == lead.version


def drops_out(before: Lead, scored: Scored) -> bool:
    """Whether `scored` disqualifies a lead that was handed over once: what is open is taken back."""
    return (
        scored.stage == DISQUALIFIED != before.stage
        and before.owner is not None
        and scored.score_version > before.version
    )


def newly_absorbed(lead: Lead, scored: Scored) -> list[str]:
    """The leads that `scored` says are this one, and that were not known to be."""
    if not scored.absorbed:
        return []
    known = {*lead.absorbed.split(), lead.lead_id}
    return [id_ for id_ in dict.fromkeys(scored.absorbed) if id_ not in known]


def released(lead: Lead, scored: Scored) -> list[str]:
    """The leads that `scored` says were this one and are themselves again, as far as they were known to be."""
    if not scored.restored:
        return []
    known = lead.absorbed.split()
    return [id_ for id_ in dict.fromkeys(scored.restored) if id_ in known]
