"""The file of secrets, and times as vendors count them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.vendors import calendly, generic, meta, reported
from services.capture.vendors.vendor import secrets_in


def test_a_secret_alone_is_the_vendors_main_one() -> None:
    assert secrets_in("  abc:def=\n", meta.SECRETS) == {"signing": (b"abc:def=",)}
    assert secrets_in("between us", generic.SECRETS) == {"shared": (b"between us",)}
    assert secrets_in("whsec_abc=", generic.SECRETS) == {"signing": (b"whsec_abc=",)}


def test_secrets_have_names_and_two_of_one_name_are_both_live() -> None:
    text = "signing: the new one\nsigning: the old one\n\nverify-token: said once\nshared:between us\n"
    assert secrets_in(text, meta.SECRETS) == {
        "signing": (b"the new one", b"the old one"),
        "verify-token": (b"said once",),
        "shared": (b"between us",),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no secret"),
        ("signing:", "Line 1: the secret has less than 8"),
        ("signing: geheim", "Line 1: the secret has less than 8"),
        ("\nshared: geheim", "Line 2: this vendor has no secret"),
    ],
)
def test_a_mistake_in_the_file_is_told_without_the_secret(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        secrets_in(text, calendly.SECRETS)
    assert "geheim" not in str(caught.value)


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=25), st.sampled_from([1, 1000]))
def test_no_count_and_no_text_breaks_a_time(value: Any, per_second: int) -> None:
    for found in (reported.since_1970(value, per_second), reported.moment(value)):
        assert found is None or reported.moment(found) == found


def test_times_before_1970_are_none() -> None:
    assert reported.moment("1969-12-31T23:59:59Z") is None
    assert reported.moment("0001-01-01T00:00:00+14:00") is None
    assert reported.since_1970(-1, 1) is None
