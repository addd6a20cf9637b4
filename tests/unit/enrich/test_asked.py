"""What the routes of commands take is what is carried out."""

from __future__ import annotations

import msgspec
import pytest
from pydantic import ValidationError

from services.enrich.api.commands import Merge
from services.enrich.domain import asking, world


def test_as_many_leads_as_may_be_asked_for_can_be_merged() -> None:
    ids = [f"ld_{number}" for number in range(101)]
    most = max(count for count in range(1, 101) if _is_taken(ids[1 : count + 1]))
    payload = msgspec.json.encode({"lead_ids": ids[: most + 1], "survivor": ids[0]})
    assert isinstance(asking.read_merge(msgspec.Raw(payload)), world.Merge)
    with pytest.raises(ValidationError):
        Merge(lead_ids=ids)


def _is_taken(lead_ids: list[str]) -> bool:
    try:
        Merge(lead_ids=lead_ids)
    except ValidationError:
        return False
    return True
