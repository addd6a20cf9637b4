"""A person's story for people: who it is, from where we know it, what they did, why we think it is one person. Out of what the services
say (explain.py), in sections of named sentences. No IO; what a code means is words.py's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from services.console.domain import words

ACTIVITIES_SHOWN = 12
_UNLIKELY_HUMAN = 0.5  # under it the shipped ruleset leaves an activity out

Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """A title and sentences, each under what it is about."""

    title: str
    lines: tuple[tuple[str, str], ...]


def story(found: Found) -> list[Section]:
    """The sections of a lead's story that there is something to say in. Times are UTC."""
    sections = [
        Section(called(found), tuple(_who(found))),
        Section("Where they came from", tuple(_came(found))),
        Section(_did_title(found), tuple(_did(found))),
        Section("Why this is one person", tuple(_one(found))),
        Section("What they agreed to", tuple(_agreed(found))),
        Section("Questions that wait for an answer", tuple(questions(found.get("reviews") or ()))),
    ]
    return [one for one in sections if one.lines]


def called(found: Found) -> str:
    """A person in one line: name, job and company, as far as they are known."""
    profile = found["profile"]
    name, job, company = (profile.get(part) or {} for part in ("name", "job", "company"))
    address = (profile.get("email") or {}).get("address")
    phone = profile.get("phone") or {}
    who = name.get("full") or address or phone.get("e164") or phone.get("raw") or "Somebody without a name"
    where = company.get("name") or company.get("domain")
    at = f" at {where}" if where else ""
    return f"{who}, {job['title']}{at}" if job.get("title") else f"{who}{at}"


def _who(found: Found) -> Iterator[tuple[str, str]]:
    profile, told = found["profile"], found.get("told") or {}

    def said(field: str, text: str) -> str:
        return f"{text}, {words.source(told[field])}" if field in told else text

    email, phone = profile.get("email"), profile.get("phone")
    if email:
        kind = f" ({words.address(email['kind'])})" if email.get("kind") else ""
        yield "e-mail", said("email", f"{email['address']}{kind}")
    if phone:
        extension = f" extension {phone['extension']}" if phone.get("extension") else ""
        yield "phone", said("phone", f"{phone.get('e164') or phone.get('raw')}{extension}")
    job, company = profile.get("job") or {}, profile.get("company") or {}
    rank = ", ".join(job[part] for part in ("seniority", "department") if job.get(part) and job[part] != "unknown")
    if job.get("title"):
        yield "job", said("job.title", f"{job['title']}{f' ({rank})' if rank else ''}")
    elif rank:
        yield "job", rank
    if company.get("name"):
        yield "company", said("company.name", company["name"])
    if company.get("domain"):
        yield "website", said("company.domain", company["domain"])
    if company.get("size"):
        yield "employees", said("company.size", f"{company['size']:,}")
    if company.get("industry"):
        yield "industry", said("company.industry", company["industry"])
    place = ", ".join(str(profile[part]) for part in ("postal_code", "city", "region") if profile.get(part))
    if place:
        yield "place", place
    if profile.get("country"):
        yield "country", said("country", words.country(profile["country"]))
    if profile.get("language"):
        yield "language", said("language", words.language(profile["language"]))
    if profile.get("timezone"):
        yield "time zone", said("timezone", profile["timezone"])
    for name, value in (profile.get("custom") or {}).items():
        yield name, said(f"custom.{name}", _plain(value))
    if profile.get("test"):
        yield "a test", "a vendor's test lead: it is never scored"
    yield "known since", words.moment(str(found["made_at"]))
    yield "lead id", str(found["lead_id"])


def _came(found: Found) -> Iterator[tuple[str, str]]:
    first, last = found.get("first_touch"), found.get("last_touch")
    if first:
        yield "first", _touch(first)
    if last and last != first:
        yield "last", _touch(last)


def _touch(touch: Found) -> str:
    campaign = touch.get("campaign") or {}
    said = [str(campaign[part]) for part in ("source", "medium") if campaign.get(part)]
    if campaign.get("name"):
        said.append(f"campaign {words.quoted(campaign['name'])}")
    if touch.get("referrer") and not said:
        said.append(str(_page(touch["referrer"])).partition("/")[0])
    more = f" ({', '.join(said)})" if said else ""
    landed = f", landing on {page}" if (page := _page(touch.get("landing_page"))) else ""
    return f"{words.channel(touch.get('channel') or 'direct')}{more} on {words.moment(str(touch['at']))}{landed}"


def _page(url: str | None) -> str | None:
    """A page without its query, which may be long and says what the campaign says."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        return f"{parts.hostname or ''}{parts.path or '/'}"
    except ValueError:
        return url


def _did_title(found: Found) -> str:
    shown = len(found["activities"])
    if shown > ACTIVITIES_SHOWN or found.get("next"):
        return f"What they did (the latest {min(shown, ACTIVITIES_SHOWN)}, times in UTC)"
    return "What they did (times in UTC)"


def _did(found: Found) -> Iterator[tuple[str, str]]:
    before: tuple[str, str] | None = None
    for one in found["activities"][:ACTIVITIES_SHOWN]:
        robot = "" if one.get("human", 1) >= _UNLIKELY_HUMAN else " (probably a robot: it does not count)"
        by = f", by {words.channel(one['channel'])}" if one.get("channel") not in (None, "direct") else ""
        on = f" on {path}" if (path := (one.get("page") or {}).get("path")) and one["kind"] in ("form", "track") else ""
        said = words.moment(str(one["occurred_at"])), f"{words.did(one)}{on}{by}{robot}"
        if said != before:
            yield said
        before = said


def _one(found: Found) -> Iterator[tuple[str, str]]:
    identifiers = found.get("identifiers") or ()
    for one in identifiers:
        if one["kind"] == "anonymous_id":
            continue
        first = one.get("first")
        seen = f", and by {words.count(one['events'] - 1, 'event')} since" if one.get("events", 1) > 1 else ""
        links = [link for link in one.get("links") or () if "given" not in one or link["rule"] == "join"]
        at_once = [words.identifier(link["with"]) for link in links if first and link.get("event") == first]
        beside = f", together with {' and '.join(at_once)}" if at_once else ""
        named = f"first named by {_event(first)}{beside}{seen}" if first else "known"
        yield words.kind_of(one), f"{words.identifier(one)}: {named}{_because(links, first)}"
    for browser in found.get("browsers") or ():
        yield "browser", _browser(browser)
    for lead in found.get("absorbed_people") or ():
        yield (
            "merged",
            f"{words.identifier(lead['made_by'])} was a lead of its own, known since {words.moment(str(lead['made_at']))}; its id ({lead['lead_id']}) leads here",
        )
    for other in found.get("apart") or ():
        yield "kept apart", _apart(other)


def _because(links: Iterable[Found], first: Found | None) -> str:
    return "".join(f"; {_joined(link)}" for link in links if first is None or link.get("event") != first)


def _joined(link: Found) -> str:
    """Why an identifier is this person's, beside that an event named it."""
    other = words.identifier(link["with"])
    if link["rule"] == "join":
        return f"one person with {other}, {_ruled(link)}"
    together = (
        f"{_event(link['event'])} named it" if "event" in link else f"it was seen on {words.moment(str(link['at']))}"
    )
    return f"theirs since {together} together with {other}"


def _apart(link: Found) -> str:
    return f"{words.identifier(link['identifier'])} is not {words.identifier(link['with'])}, {_ruled(link)}"


def _ruled(link: Found) -> str:
    by = f" by {link['by']}" if link.get("by") else " by an operator"
    why = f": {link['reason']}" if link.get("reason") else ""
    return f"said{by} on {words.moment(str(link['at']))}{why}"


def _browser(browser: Found) -> str:
    first = browser["joined_by"]
    before, since = browser["before"], browser["since"]
    name = words.identifier({"kind": "anonymous_id", "value": browser["anonymous_id"]})
    if before:
        said = f"{words.count(before, 'visit')} on {name}, from {words.moment(str(browser['first_at']))} on, joined when {_event(first)} told who it was"
        return f"{said}; {words.count(since, 'visit')} since" if since else said
    said = f"{name} is theirs since {_event(first)}"
    return f"{said}; {words.count(since, 'visit')} since" if since else said


def _event(event: Found) -> str:
    return f"{words.event(event)} of {words.moment(str(event['at']))}"


def _agreed(found: Found) -> Iterator[tuple[str, str]]:
    for purpose, consent in (found["profile"].get("consent") or {}).items():
        said = "yes" if consent["given"] else "no"
        text = f", to {words.quoted(consent['text'])}" if consent.get("text") else ""
        more = ", ".join(f"{part} {consent[part]}" for part in ("version", "basis") if consent.get(part))
        when = words.moment(str(consent["at"]))
        yield purpose.replace("_", " "), f"{said}{text}{f' ({more})' if more else ''}, on {when}"


def questions(reviews: Iterable[Found]) -> Iterator[tuple[str, str]]:
    """Questions of the review queue, a sentence each, under their ids."""
    for review in reviews:
        one, other = review["sides"]
        alone = "given" in one["identifier"]
        why = {
            "names": "this number was given under names that differ"
            if alone
            else "one form named both, but the names differ",
            "limit": "so many numbers joined this person before that no more do by themselves",
        }.get(review["rule"], review["rule"])
        yield (
            str(review["id"]),
            f"Is {_side(one)} the same person as {_side(other)}? Since {words.moment(str(review['at']))}: {why}",
        )


def _side(side: Found) -> str:
    identifier = words.identifier(side["identifier"])
    lead = side.get("lead") if "given" not in side["identifier"] else None
    return f"{identifier} ({called(lead)})" if lead is not None and called(lead) != identifier else identifier


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_plain, value))
    return str(value)
