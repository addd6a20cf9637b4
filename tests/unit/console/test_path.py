"""A lead's path through the routing document in words."""

from __future__ import annotations

from services.console.domain.path import told


def test_every_kind_of_step_has_words() -> None:
    steps = [
        ({"rule": "sticky:owner", "matched": False, "because": "no earlier owner"}, "Not to its earlier owner: no earlier owner."),
        ({"rule": "sticky:account", "matched": True, "to": "ann", "because": "owner of the account a.example"}, "the owner of its company gets it, ann: owner of the account a.example."),
        ({"rule": "big", "matched": False, "because": "profile.company.size is not known"}, "Rule big does not match: profile.company.size is not known."),
        ({"rule": "dach", "matched": True, "to": "pool:dach"}, "Rule dach matches, to pool dach."),
        ({"rule": "vip", "matched": True, "to": "owner:ann"}, "Rule vip matches, to ann."),
        ({"rule": "owner:ann", "matched": False, "because": "ann is not at work"}, "ann does not get it: ann is not at work."),
        ({"rule": "pool:dach/ben", "matched": False, "because": "ben is not at work"}, "Pool dach passes over ben: ben is not at work."),
        ({"rule": "pool:dach", "matched": True, "to": "ann", "because": "lowest share: ann 0.5"}, "Pool dach gives it to ann: lowest share: ann 0.5."),
        ({"rule": "when_nobody_is_free", "matched": True, "to": "owner:desk"}, "Nobody else is free or meant, so it goes to desk."),
        ({"rule": "attempt:2", "matched": True, "because": "not accepted"}, "Attempt 2: not accepted."),
        ({"rule": "queue", "matched": True, "to": "ann", "because": "assigned by an operator"}, "It was taken from the queue for ann: assigned by an operator."),
    ]  # fmt: skip
    assert told([step for step, _ in steps]) == [(step["rule"], said) for step, said in steps]
