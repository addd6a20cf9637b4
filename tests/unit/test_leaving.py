"""A goodbye for good lasts: it is said until the groups are at rest without the member, whatever becomes of the broker meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from aiokafka.errors import GroupLoadInProgressError, KafkaConnectionError

from shared import leaving

Answer = (
    tuple[set[str], set[str], bool] | type[Exception]
)  # groups that are known, that took it, whether all are at rest


def told(monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> list[Sequence[str]]:
    """The broker gives these answers in turn, the last one for ever; returns who said goodbye each time."""
    said: list[Sequence[str]] = []

    async def goodbye(_: str, members: Sequence[str], known: set[str], left: set[str]) -> bool:
        answer = answers[min(len(said), len(answers) - 1)]
        said.append(members)
        if isinstance(answer, type):
            raise answer
        known |= answer[0]
        left |= answer[1]
        return answer[2]

    monkeypatch.setattr(leaving, "_goodbye", goodbye)
    monkeypatch.setattr(leaving, "_AGAIN_SECONDS", 0.0)
    return said


async def test_it_returns_when_the_groups_are_at_rest_without_the_members(monkeypatch: pytest.MonkeyPatch) -> None:
    said = told(monkeypatch, ({"g"}, {"g"}, False), ({"g"}, set(), False), ({"g"}, set(), True))
    assert await leaving.leave("", "score-1", "score-2") == ["g"]
    assert said == [("score-1", "score-2")] * 3


async def test_a_broker_that_was_killed_before_the_others_had_joined_is_told_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = told(
        monkeypatch,
        ({"g"}, {"g"}, False),
        KafkaConnectionError,
        GroupLoadInProgressError,
        ({"g"}, {"g"}, False),
        ({"g"}, set(), True),
    )
    assert await leaving.leave("", "score-1") == ["g"]
    assert len(said) == 5


async def test_a_broker_that_comes_back_and_names_no_group_yet_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, KafkaConnectionError, (set(), set(), True), ({"g"}, {"g"}, False), ({"g"}, set(), True))
    assert await leaving.leave("", "score-1") == ["g"]


async def test_where_there_are_no_groups_there_is_nobody_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(told(monkeypatch, (set(), set(), True))) == 0
    assert await leaving.leave("", "capture-1") == []


async def test_a_broker_that_stays_away_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, KafkaConnectionError)
    with pytest.raises(KafkaConnectionError):
        await leaving.leave("", "score-1", patience_seconds=0.05)
