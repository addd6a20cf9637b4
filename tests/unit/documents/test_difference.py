"""Two documents in words."""

from __future__ import annotations

from shared.documents.difference import differences

BEFORE = """
id: default
fit:
  cap: 70
  rules:
    - {id: phone, when: 'has(profile.phone)', points: 5}
    - {id: senior, when: 'a', points: 20}
lists: {staff: [a.example, b.example]}
"""


def test_comments_and_spaces_are_no_difference() -> None:
    assert differences(BEFORE, f"# a comment\n{BEFORE}\n\n") == []


def test_rules_are_told_by_their_id_what_was_added_removed_and_changed() -> None:
    after = """
id: default
fit:
  cap: 80
  rules:
    - {id: senior, when: 'a', points: 25.5}
    - {id: free, when: 'b', points: -10}
lists: {staff: [b.example, c.example]}
total: {floor: 0}
"""
    assert differences(BEFORE, after) == [
        "fit.cap changed: 70 -> 80",
        "fit.rules.phone removed: when: has(profile.phone), points: 5",
        "fit.rules.senior.points changed: 20 -> 25.5",
        "fit.rules.free added: when: b, points: -10",
        "lists.staff lost a.example",
        "lists.staff got c.example",
        "total added: floor: 0",
    ]


def test_another_order_of_rules_is_a_difference() -> None:
    assert differences("r: [{id: a}, {id: b}]", "r: [{id: b}, {id: c}, {id: a}]") == [
        "r.c added: nothing",
        "r is in another order: b, a",
    ]
    assert differences("r: [1, 2]", "r: [2, 1]") == ["r is in another order: [2, 1]"]


def test_a_value_that_is_true_is_not_the_value_one() -> None:
    assert differences("a: 1", "a: true") == ["a changed: 1 -> true"]
