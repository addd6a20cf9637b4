"""What our codes mean, in words for people who never saw them: channels, sources, kinds of events and addresses, stages, moments. No IO."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from babel import Locale

_CHANNELS = {
    "direct": "direct (typed in, or no sign of where from)",
    "cross-network": "ads in several networks",
    "paid-shopping": "shopping ads",
    "paid-search": "search ads",
    "paid-social": "ads on social media",
    "paid-video": "video ads",
    "display": "display ads",
    "paid-other": "other ads",
    "organic-shopping": "a shopping site",
    "organic-social": "social media, unpaid",
    "organic-video": "a video, unpaid",
    "organic-search": "a search engine, unpaid",
    "ai-assistant": "an AI assistant",
    "email": "e-mail",
    "affiliates": "an affiliate",
    "referral": "a link on another site",
    "audio": "an audio ad",
    "sms": "a text message",
    "push": "a push notification",
}
_ADDRESSES = {
    "business": "a company's address",
    "free": "a mailbox for everybody",
    "disposable": "a mailbox for a day",
    "role": "a shared mailbox",
    "relay": "a relay that hides the address",
    "invalid": "no mail can be sent to it",
}
_STAGES = {
    "raw": "nothing that counts yet",
    "IQL": "took information",
    "MQL": "engaged with marketing",
    "SQL": "ready for sales",
    "customer": "bought",
    "disqualified": "not to be called",
}
_INFERRED = {
    "email": "from the e-mail address",
    "phone": "from the phone number",
    "locale": "from the browser's language",
    "browser": "from the browser's clock",
    "timezone": "from the time zone",
    "ip": "from the internet address",
    "edge": "from the network in front of the site",
    "country": "from the country",
    "property": "the site's own country, for want of better",
}
_STATES = {
    "offered": "not answered yet",
    "accepted": "accepted",
    "contacted": "contacted",
    "meeting": "a meeting is arranged",
    "opportunity": "an opportunity",
    "won": "won",
    "lost": "lost",
    "rejected": "rejected",
    "recycled": "given back to marketing",
    "withdrawn": "taken back",
    "expired": "not answered in time, and passed on",
}


def channel(code: str) -> str:
    """A channel; one that we have no words for as it is."""
    return _CHANNELS.get(code, code)


def address(kind: str) -> str:
    """What kind of mail address it is."""
    return _ADDRESSES.get(kind, kind)


def stage(code: str) -> str:
    """A stage with what it means."""
    return f"{code} ({_STAGES[code]})" if code in _STAGES else code


def state(code: str) -> str:
    """Where a handover stands."""
    return _STATES.get(code, code)


def moment(text: str) -> str:
    """A time of RFC 3339 as people write it, in UTC; as it is when it is none."""
    try:
        at = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return text
    return f"{at.day} {at:%b} {at.year:04d} {at:%H:%M}"


def day(text: str) -> str:
    """The day of a time, in UTC."""
    return moment(text).rpartition(" ")[0] or text


def country(code: str) -> str:
    """A country by its code of ISO 3166."""
    return str(_english().territories.get(code, code))


def language(tag: str) -> str:
    """A language by its tag of BCP 47; as it is when it is none that has a name."""
    return str(_english().languages.get(tag) or _english().languages.get(tag.partition("-")[0], tag))


@lru_cache(maxsize=1)
def _english() -> Locale:
    return Locale("en")


def quoted(text: str) -> str:
    """A name that somebody gave to something."""
    return f"“{text}”"


def event(one: Mapping[str, Any]) -> str:
    """An event as a thing: the form “demo”, a visit of /pricing."""
    kind, name = one.get("kind"), str(one.get("name") or "")
    path = (one.get("page") or {}).get("path")
    match kind:
        case "form":
            return f"the form {quoted(name)}"
        case "hook":
            return f"the vendor's form {quoted(name)}" if name else "a vendor's post"
        case "identify":
            return "a sign-in"
        case "page":
            return f"a visit of {path}" if path else "a page view"
        case "pixel":
            return f"the opened mail {quoted(name)}" if name else "an opened mail"
        case _:
            return quoted(name) if name else "an event"


def did(one: Mapping[str, Any]) -> str:
    """What somebody did, as a sentence without its subject."""
    kind, name = one.get("kind"), str(one.get("name") or "")
    page = one.get("page") or {}
    path = page.get("path")
    match kind:
        case "form":
            said = f"filled in the form {quoted(name)}"
        case "hook":
            said = f"came with {event(one)}"
        case "identify":
            said = "signed in, or told who they are"
        case "page":
            title = page.get("title")
            said = f"looked at {path}{f' ({title})' if title else ''}" if path else "looked at a page"
        case "pixel":
            said = f"opened {quoted(name)}"
        case _:
            said = f"did {quoted(name)}" if name else "did something"
    return said


def source(told: Mapping[str, Any]) -> str:
    """Where a field of a profile comes from: `told` has its source, and the moment of the event that said it."""
    given, at = str(told["source"]), day(str(told["at"]))
    if given in _INFERRED:
        return _INFERRED[given]
    kind, _, name = given.partition(" ")
    return f"from {event({'kind': kind, 'name': name})} on {at}"


def identifier(one: Mapping[str, Any]) -> str:
    """An identifier as a thing."""
    value = str(one.get("value"))
    match one.get("kind"):
        case "phone" if "given" in one:
            called = f"{one['given']} {one['family']}"
            return f"{value} of {called.title()}"
        case "email" | "phone":
            return value
        case "user_id":
            return f"the user {value} of {one.get('property')}"
        case "external_id":
            return f"{str(one.get('system')).capitalize()}'s id {value}"
        case "anonymous_id":
            return f"the browser {value[:8]}{'...' if len(value) > 8 else ''}"
        case _:
            return value


def count(number: int, thing: str) -> str:
    """So many of a thing."""
    if number != 1:
        thing = f"{thing[:-1]}ies" if thing[-1] == "y" and thing[-2] not in "aeiou" else f"{thing}s"
    return f"{number:,} {thing}"


def kind_of(one: Mapping[str, Any]) -> str:
    """What kind of identifier it is."""
    kinds = {"email": "e-mail", "user_id": "user id", "anonymous_id": "browser"}
    return (
        f"{one.get('system')} id"
        if one.get("kind") == "external_id"
        else kinds.get(str(one.get("kind")), str(one.get("kind")))
    )
