"""The demo's people: what believable visitors of a made-up property send, seeded. No IO: chance and time are arguments.

Nobody here exists: companies live under .example, phone numbers are those that regulators keep for films.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from shared import clock

SITE = "https://northbridge.example"
_BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
)
_ROBOT = "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://bot.example/about)"


@dataclass(frozen=True, slots=True)
class Country:
    """Where somebody may be from."""

    code: str
    given: tuple[str, ...]
    family: tuple[str, ...]
    firms: tuple[str, ...]
    jobs: tuple[str, ...]
    phone: str  # with X for digits


_COUNTRIES = (
    Country(
        "DE",
        ("Lena", "Jonas", "Miriam", "Tobias", "Anke", "Jürgen"),
        ("Brandt", "Köhler", "Vogt", "Schäfer", "Lindner"),
        (
            "Nordwind Logistik GmbH",
            "Havelwerk AG",
            "Müller & Söhne KG",
            "Rheintal Medien GmbH",
            "Kranich Software GmbH",
        ),
        ("Geschäftsführer", "Leiterin Marketing", "Einkauf", "Vertriebsleiter", "IT-Leiter"),
        "030 23125 XXX",
    ),
    Country(
        "AT",
        ("Katharina", "Florian", "Eva", "Lukas"),
        ("Gruber", "Hofer", "Steiner", "Moser"),
        ("Alpenblick Touristik GmbH", "Donaustahl AG"),
        ("Geschäftsführerin", "Marketing Manager"),
        "",
    ),
    Country(
        "CH",
        ("Urs", "Nina", "Reto", "Céline"),
        ("Meier", "Keller", "Favre", "Ammann"),
        ("Säntis Präzision AG", "Lémanware SA"),
        ("CEO", "Head of Operations"),
        "",
    ),
    Country(
        "GB",
        ("Oliver", "Priya", "Emma", "Callum"),
        ("Hughes", "Patel", "Walker", "Fraser"),
        ("Thamesford Ltd", "Pennine Foods plc", "Harbour & Wells LLP"),
        ("Managing Director", "Head of Sales", "Buyer", "VP Marketing"),
        "020 7946 0XXX",
    ),
    Country(
        "FR",
        ("Camille", "Hugo", "Chloé", "Mathieu"),
        ("Lefèvre", "Moreau", "Girard", "Roux"),
        ("Boulangerie Centrale SARL", "Atelier Lumière SAS"),
        ("Directeur commercial", "Responsable marketing"),
        "01 99 00 XX XX",
    ),
    Country(
        "US",
        ("Jordan", "Maria", "Tyler", "Aisha"),
        ("Nguyen", "Carter", "Johnson", "Ramirez"),
        ("Blue Mesa Inc.", "Lakefront Robotics LLC", "Old Mill Corp."),
        ("VP of Sales", "CTO", "Marketing Specialist", "Director of Operations"),
        "(202) 555-01XX",
    ),
    Country(
        "NL",
        ("Daan", "Sanne", "Bram"),
        ("de Vries", "van den Berg", "Jansen"),
        ("Polderkracht B.V.", "Zeebries Energie B.V."),
        ("Inkoper", "Directeur"),
        "",
    ),
    Country(
        "ES",
        ("Lucía", "Álvaro", "Carmen"),
        ("García Romero", "Navarro", "Ortega"),
        ("Costa Verde S.L.", "Talleres Ibarra S.A."),
        ("Directora de marketing", "Gerente"),
        "",
    ),
)
_WEIGHTS = (30, 8, 8, 16, 10, 16, 6, 6)
_FORMS = ("demo", "contact", "enquiry", "magnet-ebook")
_FORM_WEIGHTS = (22, 33, 20, 25)
_PAGES = ("/", "/product", "/pricing", "/compare/spreadsheets", "/customers", "/blog/forecasting", "/careers")
_PAGE_WEIGHTS = (20, 22, 20, 10, 12, 12, 4)
_CAMPAIGNS = (
    "",
    "?utm_source=google&utm_medium=cpc&utm_campaign=forecasting",
    "?utm_source=linkedin&utm_medium=paid-social&utm_campaign=autumn",
    "?utm_source=newsletter&utm_medium=email&utm_campaign=november",
)


@dataclass(frozen=True, slots=True)
class Sending:
    """One request to capture. A batch may be refused in part; everything else is accepted or the demo says so."""

    after_seconds: float  # since the person's story began
    path: str
    body: bytes
    content_type: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Story:
    """One person's requests in order, and who they are."""

    email: str
    what: str
    sendings: tuple[Sending, ...]


@dataclass(slots=True)
class _Person:
    chance: random.Random
    country: Country
    now: datetime
    user_agent: str
    anonymous_id: str
    email: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    sendings: list[Sending] = field(default_factory=list)

    def sends(self, path: str, body: Mapping[str, Any]) -> None:
        """Adds an SDK's call to the story."""
        self._add(path, msgspec.json.encode(body), "application/json")

    def posts(self, form: str, fields: Mapping[str, str]) -> None:
        """Adds a browser's form post to the story."""
        self._add(f"/v1/forms/{form}", urlencode(fields).encode(), "application/x-www-form-urlencoded")

    def _add(self, path: str, body: bytes, content_type: str) -> None:
        waited = self.chance.uniform(0.2, 0.6) if self.sendings else 0.0
        after = (self.sendings[-1].after_seconds if self.sendings else 0.0) + waited
        self.sendings.append(Sending(after, path, body, content_type, self.user_agent))

    def new_id(self) -> str:
        """An id that the seed decides."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))


def stories(seed: int, *, leads: int, now: datetime, run: str) -> Iterator[Story]:
    """`leads` people. The same seed gives the same people; `run` keeps the ids of two demos apart.

    Among them, spread over the whole: repeats of a form under the same messageId, a robot, a disposable address, a late event, and
    one event that is refused.
    """
    chance = random.Random(f"{seed} {run}")
    special = {
        int(leads * 0.15): _robot,
        int(leads * 0.35): _disposable,
        int(leads * 0.55): _late,
        int(leads * 0.75): _invalid,
    }
    for number in range(leads):
        person = _person(chance, number, now)
        _visits(person)
        form = chance.choices(_FORMS, _FORM_WEIGHTS)[0]
        what = special[number](person) if number in special else ""
        if number % 25 == 3:
            what = what or "sends the form twice"
            _fills(person, form, times=2)
        else:
            _fills(person, form)
        if chance.random() < 0.3:
            traits = {"email": person.email, "plan": chance.choice(("trial", "free"))}
            person.sends("/v1/identify", _call(person, userId=f"u-{run}-{number}", traits=traits))
        yield Story(person.email, what or f"fills in {form}", tuple(person.sendings))


def _person(chance: random.Random, number: int, now: datetime) -> _Person:
    country = chance.choices(_COUNTRIES, _WEIGHTS)[0]
    given, family, firm = chance.choice(country.given), chance.choice(country.family), chance.choice(country.firms)
    person = _Person(chance, country, now, chance.choice(_BROWSERS), "")
    person.anonymous_id = person.new_id()
    mailbox = f"{_plain(given)}.{_plain(family)}.{number}"
    business = chance.random() < 0.8
    person.email = f"{mailbox}@{_plain(firm.split()[0])}.example" if business else f"{mailbox}.demo@gmail.com"
    person.fields = {
        "name": f"{given} {family}",
        "email": person.email,
        "company": firm if business or chance.random() < 0.5 else "",
        "job_title": chance.choice(country.jobs) if chance.random() < 0.7 else "",
        "country": country.code if chance.random() < 0.9 else "",
        "phone": _phone(chance, country.phone) if country.phone and chance.random() < 0.6 else "",
    }
    return person


def _visits(person: _Person) -> None:
    chance = person.chance
    landing = chance.choice(_CAMPAIGNS)
    for visit in range(chance.choices((1, 2, 3, 4), (35, 30, 20, 15))[0]):
        path = chance.choices(_PAGES, _PAGE_WEIGHTS)[0]
        url = f"{SITE}{path}{landing if visit == 0 else ''}"
        referrer = "" if visit or landing else "https://www.google.com/"
        page = {"url": url, "path": path, "referrer": referrer}
        person.sends("/v1/page", _call(person, properties=page, context={"page": page}))


def _fills(person: _Person, form: str, *, times: int = 1) -> None:
    fields = {
        **person.fields,
        "messageId": person.new_id(),
        "anonymous_id": person.anonymous_id,
        "page_url": f"{SITE}/{form}",
    }
    if person.chance.random() < 0.6:
        fields |= {
            "consent_marketing_email": "yes",
            "consent_text": "You may write to me about your products.",
            "consent_version": "demo-1",
        }
    for _ in range(times):
        person.posts(form, {name: value for name, value in fields.items() if value})


def _robot(person: _Person) -> str:
    person.user_agent = _ROBOT
    return "is a robot that fills in the form"


def _disposable(person: _Person) -> str:
    person.email = person.fields["email"] = f"{person.email.partition('@')[0]}@mailinator.com"
    return "has a disposable address"


def _late(person: _Person) -> str:
    long_ago = clock.text(person.now - timedelta(days=40))
    person.sends("/v1/track", _call(person, event="webinar-attended", timestamp=long_ago))
    return "attended a webinar 40 days ago, which is reported only now"


def _invalid(person: _Person) -> str:
    good = _call(person, type="track", event="brochure-opened")
    bad = _call(person, type="track", properties={"note": "an event without its name"})
    person.sends("/v1/batch", {"batch": [good, bad]})
    return "sends a batch with one event that is refused"


def _call(person: _Person, **more: Any) -> dict[str, Any]:
    return {"messageId": person.new_id(), "anonymousId": person.anonymous_id, **more}


def _phone(chance: random.Random, pattern: str) -> str:
    return "".join(str(chance.randrange(10)) if one == "X" else one for one in pattern)


def _plain(text: str) -> str:
    table = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "é": "e", "è": "e", "í": "i", "á": "a", "ß": "ss"})
    return "".join(filter(str.isalnum, text.lower().translate(table)))
