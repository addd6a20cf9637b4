"""What becomes of a store when data/mailboxes.tsv changes: match keys are identity, so nobody may be joined or lost by it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from services.enrich.domain import email
from tests.unit.enrich.memory import Memory, event
from tests.unit.enrich.rebuilding import Rebuilding

_STORY = [("jo@me.com", 0), ("jo@icloud.com", 1), ("mia@me.com", 2)]


def _posts(*said: tuple[str, int]) -> list[dict[str, Any]]:
    return [event(str(uuid.UUID(int=minute + 1)), email=address, at=minute) for address, minute in said]


def _leads(memory: Memory) -> list[str | None]:
    """The leads of the events, in their order."""
    return [memory.activities[key].lead_id for key in sorted(memory.activities)]


@contextmanager
def _keys_of_before() -> Iterator[None]:
    """A time when the table knew no provider, so that each spelling was a person of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(email, "_PROVIDERS", {})
        email.read.cache_clear()
        yield
    email.read.cache_clear()


def _store_of_before() -> Memory:
    with _keys_of_before():
        memory = Memory()
        memory.batch(_posts(*_STORY))
    return memory


def test_a_store_that_is_not_rebuilt_begins_a_second_lead_for_whose_key_changed_and_joins_nobody() -> None:
    memory = _store_of_before()
    jo_at_me, jo_at_icloud, mia = _leads(memory)

    memory.batch(_posts(("mia@me.com", 10), ("jo@me.com", 11)))

    assert _leads(memory)[:3] == [jo_at_me, jo_at_icloud, mia]
    assert _leads(memory)[3] not in (jo_at_me, jo_at_icloud, mia)
    assert _leads(memory)[4] == jo_at_icloud


def test_a_rebuild_keeps_every_lead_tells_nothing_and_finds_people_by_their_new_keys() -> None:
    before = _store_of_before()
    rebuilt = Rebuilding(before)

    rebuilt.batch(_posts(*_STORY))
    rebuilt.end()

    assert _leads(rebuilt) == _leads(before)
    assert rebuilt.told_anew() == []
    rebuilt.batch(_posts(("Mia+x@mac.com", 10)))
    assert _leads(rebuilt)[3] == _leads(before)[2]


def test_where_both_topics_are_empty_too_two_spellings_of_one_mailbox_are_one_person() -> None:
    memory = Memory()
    memory.batch(_posts(*_STORY))

    assert _leads(memory)[0] == _leads(memory)[1] != _leads(memory)[2]
