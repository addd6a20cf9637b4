"""Fields to a submission: each goes where the table of aliases.py says, what is never kept goes nowhere, the rest are properties."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from services.capture.domain import aliases, clean, connection, touch
from services.capture.domain.form import consent
from services.capture.domain.form.bodies import MAX_FIELDS, Fields, TooMany, fields_within
from services.capture.domain.form.secret import FEWEST_DIGITS, cleared, tells_a_secret, without_cards
from services.capture.domain.verdict import SERVER, Arrival, Refused, Submission
from shared.contracts import Campaign, Page
from shared.outcome import Reason

# What is noticed of the sender, by (the user agent says that nobody sits there, the field that people do not see is filled in).
_MARKS: dict[tuple[bool, bool], tuple[str, ...]] = {
    (False, False): (),
    (True, False): ("bot",),
    (False, True): ("honeypot",),
    (True, True): ("bot", "honeypot"),
}


class _Sorted:
    """A form's fields while they are put where they belong."""

    __slots__ = ("around", "click_ids", "properties", "purposes", "traits", "trapped", "utm")

    def __init__(self) -> None:
        self.traits: Fields = {}
        self.properties: Fields = {}
        self.around: Fields = {}
        self.purposes: Fields = {}
        self.utm: dict[str, str] = {}
        self.click_ids: dict[str, str] = {}
        self.trapped = False

    def sort(self, fields: Fields, rest: Fields, path: str = "") -> None:
        """Sorts `fields`, which stand under `path`; what is nobody's goes to `rest`, nested as it came. Raises TooMany."""
        if len(fields) > MAX_FIELDS:
            raise TooMany
        places, traits = aliases.PLACES, self.traits
        for field, value in fields.items():
            if type(value) is not str:
                if value is not None:
                    self._no_text(field, value, rest, path)
                continue
            if not value:
                continue
            place, name = places[path + field if path else field]
            if place == "trait":
                if len(value) >= FEWEST_DIGITS and name != "email":
                    value = without_cards(value)
                if name == "title" and aliases.word(value[:40]) == "salutation":
                    name = "salutation"
                if name not in traits:
                    traits[name] = value
                else:  # of two fields for one trait the second is kept
                    rest[field] = value
            elif place == "property":
                rest[field] = without_cards(value) if len(value) >= FEWEST_DIGITS else value
            elif place == "utm":
                self.utm.setdefault(name, value)
            elif place == "click":
                self.click_ids.setdefault(name, value)
            elif place == "surrounding":
                self._tells(name, value, rest, field)
            else:
                self._apart(place, name, value)

    def _no_text(self, field: str, value: Any, rest: Fields, path: str) -> None:
        """Sorts a field whose value is no text: an object, a list, a number, yes or no."""
        whole = path + field
        place, name = aliases.PLACES[whole]
        kind = type(value)
        if place in ("consent", "honeypot", "secret") or name == "consent":
            self._apart(place, name, value)
            return
        if kind is dict or kind is list:
            if not path and fields_within(value) > MAX_FIELDS:
                raise TooMany
            if aliases.wraps(whole) and (named := _named(value)) is not None:
                value, kind = named, dict
        if kind is dict:
            inner: Fields = {}
            self.sort(value if not tells_a_secret(value) else {**value, "value": None}, inner, f"{whole}.")
            if inner:
                rest[field] = inner
        elif kind is list and place != "property":
            self._first_of(field, value, rest, path)
        elif (kept := cleared(value, whole)) is None:
            return
        elif place == "trait" and name not in self.traits:
            self.traits[name] = kept
        elif place == "surrounding":
            self._tells(name, kept, rest, field)
        else:
            rest[field] = kept

    def _first_of(self, field: str, values: list[Any], rest: Fields, path: str) -> None:
        """Of a field that comes several times and is one, the first that says something counts; the others are kept."""
        said = [value for value in values if value is not None and value != ""]
        left: Fields = {}
        if said and type(said[0]) is not list:
            self.sort({field: said.pop(0)}, left, path)
        others = [*left.values(), *(cleared(said, path + field) or [])]
        if others and aliases.PLACES[path + field][1] != "write_key":
            rest[field] = others

    def _tells(self, name: str, value: Any, rest: Fields, field: str) -> None:
        """What of the surroundings a field tells; what another told before is kept as a property, but for a key."""
        if name == "consent":
            consent.gathered(self.purposes, value)
        elif name not in self.around:
            self.around[name] = value
        elif name != "write_key":
            rest[field] = cleared(value, field)

    def _apart(self, place: aliases.Place, name: str, value: Any) -> None:
        """Consent, and the field that people do not see; nothing of a secret."""
        if place == "consent":
            self.purposes[name] = value
        elif place == "honeypot":
            self.trapped = self.trapped or (any(value) if type(value) is list else bool(value))
        elif place == "surrounding":
            consent.gathered(self.purposes, value)

    def name(self) -> None:
        """Makes of a field called just `name` what it is: the half that is missing beside a given half, else the whole name."""
        traits = self.traits
        found = traits.pop("anyName")
        first, last = "firstName" in traits, "lastName" in traits
        half = "firstName" if first else "lastName"
        if first is not last and type(found) is str and str(traits[half]).casefold() not in found.casefold():
            traits["lastName" if first else "firstName"] = found
        elif "name" in traits:
            self.properties.setdefault("name", found)
        else:
            traits["name"] = found


def submission(
    form: str, fields: Fields, arrival: Arrival, *, idempotency_key: str | None = None, referer: str | None = None
) -> Submission | Refused:
    """What the form post means. `referer` is the page that the browser says the form stood on; hidden fields know better."""
    flaw = clean.flaw(fields, "")
    if flaw is not None:
        return flaw
    found = _Sorted()
    try:
        found.sort(fields, found.properties)
    except TooMany as many:
        return Refused(Reason.INVALID, str(many))
    if "anyName" in found.traits:
        found.name()
    told = {name: consent.text(value) for name, value in found.around.items()} if found.around else found.around
    tells = told.get
    url = tells("page_url")
    campaign, clicked = touch.of_page(url or referer)
    if url is None:
        url = referer
    elif referer is not None:
        if campaign is None and clicked is None:
            campaign, clicked = touch.of_page(referer)
        if url[0] == "/":
            url = _absolute(url, referer)
    ip, agent, country = arrival.ip, arrival.user_agent, arrival.edge_country
    if arrival.via == SERVER:
        ip, agent = _spoken_for(found.properties, arrival)
        country = None
    referrer, title = tells("referrer"), tells("page_title")
    return Submission(
        kind="form",
        name=form,
        client_id=tells("client_id") or idempotency_key,
        anonymous_id=tells("anonymous_id"),
        user_id=tells("user_id"),
        timestamp=tells("timestamp"),
        sent_at=tells("sent_at"),
        traits=found.traits,
        properties=found.properties,
        page=Page(url=url, referrer=referrer, title=title) if url or referrer or title else None,
        campaign=Campaign(**found.utm) if found.utm else campaign,
        click_ids={**clicked, **found.click_ids} if clicked else found.click_ids or None,
        user_agent=agent,
        ip=ip,
        locale=tells("locale"),
        timezone=tells("timezone"),
        country=country,
        consent=consent.given(found.purposes, told) if found.purposes else None,
        marks=_MARKS[connection.is_robot(agent), found.trapped],
        rendered_at=tells("rendered_at"),
    )


def _spoken_for(properties: Fields, arrival: Arrival) -> tuple[str | None, str | None]:
    """Address and agent of the person for whom a server speaks, where it tells them as `ip` and `userAgent`; else its own."""
    address = connection.valid_address(said) if type(said := properties.get("ip")) is str else None
    if address is not None:
        del properties["ip"]
    agent = properties.pop("userAgent") if type(properties.get("userAgent")) is str else arrival.user_agent
    return address or arrival.ip, agent[: connection.LONGEST_AGENT] if agent is not None else None


def write_key(fields: Fields) -> str | None:
    """The write key in a hidden field."""
    for name in ("writeKey", "write_key"):
        found = fields.get(name)
        if isinstance(found, str) and found:
            return found
    return None


def _named(value: Any) -> Fields | None:
    """Fields that come as a list of {name, value}, as scripts serialise forms, also where its places are names (`fields[0][name]`);
    None for anything else."""
    if type(value) is dict and value and all(key.isdecimal() for key in value):
        value = list(value.values())
    if type(value) is not list or not value:
        return None
    found: Fields = {}
    for one in value:
        if type(one) is not dict or type(name := one.get("name")) is not str or "value" not in one:
            return None
        said = one["value"]
        found[name] = [*(known if type(known := found[name]) is list else [known]), said] if name in found else said
    return found


def _absolute(path: str, referer: str) -> str:
    """A page of which only the path is told, as WordPress does it."""
    try:
        return urljoin(referer, path)
    except ValueError:
        return path
