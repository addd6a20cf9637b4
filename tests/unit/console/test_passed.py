"""What is missing is told from what is late by what everybody has read, not by a time-out."""

from __future__ import annotations

from services.console.domain.passed import GRACE_SECONDS, TOPICS, Look, Passed
from shared.topology import CAPTURED, ENRICHED


class Story:
    """Looks in a row; topics end where they are told to, and everybody has read everything unless they are told to be behind."""

    def __init__(self) -> None:
        self.passed = Passed()
        self.at = 0.0

    def look(
        self,
        captured: int,
        *,
        enrich: int | None = None,
        score: int | None = None,
        books: int | None = None,
        enriched: int | None = None,
    ) -> int:
        """One more look, some seconds later; up to where everything has been through everything."""
        ends = {(topic, 0): captured for topic in TOPICS}
        ends[ENRICHED.name, 0] = captured if enriched is None else enriched
        self.passed.look(
            Look(
                at=self.at,
                ends=ends,
                enrich={(CAPTURED.name, 0): captured if enrich is None else enrich},
                score={(ENRICHED.name, 0): ends[ENRICHED.name, 0] if score is None else score},
                books=ends if books is None else dict.fromkeys(ends, books),
            )
        )
        self.at += GRACE_SECONDS
        return self.passed.offsets.get(0, 0)


def test_what_everybody_has_read_past_is_passed_after_a_few_looks() -> None:
    story = Story()
    assert [story.look(10) for _ in range(3)] == [0, 0, 10]


def test_while_enrich_is_behind_nothing_is_passed_beyond_where_it_is() -> None:
    story = Story()
    assert [story.look(10, enrich=4) for _ in range(9)] == [0] * 9
    assert [story.look(10) for _ in range(3)] == [0, 0, 10]


def test_while_score_is_behind_nothing_is_passed() -> None:
    story = Story()
    assert [story.look(10, score=4) for _ in range(9)] == [0] * 9
    assert [story.look(10) for _ in range(2)] == [0, 10]


def test_while_the_books_are_behind_nothing_is_passed() -> None:
    story = Story()
    assert [story.look(10, books=9) for _ in range(9)] == [0] * 9
    assert story.look(10) == 10


def test_under_load_where_everybody_is_a_little_behind_what_was_there_before_is_passed() -> None:
    story = Story()
    found = [story.look(100 * n, enrich=100 * n - 7, score=100 * n - 7, books=100 * n - 7) for n in range(1, 12)]
    assert found[5:] == [100 * n for n in range(1, 7)]


def test_what_is_passed_stays_so_when_offsets_are_put_back() -> None:
    story = Story()
    for _ in range(3):
        story.look(10)
    assert [story.look(12, enrich=0, score=0) for _ in range(5)] == [10] * 5


def test_a_stage_that_was_never_seen_has_read_nothing() -> None:
    passed = Passed()
    for at in range(10):
        passed.look(Look(at * 10.0, {(CAPTURED.name, 0): 1, (CAPTURED.name, 1): 0}, {}, {}, {}))
    assert passed.offsets == {}
