"""Which document is in force for a number at a moment, what a record of one says, and how a batch is cut at them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest

from shared import clock
from shared.contracts import Document
from shared.documents import record
from shared.documents.inforce import BEFORE_ANY, MOST_BYTES, Documents, Publication, Unusable, version_of
from shared.documents.keeping import Keeping
from shared.outcome import CommandResult, Decision
from shared.stage import Input, Record, Stage
from shared.topology import COMMANDS, ENRICHED

NOON = datetime(2026, 6, 17, 12, tzinfo=UTC)
COMMAND_ID = "0f0e7a4e-7c57-4c45-9bd5-e2f6f8e9a0b1"


def read(text: str) -> list[str]:
    if "bad" in text:
        raise Unusable(["1: it is bad", "2: it is still bad"])
    return text.split()


def words(first: str = "first one") -> Documents[list[str]]:
    return Documents("words", read=read, name=lambda one: one[0], first=first)


def published(documents: Documents[Any], *texts: str, part: int = 3, every: timedelta = timedelta(hours=1)) -> None:
    found = [Publication(part, 10 * n, NOON + n * every, version_of(text)) for n, text in enumerate(texts)]
    documents.take_in(part, found, {version_of(text): text for text in texts})


def test_what_another_thread_is_given_is_its_own_and_no_draft_is_remembered() -> None:
    documents = words()
    published(documents, "another one", part=0)
    assert documents.anew() == ["another", "one"]
    assert documents.anew() is not documents.latest(0).document
    draft = "a draft"
    assert documents.name(draft) == "a"
    assert documents.anew(draft) is not documents.anew(draft)
    assert documents._documents.keys() == {version_of("first one"), version_of("another one")}


def a_record(
    text: str = "second one", *, offset: int = 7, key: bytes = b"*", at: datetime = NOON, **fields: Any
) -> Record:
    told = {"kind": "words", "version": version_of(text), "id": "second", "text": text, "published": True, "numbers": 4}
    document = msgspec.convert({**told, **fields}, Document)
    value = record.made(document, command_id=COMMAND_ID, author="Ada", at=at)
    return Record(COMMANDS.name, 3, offset, clock.to_ms(at), key, value, {})


def decoded(one: Record) -> Any:
    return record.decoder({"words": words()})(one)


def test_before_any_publication_the_first_document_is_in_force() -> None:
    standing = words().at(3, NOON)
    assert (standing.seq, standing.document, standing.version) == (
        BEFORE_ANY,
        ["first", "one"],
        version_of("first one"),
    )


def test_a_publication_is_in_force_from_its_own_moment_on_and_for_its_own_number() -> None:
    documents = words()
    published(documents, "second one", "third one")
    moments = {-1: "first", 0: "second", 59: "second", 60: "third", 600: "third"}
    for minutes, first_word in moments.items():
        assert documents.at(3, NOON + timedelta(minutes=minutes)).document[0] == first_word
    assert documents.at(2, NOON).document[0] == "first"


def test_publications_since_one_come_in_order_and_only_up_to_the_moment() -> None:
    documents = words()
    published(documents, "second one", "third one", "second one")
    later = NOON + timedelta(days=1)
    assert [one.document[0] for one in documents.since(3, BEFORE_ANY, later)] == ["second", "third", "second"]
    assert [one.document[0] for one in documents.since(3, 0, NOON + timedelta(hours=1))] == ["third"]
    assert documents.since(3, 20, later) == []
    assert documents.by_seq(3, 10).document[0] == "third"
    with pytest.raises(LookupError):
        documents.by_seq(3, 11)


def test_a_document_that_is_in_force_and_cannot_be_used_any_more_stops_its_number() -> None:
    with pytest.raises(Unusable):
        published(words(), "bad one")


def test_each_number_counts_its_own_record_of_one_command() -> None:
    here, there = decoded(a_record()), decoded(msgspec.structs.replace(a_record(), part=2))
    assert isinstance(here, Input)
    assert here.event_id != there.event_id
    assert here.now == NOON
    assert here.event.seq == 7
    assert here.event.author == "Ada"


def test_a_document_that_can_be_used_is_kept_and_its_command_waits_for_the_other_numbers() -> None:
    input_ = decoded(a_record())
    outcome = record.decide({}, input_)
    assert outcome == Decision({input_.event_id: input_.event}, commands=[CommandResult(COMMAND_ID, "pending")])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"text": "bad one", "version": version_of("bad one")}, "it is bad; 2: it is still bad"),
        ({"version": "0" * 12}, "`version` is not the text's"),
        ({"text": "x" * (MOST_BYTES + 1), "version": version_of("x" * (MOST_BYTES + 1))}, "larger than 256 KiB"),
        ({"text": "a\x00b", "version": version_of("a\x00b")}, "NUL"),
    ],
)
def test_a_document_that_others_wrote_and_that_cannot_be_used_is_refused_with_the_reason(
    wrong: dict[str, Any], says: str
) -> None:
    outcome = record.decide({}, decoded(a_record(**wrong)))
    assert isinstance(outcome, Decision)
    assert not outcome.changes
    (said,) = outcome.commands
    assert said.status == "refused"
    assert says in (said.reason or "")


def test_documents_of_other_kinds_are_none_of_a_stages_business() -> None:
    assert decoded(a_record(kind="music")) is None


def test_a_batch_is_cut_before_and_after_documents_and_stays_in_order() -> None:
    plain = [Record(ENRICHED.name, 3, offset, 0, b"ld_1", b"{}", {}) for offset in range(4)]
    records = [plain[0], a_record(offset=1), a_record(offset=2), plain[1], plain[2], a_record(offset=3), plain[3]]
    runs = list(_runs(records))
    assert [[one.offset for one in run] for _, run in runs] == [[0], [1, 2], [1, 2], [3], [3]]
    assert [is_ours for is_ours, _ in runs] == [True, False, True, False, True]


def test_a_lead_that_is_called_like_the_key_of_documents_is_no_document() -> None:
    odd = [Record(ENRICHED.name, 3, 0, 0, b"*", b"{}", {})]
    assert [is_ours for is_ours, _ in _runs(odd)] == [True]


def _runs(records: Sequence[Record]) -> list[tuple[bool, Sequence[Record]]]:
    """Each run, and whether the stage's own decode reads it."""
    nothing: Any = Mock()
    stage = Stage("words", (ENRICHED, COMMANDS), (), nothing, nothing, nothing, nothing, documents=(words(),))
    return [(one.decode is nothing, run) for one, run in Keeping(stage, nothing).runs(records)]
