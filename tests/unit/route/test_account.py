"""Which company a lead belongs to: the quick look that tells what a batch needs sees what the whole record says."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.route.domain import choice, events
from tests.unit.route.builders import scored

_DOMAINS = st.sampled_from([None, "", "acme.example", "ACME.example", "mail.acme.example", "other.example"])
_KINDS = st.sampled_from([None, "business", "free", "role"])


@st.composite
def profiles(draw: st.DrawFn) -> dict[str, Any]:
    email = {"address": "jo@acme.example", "kind": draw(_KINDS), "domain": draw(_DOMAINS)}
    company = {"name": "Acme", "domain": draw(_DOMAINS)}
    found = {"email": draw(st.sampled_from([email, None])), "company": draw(st.sampled_from([company, None]))}
    return {name: part for name, part in found.items() if part is not None or draw(st.booleans())}


@given(profiles())
@settings(deadline=None)
def test_the_quick_look_at_a_record_finds_the_company_that_the_whole_record_has(profile: dict[str, Any]) -> None:
    value = msgspec.json.encode(scored(profile=profile))
    quick, whole = events.addressed(value).profile, events.whole_scored(value).profile
    assert choice.account_of(quick) == choice.account_of(whole)
