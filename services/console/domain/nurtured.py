"""What nurture did for a lead, in sentences: where it is, what it got, what was skipped and why. Printing is commands/lead.py's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def lines(nurture: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """When and what, a step each, the oldest first, then where it is now; nothing for a lead that nurture never heard of."""
    for one in nurture.get("steps", ()):
        at, what = one["at"], f"{one['track']}, {one['step']}: "
        content = f"{one['content']} by {one['channel']}" if "content" in one else "nothing"
        if "skipped" not in one:
            yield at, f"{what}{content}"
        elif one["skipped"] == "quiet":
            yield at, f"{what}waits until {one['due_at']}"
        else:
            yield at, f"{what}skipped, {one['skipped']}" + (f" ({one['because']})" if "because" in one else "")
    for one in nurture.get("active", ()):
        yield "now", f"in {one['track']} at {one['step']} until {one['due_at']}"
    for one in nurture.get("suppressed", ()):
        yield "now", f"gets nothing more by {one['channel'] or 'any channel'}: {one['why']}, since {one['at']}"
    if nurture.get("audiences"):
        yield "now", f"in the audiences {', '.join(nurture['audiences'])}"
