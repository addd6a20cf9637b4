"""What holds for all that is ever told of a person, whatever the document: checked over everything that was told, from the records alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.route.domain.nurture import limits
from services.route.domain.nurture.document import ANY, Nurturing
from services.route.domain.nurture.telling import MAGNETS, Skip
from shared import contracts

DAY, WEEK = timedelta(days=1), timedelta(days=7)


def check(doc: Nurturing, told: Sequence[contracts.Nurture], *, one_since: datetime | None = None) -> None:
    """Raises AssertionError where a promise was broken. All of `told` is of one person who never changed their time zone, or of two leads who
    are known to be one since `one_since`."""
    sent = [one for one in told if one.skipped is None and one.track != MAGNETS]
    never_more_than_the_limits(doc, sent, one_since)
    decided = Counter(one.event_id for one in told if one.skipped != Skip.QUIET)
    assert not decided or max(decided.values()) == 1, "a step was decided twice"
    assert len({one.event_id for one in told}) == len(told), "an id came twice"
    for one in sent:
        assert one.at is not None
        zone = one.profile.timezone if one.profile is not None and one.profile.timezone else "UTC"
        assert not limits.is_quiet(doc.quiet, one.at.astimezone(ZoneInfo(zone))), f"{one.at} is quiet in {zone}"
    for one in told:
        assert one.skipped != Skip.QUIET or (one.due_at is not None and one.at is not None and one.due_at > one.at)


def never_more_than_the_limits(doc: Nurturing, sent: Sequence[contracts.Nurture], one_since: datetime | None) -> None:
    """Over each span that ends with something sent: those are all that matter."""
    for name, cap in doc.limits.items():
        times = sorted(moment(one) for one in sent if name in (ANY, one.channel))
        for most, span in ((cap.per_day, DAY), (cap.per_week, WEEK)):
            if most is not None:
                for end in (at for at in times if one_since is None or at > one_since):
                    assert sum(end - span < at <= end for at in times) <= most, f"{name}: more than {most} in {span}"


def moment(one: contracts.Nurture) -> datetime:
    assert one.at is not None
    return one.at
