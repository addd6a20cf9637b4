"""Write keys and property ids."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.capture.properties import Properties, hashed, new_key
from services.capture.store import slug
from tests.unit.capture.door import a_property


def test_a_key_is_long_shows_its_beginning_and_is_kept_as_a_hash() -> None:
    key, hash_, prefix = new_key()
    assert key.startswith(prefix)
    assert len(key) >= 43 + 3
    assert hash_ == hashed(key)
    assert new_key()[0] != key


def test_a_key_that_is_revoked_is_unknown_from_then_on_in_every_form() -> None:
    properties = Properties((a_property(key="wk_one"),))
    assert properties.by_header(b"Bearer wk_one") is not None
    properties.set((a_property(key="wk_two"),))
    assert properties.by_header(b"Bearer wk_one") is None
    assert properties.by_header(b"bearer  wk_two") is not None


@given(st.binary(max_size=40), st.sampled_from([b"", b"Basic ", b"Bearer "]))
def test_any_authorization_header_is_known_or_not(value: bytes, scheme: bytes) -> None:
    assert Properties((a_property(),)).by_header(scheme + value) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Shop", "shop"), ("Müller & Söhne GmbH!", "muller-sohne-gmbh"), ("日本", "property"), ("a" * 99, "a" * 60)],
)
def test_a_property_id_is_made_of_the_name(name: str, expected: str) -> None:
    assert slug(name) == expected
