"""What nurture did for a lead, as people read it."""

from __future__ import annotations

from services.console.domain import nurtured


def test_a_leads_nurture_is_told_step_by_step() -> None:
    told = {
        "steps": [
            {"at": "t1", "track": "iql", "step": "case", "content": "case-study", "channel": "email"},
            {
                "at": "t2",
                "track": "iql",
                "step": "price",
                "content": "guide",
                "channel": "email",
                "skipped": "quiet",
                "due_at": "t3",
            },
            {
                "at": "t3",
                "track": "iql",
                "step": "price",
                "content": "guide",
                "channel": "email",
                "skipped": "cap",
                "because": "any: 4 per week",
            },
        ],
        "active": [{"track": "mql", "step": "wait-1", "due_at": "t4"}],
        "suppressed": [{"channel": "", "why": "operator", "at": "t0"}],
        "audiences": ["hot"],
    }
    assert list(nurtured.lines(told)) == [
        ("t1", "iql, case: case-study by email"),
        ("t2", "iql, price: waits until t3"),
        ("t3", "iql, price: skipped, cap (any: 4 per week)"),
        ("now", "in mql at wait-1 until t4"),
        ("now", "gets nothing more by any channel: operator, since t0"),
        ("now", "in the audiences hot"),
    ]
    assert list(nurtured.lines({})) == []
