"""What a form asked for is given at once: no consent, no limits, no quiet hours, since the person waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from services.route.domain.nurture import recalled, sending
from services.route.domain.nurture.about import Seen
from services.route.domain.nurture.document import Magnet
from services.route.domain.nurture.sending import Turn
from services.route.domain.nurture.state import DAY_MS, Asked, Nurtured
from services.route.domain.nurture.telling import MAGNETS, Skip, Told, enrolment_id, step_id
from shared.clock import from_ms

LATE_MS = DAY_MS  # who asked longer ago (an import, a history that joins) waits for nothing any more
_REMEMBERED = 10  # askings of each magnet


def asked(turn: Turn, nurtured: Nurtured, magnet: Magnet, *, activity_id: str, occurred: int, now: int) -> Nurtured:
    """The lead after a form that asked for a magnet. The same asking told again, as a higher revision or by a merge, is none."""
    known = nurtured.asked.get(magnet.form, ())
    if any(one.activity_id == activity_id for one in known) or (len(known) >= _REMEMBERED and occurred <= known[0].at):
        return nurtured
    content = turn.doc.content[magnet.content]
    # By the activity alone: a lead that it is told under later is the same person, and has it already.
    enrolment = enrolment_id(activity_id, MAGNETS, 1)
    told = Told(
        event_id=step_id(enrolment, magnet.form),
        enrolment_id=enrolment,
        lead_id=turn.lead_id,
        track=MAGNETS,
        step=magnet.form,
        at=from_ms(now),
        content=content.id,
        channel=content.channel,
        due_at=from_ms(now),
        transactional=True,
    )
    profile: Mapping[str, Any] = Seen(nurtured).profile
    no: tuple[Skip, str | None] | None = None
    known_step = turn.told(told.event_id) if turn.told is not None else None
    if known_step is not None:
        no = (Skip.LATE, None) if known_step.skipped else None  # it is not told again
    elif occurred < now - LATE_MS:
        no = Skip.LATE, None
    elif any(one.given and abs(occurred - one.at) < magnet.again_after for one in known):
        no = Skip.AGAIN, None
    else:
        no = sending.refusal(turn, nurtured, profile, content, now=now, asked_for=True)
    remembered = sorted((*known, Asked(activity_id, occurred, no is None)), key=lambda one: (one.at, one.activity_id))
    nurtured = replace(nurtured, asked={**nurtured.asked, magnet.form: tuple(remembered[-_REMEMBERED:])})
    if known_step is not None:
        return recalled.seen(nurtured, known_step) if no is None else nurtured
    if no is not None:
        turn.changes.tell(replace(told, skipped=no[0], because=no[1]))
        return nurtured
    turn.changes.tell(sending.sent(turn, nurtured, profile, told, content))
    return sending.noted(nurtured, content)
