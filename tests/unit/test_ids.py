"""Names are deterministic, as long as Kafka's and Postgres's own, and tell nothing about a person."""

from __future__ import annotations

import hmac
import uuid

import pytest
from aiokafka.partitioner import murmur2 as aiokafkas_murmur2
from asyncpg.pgproto.pgproto import UUID as DriversUUID
from hypothesis import given
from hypothesis import strategies as st

from shared import cloudevent, ids

SECRET = b"an installation's secret"
texts = st.text(st.characters(codec="utf-8"), max_size=60)  # what UTF-8 can write: no lone surrogates
identifiers = st.text("abcdefghijklmnopqrstuvwxyz0123456789@.:+", min_size=6, max_size=60)


@given(texts, texts, texts, st.integers(0, 10**6), texts, st.integers(0, 1000))
def test_the_same_cause_gives_the_same_event_id(
    stage: str, cause: str, lead: str, revision: int, type_: str, ordinal: int
) -> None:
    first = ids.event_id(stage, cause, lead, revision, type_, ordinal)
    assert first == ids.event_id(stage, cause, lead, revision, type_, ordinal)


@given(texts, texts, texts, st.integers(0, 10**6), texts)
def test_an_event_id_is_a_valid_uuid5_that_the_standard_library_would_have_made(
    stage: str, cause: str, lead: str, revision: int, type_: str
) -> None:
    made = uuid.UUID(ids.event_id(stage, cause, lead, revision, type_))
    assert (made.version, made.variant) == (5, uuid.RFC_4122)
    assert made == uuid.uuid5(ids._NAMESPACE, "\x1f".join((stage, cause, lead, str(revision), type_, "0")))


def test_every_part_of_the_cause_makes_another_event_id() -> None:
    made = {
        ids.event_id("enrich", "a", "ld_1", 1, "lead.enriched", 0),
        ids.event_id("score", "a", "ld_1", 1, "lead.enriched", 0),
        ids.event_id("enrich", "b", "ld_1", 1, "lead.enriched", 0),
        ids.event_id("enrich", "a", "ld_2", 1, "lead.enriched", 0),
        ids.event_id("enrich", "a", "ld_1", 2, "lead.enriched", 0),
        ids.event_id("enrich", "a", "ld_1", 1, "lead.merged", 0),
        ids.event_id("enrich", "a", "ld_1", 1, "lead.enriched", 1),
    }
    assert len(made) == 7


def test_parts_that_only_together_read_the_same_give_different_ids() -> None:
    assert ids.submission_id("shop", "1x") != ids.submission_id("shop1", "x")
    assert ids.dead_id("score", "t", 1, 11) != ids.dead_id("score", "t", 11, 1)


def test_a_timer_a_dead_letter_and_a_submission_never_share_an_id() -> None:
    made = {
        ids.timer_id("a", "b", 1),
        ids.dead_id("a", "b", 1, 1),
        ids.submission_id("a", "b"),
        ids.timer_id("a", "b", 2),
    }
    assert len(made) == 4
    assert all(cloudevent.is_uuid(one) for one in made)


@pytest.mark.parametrize("name", [ids.event_id("s", "i", "l", 1, "t"), "0190f3c1-7c1f-7b4e-8f53-6f0d5c7a1b2c"])
def test_an_id_may_be_written_in_upper_case_and_without_hyphens(name: str) -> None:
    assert all(cloudevent.is_uuid(spelling) for spelling in (name, name.upper(), name.replace("-", "")))


@pytest.mark.parametrize(
    "text",
    ["", "x", "1" * 31, "1" * 33, "{" + "1" * 32 + "}", "urn:uuid:" + "1" * 32, "1_" * 15 + "11", "１" * 32, " " + "1" * 31, "1" * 32 + "\n"],
)  # fmt: skip
def test_what_the_database_driver_refuses_is_no_id(text: str) -> None:
    assert not cloudevent.is_uuid(text)
    with pytest.raises(ValueError):
        DriversUUID(text)


@given(st.one_of(st.text(max_size=40), st.from_regex(r"[0-9a-fA-F-]{30,37}", fullmatch=True), st.uuids().map(str)))
def test_whatever_counts_as_an_id_is_taken_by_the_database_driver(text: str) -> None:
    if cloudevent.is_uuid(text):
        assert uuid.UUID(text).bytes == DriversUUID(text).bytes


@given(st.binary(max_size=200))
def test_the_hash_of_a_key_is_the_one_of_kafkas_default_partitioner(key: bytes) -> None:
    assert ids.murmur2(key) == aiokafkas_murmur2(key) & 0xFFFFFFFF


@given(st.binary(max_size=80), st.integers(1, 64))
def test_a_partition_is_one_of_those_that_there_are(key: bytes, count: int) -> None:
    assert 0 <= ids.partition(key, count) < count


@pytest.mark.parametrize(
    ("key", "hashed"),
    # From org.apache.kafka.common.utils.UtilsTest.testMurmur2 of Apache Kafka.
    [(b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536), (b"abc", 479470107)],
)
def test_the_hash_equals_the_examples_of_kafkas_own_tests(key: bytes, hashed: int) -> None:
    assert ids.murmur2(key) == hashed & 0xFFFFFFFF


@given(identifiers)
def test_neither_a_lead_id_nor_a_person_key_holds_the_identifier(identifier: str) -> None:
    for made in (ids.lead_id(SECRET, identifier), ids.person_key(SECRET, identifier)):
        assert identifier not in made
        assert made[3:].isalnum()
        assert len(made) == 33


@given(texts, texts)
def test_two_identifiers_share_neither_lead_id_nor_person_key(one: str, other: str) -> None:
    assert (ids.lead_id(SECRET, one) == ids.lead_id(SECRET, other)) == (one == other)
    assert (ids.person_key(SECRET, one) == ids.person_key(SECRET, other)) == (one == other)


@given(texts)
def test_only_who_has_the_installations_secret_can_make_the_name(identifier: str) -> None:
    assert ids.lead_id(SECRET, identifier) == ids.lead_id(SECRET, identifier)
    assert ids.lead_id(SECRET, identifier) != ids.lead_id(b"another secret", identifier)
    assert ids.lead_id(SECRET, identifier)[3:] != ids.person_key(SECRET, identifier)[3:]


@given(st.binary(max_size=150), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_name_by_secret_is_its_hmac(secret: bytes, identifier: str) -> None:
    whole = hmac.digest(secret, f"lead\x1f{identifier}".encode(), "sha256").hex()

    assert ids.lead_id(secret, identifier) == f"ld_{whole[:30]}"
