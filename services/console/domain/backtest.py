"""A backtest in words, tables and bars for a marketer: the terminal and the page show the same. No IO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from services.console.domain import words

STAGES = ("raw", "IQL", "MQL", "SQL", "customer", "disqualified")
_GROUPS = {
    "fit": "who they are",
    "engagement": "what they do",
    "idle": "how long they are quiet",
    "override": "raised a hand",
    "exclude": "never qualifies",
    "bound": "a limit of the sum",
}
_OUTCOMES = {"accepted": "sales accepted them", "won": "they bought"}


class Cell(Struct, frozen=True):
    """One cell of the table of stages. `share` (0 to 1) is how dark it is."""

    leads: int
    share: float
    kind: str  # same, up, down


class Bar(Struct, frozen=True):
    """One bucket of points: where it begins, for an axis, and its whole name."""

    start: str
    name: str
    before: int
    after: int


class Table(Struct, frozen=True):
    """Rows of text under columns; the columns named in `right` hold numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[str, ...] = ()


def headline(found: Mapping[str, Any]) -> list[str]:
    """What a backtest says, in a few sentences."""
    report = found["report"]
    leads, stages = report["leads"], report["stages"]
    changed = sum(one["leads"] for one in stages if one["before"] != one["after"])
    average = report["average"]
    said = []
    if not changed:
        said.append("No lead would change its stage.")
    else:
        said.append(
            f"{leads_(changed)} would change {'its' if changed == 1 else 'their'} stage ({percent(changed / leads)}): "
            f"{number(report['entering_sql'])} would become ready for sales, {number(report['leaving_sql'])} would no longer be."
        )
    said.append(f"The average lead goes from {points(average['before'])} to {points(average['after'])} points.")
    return said


def compared(found: Mapping[str, Any]) -> str:
    """What was compared with what, and as of when."""
    return (
        f"{leads_(found['report']['leads'])}, as known on {words.moment(found['at'])} UTC. Before: {named(found['before'])}, the rules "
        f"{'you named' if found.get('against') else 'in force'}. After: {named(found['after'])}, your draft."
    )


def named(ruleset: Mapping[str, str]) -> str:
    """A ruleset's name and version."""
    return f"{ruleset['id']} {ruleset['version']}"


def stages(report: Mapping[str, Any]) -> dict[str, dict[str, Cell]]:
    """Leads by the stage before (outer) and after; only stages that any lead is in."""
    counts = {(one["before"], one["after"]): one["leads"] for one in report["stages"]}
    shown = [stage for stage in STAGES if any(stage in pair for pair in counts)]
    most = max((leads for (before, after), leads in counts.items() if before != after), default=1)
    found: dict[str, dict[str, Cell]] = {}
    for before in shown:
        for after in shown:
            leads = counts.get((before, after), 0)
            rise = STAGES.index(after) - STAGES.index(before)
            kind = "same" if not rise else "up" if rise > 0 and after != "disqualified" else "down"
            found.setdefault(before, {})[after] = Cell(leads, min(1.0, leads / most) if rise else 0.0, kind)
    return found


def stage_table(report: Mapping[str, Any]) -> Table:
    """The same for a terminal."""
    found = stages(report)
    columns = tuple(found)
    rows = tuple(
        (before, *(number(cell.leads) if cell.leads else "·" for cell in row.values())) for before, row in found.items()
    )
    return Table(("before \\ after", *columns), rows, columns)


def buckets(report: Mapping[str, Any]) -> list[Bar]:
    """Leads by their points, lowest first."""
    return [Bar(_start(one), _bucket(one), one["before"], one["after"]) for one in report["buckets"]]


def _start(one: Mapping[str, Any]) -> str:
    return f"{one['from']:g}" if "from" in one else f"<{one['below']:g}"


def _bucket(one: Mapping[str, Any]) -> str:
    if "from" not in one:
        return f"under {one['below']:g}"
    return f"{one['from']:g} and more" if "below" not in one else f"{one['from']:g} to under {one['below']:g}"


def bucket_table(report: Mapping[str, Any]) -> Table:
    """The same with the difference."""
    rows = tuple(
        (one.name, number(one.before), number(one.after), signed(one.after - one.before)) for one in buckets(report)
    )
    return Table(("points", "before", "after", "change"), rows, ("before", "after", "change"))


def moved_table(report: Mapping[str, Any], most: int) -> Table:
    """The leads whose points change most, and which rules do it."""
    rows = tuple(
        (
            signed_points(one["after"]["total"] - one["before"]["total"]),
            points(one["before"]["total"]),
            points(one["after"]["total"]),
            stage_change(one),
            "; ".join(_rule_moved(rule) for rule in one["rules"]),
            one["lead_id"],
        )
        for one in report["moved"][:most]
    )
    return Table(("change", "before", "after", "stage", "because of", "lead"), rows, ("change", "before", "after"))


def stage_change(one: Mapping[str, Any]) -> str:
    """The stages of a lead before and after, one where they are the same."""
    before, after = one["before"]["stage"], one["after"]["stage"]
    return before if before == after else f"{before} → {after}"


def _rule_moved(rule: Mapping[str, Any]) -> str:
    return f"{rule['rule']} {signed_points(rule['after'] - rule['before'])}"


class Push(Struct, frozen=True):
    """How much a rule changes all leads together; `share` is its length beside the longest, below zero where it takes."""

    rule: str
    change: str
    share: float


def pushes(report: Mapping[str, Any], most: int = 12) -> list[Push]:
    """The rules that change most, the greatest change first."""
    changes = [(one["rule"], _given(one, "after") - _given(one, "before")) for one in _by_change(report)[:most]]
    longest = max((abs(change) for _, change in changes), default=0.0)
    return [Push(rule, signed_points(change), change / longest) for rule, change in changes if change]


def _by_change(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return sorted(report["rules"], key=lambda one: -abs(_given(one, "after") - _given(one, "before")))


def rule_table(report: Mapping[str, Any]) -> Table:
    """Every rule, those first whose points change most."""
    rows = tuple(
        (
            one["rule"],
            _GROUPS[one["group"]],
            *(number(one[side]["leads"]) if side in one else "–" for side in ("before", "after")),
            *(points(one[side]["points"]) if side in one else "–" for side in ("before", "after")),
            signed_points(_given(one, "after") - _given(one, "before")),
        )
        for one in _by_change(report)
    )
    columns = ("rule", "looks at", "leads before", "leads after", "points before", "points after", "change")
    return Table(columns, rows, columns[2:])


def _given(rule: Mapping[str, Any], side: str) -> float:
    return float(rule[side]["points"]) if side in rule else 0.0


def never(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The draft's rules that count for no lead, and what is to be said of each; nothing of those that counted for none before either."""
    before = set(report["never"]["before"])
    rules = {one["rule"]: one for one in report["rules"]}
    return [
        (rule, "" if rule in before else "a new rule" if "before" not in rules[rule] else "it does count before")
        for rule in report["never"]["after"]
    ]


def outcome_table(report: Mapping[str, Any]) -> Table:
    """How well `ready for sales` foretells what sales said, before and after."""
    rows = []
    for outcome, meaning in _OUTCOMES.items():
        found = report["outcomes"][outcome]
        for side in ("before", "after"):
            one = found[side]
            rows.append(
                (
                    f"{meaning} ({outcome})",
                    side,
                    f"{number(one['right'])} of {number(one['sql'])}",
                    percent(one["precision"]),
                    f"{number(one['right'])} of {number(found['leads'])}",
                    percent(one["recall"]),
                    "–" if one["lift"] is None else f"{one['lift']:.1f}x",
                )
            )
    columns = (
        "outcome",
        "rules",
        "had it, of those ready",
        "precision",
        "ready, of those who had it",
        "recall",
        "lift",
    )
    return Table(columns, tuple(rows), columns[2:])


def waiting(report: Mapping[str, Any]) -> list[str]:
    """How many leads that would be ready for sales had no word from sales, before and after."""
    found = report["outcomes"]["won"]
    return [
        f"{name}: of {leads_(one['sql'])} that ever became ready for sales, sales has not said a word of {number(one['sql'] - one['judged'])}."
        for name, one in (("Before", found["before"]), ("After", found["after"]))
    ]


def leads_(count: int) -> str:
    """So many leads."""
    return f"{count:,} lead{'' if count == 1 else 's'}"


def number(count: int) -> str:
    """A count with its thousands apart."""
    return f"{count:,}"


def signed(count: int) -> str:
    """A difference of counts, with its sign."""
    return f"{count:+,}" if count else "0"


def points(value: float) -> str:
    """Points as people write them."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def signed_points(value: float) -> str:
    """A difference of points, with its sign."""
    return f"{'+' if value > 0 else ''}{points(round(value, 2) + 0.0)}"


def percent(share: float | None) -> str:
    """A share; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.1f} %"


def steps(most: int, lines: int = 4) -> Sequence[int]:
    """Round numbers for an axis from 0 to a little over `most`."""
    unit = next(
        step * 10**power for power in range(19) for step in (1, 2, 5) if step * 10**power * lines >= max(most, 1)
    )
    return [unit * line for line in range(lines + 1)]


def resting(report: Mapping[str, Any]) -> str:
    """What there is to know of leads whose stage is not that of their points alone."""
    count = report["resting_on_earlier_decisions"]
    return (
        f"{leads_(count)} {'is' if count == 1 else 'are'} in a stage that the points alone would not give: once in, a lead stays until its points "
        "fall below `leave` or its `dwell` is over, and one that sales sent back waits for its next activity."
    )
