"""A lead's score in sentences, from score's answer: a line for each rule that adds up, its stage and why, what comes next, what counts for
nothing. No IO.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.console.domain import words

Answer = Mapping[str, Any]

_SUMS = {"total": "in all", "fit": "for who they are", "engagement": "for what they did"}
_LEAST = re.compile(r"(total|fit|engagement)\s*(>=?)\s*(-?[\d.]+)")
_GROUPS = {"fit": "who they are", "engagement": "what they did", "total": "all together"}
_DAY = 86_400
_SPANS = ((7 * _DAY, "week"), (_DAY, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_SEVERAL = 6  # activities whose points are written out one by one; more are counted
_CENT = 0.005


def lines(answer: Answer) -> list[tuple[str, str, str]]:
    """About what, points and why: a line for each contribution and the total at the end. The points add up."""
    found = []
    group = ""
    for one in answer["contributions"]:
        new = _GROUPS.get(one["group"], "") if one["group"] != "idle" else "the time since"
        about = new if new != group else ""
        group = new
        found.append((about, points(one["points"]) if one["group"] != "shown" else "", _sentence(one, answer)))
    return [*found, ("total", f"{answer['score']['total']:g}", "")]


def points(number: float) -> str:
    """Points with their sign."""
    return f"{number:+g}" if number else "0"


def headline(answer: Answer) -> str:
    """Points, stage and grade in one line."""
    score, grade = answer["score"], answer["grade"]
    meaning = f" ({grade[0]} for who they are, {grade[1]} for what they did)" if len(grade) == 2 else ""
    return f"{score['total']:g} points: {words.stage(answer['stage'])}{f', grade {grade}{meaning}' if grade else ''}"


def notes(answer: Answer, *, asked_for_then: bool) -> list[tuple[str, str]]:
    """What is to be said beside the points: about what, and a sentence."""
    rules = answer["ruleset"]
    found = [("the rules", f"ruleset {rules['id']}, version {rules['document']}")]
    found += [("why " + answer["stage"], one) for one in _stage(answer)]
    found += [("", one) for one in _next_stage(answer)]
    if answer["segments"]:
        found.append(("segments", ", ".join(_named(one) for one in answer["segments"])))
    if answer["recycled"]:
        found.append(("sales", f"gave them back {words.count(answer['recycled'], 'time')}"))
    found.append(("what comes", _coming(answer, asked_for_then)))
    about = "gave no points"
    for one in answer["not_counted"]:
        found.append((about, _nothing(one)))
        about = ""
    return found


def _sentence(one: Mapping[str, Any], answer: Answer) -> str:
    rule = str(one["rule"])
    if "activities" in one:
        return _counted(one, answer)
    if "bounds_rule" in one:
        bound = f"more than {one['bound']:g}" if one["points"] < 0 else f"less than {-one['bound']:g}"
        return f"{_named(one['bounds_rule'])}: no {bound} for all of it together"
    if "bounds_group" in one:
        return f"no {'more' if one['points'] < 0 else 'less'} than {one['bound']:g} for {_GROUPS[one['bounds_group']]}"
    if one["group"] == "idle":
        return _idle(one, answer)
    kind, _, name = rule.partition(":")
    if one["group"] == "shown" and kind == "override":
        return f"{_named(name)}: holds them up until {words.moment(one['until'])}, whatever the points say"
    if one["group"] == "shown" and kind == "exclude":
        return f"{_named(name)}: never qualifies ({one['reason']})"
    return _named(rule)


def _counted(one: Mapping[str, Any], answer: Answer) -> str:
    """Pricing page: 2 of 5 visits counted (1 a week): 10 + 10, the last on 27 Nov 2026."""
    count = one["count"]
    others = sum(more["count"] for more in answer["not_counted"] if more.get("rule") == one["rule"])
    things = _things(one["activities"], answer, count if not others or one.get("by") else count + others)
    of = f"{count} of {count + others}" if others and not one.get("by") else str(count)
    name = _named(one["rule"]) + (f" ({one['by']})" if one.get("by") else "")
    terms = _terms(one)
    said = f"{name}: {of} {things} counted{f' ({terms})' if terms else ''}"
    return f"{said}: {_worth(one, answer)}, the last on {words.day(one['last_at'])}" if one["each"] else said


def _worth(one: Mapping[str, Any], answer: Answer) -> str:
    """What each is worth now, where it can be shown so that it adds up; else what is left of what they were worth."""
    each, count = one["each"], one["count"]
    if one["points"] == one["base"]:
        return " + ".join([f"{each:g}"] * count) if count < _SEVERAL else f"{count} times {each:g}"
    now = datetime.fromisoformat(answer["as_of"])
    left = [
        round(each * _left(one, (now - datetime.fromisoformat(_at(id_, answer))).total_seconds()), 2)
        for id_ in one["activities"]
    ]
    if count < _SEVERAL and abs(sum(left) - one["points"]) < _CENT:
        return f"{' + '.join(f'{part:g}' for part in left)} left of {each:g}{' each' if count > 1 else ''}"
    return f"{one['points']:g} left of {count} times {each:g}"


def _left(one: Mapping[str, Any], age: float) -> float:
    if "half_life_seconds" in one:
        return float(0.5 ** (max(0.0, age) / one["half_life_seconds"]))
    return 1 - max(0.0, age) / float(one["fade_seconds"])


def _at(id_: str, answer: Answer) -> str:
    return str(answer["activities"][id_]["occurred_at"])


def _terms(one: Mapping[str, Any]) -> str:
    """How much counts and how long, as the rule says."""
    found = []
    if at_least := one.get("at_least"):
        found.append(f"each {at_least['count']} within {span(at_least['within_seconds'])} count as one")
    if limit := one.get("limit"):
        found.append(_limit(limit))
    if "half_life_seconds" in one:
        found.append(f"half is left after {span(one['half_life_seconds'])}")
    if "window_seconds" in one:
        found.append(f"for {span(one['window_seconds'])}")
    if "fade_seconds" in one:
        found.append(f"less each day, nothing after {span(one['fade_seconds'])}")
    return ", ".join(found)


def _limit(limit: Mapping[str, Any]) -> str:
    by = f" for each {limit['by'].rpartition('.')[2]}" if limit.get("by") else ""
    if "per" in limit:
        return f"{limit['count']} a {limit['per']} at most{by}"
    return f"one in {span(limit['per_seconds'])}{by}" if "per_seconds" in limit else f"once{by}"


def span(seconds: float) -> str:
    """A length of time in the largest unit that divides it."""
    for size, name in _SPANS:
        if seconds >= size and seconds % size == 0 and (name != "week" or seconds % (30 * _DAY)):
            return words.count(int(seconds // size), name)
    return f"{seconds:g} seconds"


def _things(ids: Sequence[str], answer: Answer, count: int) -> str:
    kinds = {answer["activities"][id_]["kind"] for id_ in ids}
    noun = {"page": "visit", "form": "form"}.get(kinds.pop(), "time") if len(kinds) == 1 else "activity"
    return words.count(count, noun).partition(" ")[2]


def _idle(one: Mapping[str, Any], answer: Answer) -> str:
    quiet = datetime.fromisoformat(answer["as_of"]) - datetime.fromisoformat(one["idle_since"])
    again = f", and again every {span(one['every_seconds'])}" if "every_seconds" in one else ""
    most = f", {one['bound']:g} at most" if "bound" in one else ""
    return (
        f"{_named(one['rule'])}: nothing for {words.count(quiet.days, 'day')} (since {words.day(one['idle_since'])}); "
        f"{points(one['each'])} after {span(one['after_seconds'])}{again}{most}"
    )


def _stage(answer: Answer) -> Iterator[str]:
    since = f" (since {words.moment(answer['stage_since'])})" if answer["stage_since"] else ""
    said = [one for reason in answer["because"] if reason["stage"] == answer["stage"] and (one := _because(reason))]
    yield ("; ".join(said) or "no rule has brought them further yet") + since


def _because(reason: Mapping[str, Any]) -> str:
    match reason["kind"]:
        case "won":
            return "sales said that they bought"
        case "barred":
            return "somebody of yours disqualified them by hand"
        case "excluded":
            return f"the rule {_named(reason['rule'])} keeps them out: {reason['reason']}"
        case "override":
            return f"the rule {_named(reason['rule'])} holds them here until {words.moment(reason['until'])}"
        case "enter":
            return f"{reason['has']:g} points are at least the {reason['needs']:g} that it takes"
        case "leave":
            return f"they were there, and stay as long as they have {reason['needs']:g} points"
        case "condition":
            return _condition(reason["rule"])
        case "dwell":
            return f"time alone takes nobody out before {words.moment(reason['until'])}"
    return ""


def _condition(text: str) -> str:
    """A condition of a ruleset that holds; in words where it asks for points alone."""
    least = _LEAST.fullmatch(text.strip())
    if least is None:
        return f"the ruleset's condition {text} holds"
    return f"they have {'at least' if least[2] == '>=' else 'more than'} {least[3]} points {_SUMS[least[1]]}"


def _next_stage(answer: Answer) -> Iterator[str]:
    missing = [one for one in answer["because"] if one["stage"] != answer["stage"]]
    said = []
    for one in missing:
        match one["kind"]:
            case "below":
                said.append(f"{one['needs']:g} points are needed ({one['needs'] - one['has']:.4g} more)")
            case "min_fit":
                said.append(f"at least {one['needs']:g} for who they are, and there are {one['has']:g}")
            case "sent_back":
                since = f" after {words.moment(one['until'])}, when sales gave them back" if one.get("until") else ""
                said.append(f"they have to do something new{since}")
    if said:
        yield f"For {missing[0]['stage']} {'; '.join(said)}."


def _coming(answer: Answer, asked_for_then: bool) -> str:
    turn = answer["next_change"]
    if turn is None:
        return "If nothing happens, stage, grade and segments stay as they are."
    changed = []
    if turn["stage"] != answer["stage"]:
        changed.append(f"the stage becomes {turn['stage']}")
    if turn["grade"] != answer["grade"]:
        changed.append(f"the grade becomes {turn['grade']}")
    for verb, before, after in (("enters", answer, turn), ("leaves", turn, answer)):
        if some := [one for one in after["segments"] if one not in before["segments"]]:
            changed.append(f"{verb} {', '.join(_named(one) for one in some)}")
    begin = "If nothing had happened, on" if asked_for_then else "If nothing happens, on"
    return f"{begin} {words.moment(turn['at'])} {turn['total']:g} points are left and {', '.join(changed)}."


def _nothing(one: Mapping[str, Any]) -> str:
    match one["why"]:
        case "min_human":
            why = f"probably a machine's doing (below {one['least']:g} human)"
        case "reset":
            why = f"from before {' or '.join(_named(rule) for rule in one['reset_by'])}, after which all begins anew"
        case "at_least":
            why = f"too few or too far apart (it takes {one['at_least']['count']} within {span(one['at_least']['within_seconds'])})"
        case "limit":
            why = f"over the limit ({_limit(one['limit'])})"
        case _:
            why = f"older than {span(one.get('window_seconds') or one['fade_seconds'])}"
    about = f"{_named(one['rule'])}: " if one.get("rule") else ""
    return f"{about}{one['count']}, {why}; the last on {words.day(one['last_at'])}"


def _named(rule: str) -> str:
    """A rule or a segment by its id, as words."""
    return rule.replace("-", " ").replace("_", " ")
