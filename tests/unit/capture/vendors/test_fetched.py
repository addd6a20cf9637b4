"""What Meta's and LinkedIn's APIs answer when a lead is fetched: whatever it is, a lead or a refusal."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.capture.domain.verdict import Refused, Submission
from services.capture.vendors import linkedin, meta
from services.capture.vendors.vendor import Fetch
from shared.outcome import Reason
from tests.unit.capture.vendors import test_linkedin, test_meta
from tests.unit.capture.vendors.posts import a_post

META = Fetch(vendor="meta", lead_id="1", path="1", message_id="meta:1", occurred_at="2026-11-01T00:00:00+00:00")
LINKEDIN = Fetch(vendor="linkedin", lead_id="1", path="leadFormResponses/1", message_id="linkedin:1")

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(-1e9, 1e9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def placed(document: Any, value: Any, data: Any) -> Any:
    """The document with `value` in some place of it."""
    if not data.draw(st.integers(0, 4)):
        return value
    if isinstance(document, dict) and document:
        name = data.draw(st.sampled_from(sorted(document)))
        return {**document, name: placed(document[name], value, data)}
    if isinstance(document, list) and document:
        return [placed(document[0], value, data), *document[1:]]
    return value


@settings(deadline=None)
@given(_JSON, st.data())
def test_any_answer_of_metas_is_a_lead_or_a_refusal(value: Any, data: Any) -> None:
    body = msgspec.json.encode(placed(test_meta.GRAPH, value, data))
    found = meta.fetched(META, body, a_post())
    assert isinstance(found, Submission | Refused)
    if isinstance(found, Submission):
        assert (found.client_id, found.kind) == ("meta:1", "hook")


@settings(deadline=None)
@given(_JSON, st.data())
def test_any_answer_of_linkedins_is_a_lead_or_a_refusal(value: Any, data: Any) -> None:
    body = msgspec.json.encode(placed(test_linkedin.LEAD, value, data))
    found = linkedin.fetched(LINKEDIN, body, a_post())
    assert isinstance(found, Submission | Refused)
    if isinstance(found, Submission):
        assert (found.client_id, found.kind) == ("linkedin:1", "hook")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[" * 5000, b'{"a":' * 5000, b"\xff"])
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    for found in (meta.fetched(META, body, a_post()), linkedin.fetched(LINKEDIN, body, a_post())):
        assert isinstance(found, Refused)
        assert found.reason in (Reason.UNDECODABLE, Reason.INVALID)


def test_an_answer_without_a_time_happened_when_the_notice_said() -> None:
    found = meta.fetched(META, b'{"field_data":[{"name":"email","values":["a@b.example"]}]}', a_post())
    assert isinstance(found, Submission)
    assert found.timestamp == "2026-11-01T00:00:00+00:00"
