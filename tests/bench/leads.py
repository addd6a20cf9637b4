"""The leads of a benchmark: seeded, so that the same seed gives the same bytes. Sends nothing, measures nothing.

Of all posts 30 % are of people that were there before (half of them of the thousand latest, since people come in visits), 2 % are a
visitor's whose next post, 50 to 500 later, says who they are, 2 % repeat a post of a moment ago under the same messageId, 1 %
name nobody. One form in five asks for contact, the others for a guide; about one form in ten makes a lead ready for sales (a
business mail and a phone, the home market or a large company, and a wish for contact). In batches they attend webinars, which takes several.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from msgspec import Struct

BODY_BYTES = 1024
_GIVEN = "Anna Ben Cleo David Emma Finn Greta Hanna Ida Jonas Karl Lea Mara Nils Olga Paul Rosa Sven Tina Uwe Vera Wim Yara Zoe".split()  # noqa: SIM905
_FAMILY = "Adler Beck Conti Dietz Ernst Fuchs Graf Hahn Iversen Jansen Keller Lang Maier Nowak Otto Peters Rau Sommer Thoma Ulrich Vogt Weber Yilmaz Zorn".split()  # noqa: SIM905
_HOME, _ABROAD = ("DE", "AT", "CH"), ("FR", "GB", "US", "NL", "PL", "SE", "ES", "IT")
_CODES = {
    "DE": "+4930",
    "AT": "+431",
    "CH": "+4144",
    "FR": "+331",
    "GB": "+4420",
    "US": "+1212",
    "NL": "+3120",
    "PL": "+4822",
}
_CODES |= {"SE": "+468", "ES": "+3491", "IT": "+3906"}
_FREE = ("gmail.com", "gmx.de", "outlook.com", "yahoo.com")
_SOURCES = ("google", "linkedin", "newsletter", "partner")
_PROSE = (
    "we are looking for a way to follow our leads from the first visit to the order and would like to see how much of the work your "
    "product takes off our hands what it costs a month for forty people in sales and whether it runs in our own data centre thanks"
)
_LATEST = 1000


class Kind(IntEnum):
    """What a post is, as the benchmark counts it."""

    NEW = 1
    KNOWN = 2
    VISIT = 3  # of somebody who says later who they are: ends when they do
    IDENTIFIED = 4
    REPEAT = 5
    INVALID = 6


@dataclass(frozen=True, slots=True)
class Mix:
    """The parts of all posts; what is left is new people."""

    known: float = 0.30
    joins: float = 0.02
    repeats: float = 0.02
    invalid: float = 0.01


class Lead(NamedTuple):
    """One post. `number` names it through all topics (a repeat has its original's); `person` is whose it is, -1 for nobody."""

    kind: Kind
    number: int
    person: int


class Crowd:
    """An endless stream of posts. `people` is how many there have been; numbers begin at `first`."""

    def __init__(self, seed: int, *, first: int = 0, people: int = 0, mix: Mix | None = None) -> None:
        self.people = people
        self.number = first
        self._mix = mix or Mix()
        self._random = random.Random(f"{seed}:{first}:{people}")
        self._seed = seed
        self._recent: deque[Lead] = deque(maxlen=_LATEST)
        self._visitors: deque[tuple[int, int]] = deque()  # whose turn to be identified comes at which post
        self._posts = 0

    def __iter__(self) -> Iterator[Lead]:
        while True:
            yield self.next()

    def next(self) -> Lead:
        """The next post."""
        self._posts += 1
        if self._visitors and self._visitors[0][0] <= self._posts:
            return self._numbered(Kind.IDENTIFIED, self._visitors.popleft()[1])
        mix, dice = self._mix, self._random.random()
        if dice < mix.invalid:
            return Lead(Kind.INVALID, -1, -1)
        dice -= mix.invalid
        if dice < mix.repeats and self._recent:
            again = self._recent[self._random.randrange(len(self._recent))]
            return Lead(Kind.REPEAT, again.number, again.person)
        dice -= mix.repeats
        if dice < mix.joins:
            self.people += 1
            turn = self._posts + 50 + int(self._random.random() * 450)
            # In order of their turns, which a visit that came earlier may have later.
            self._visitors.append((max(turn, self._visitors[-1][0] + 1 if self._visitors else 0), self.people - 1))
            return self._numbered(Kind.VISIT, self.people - 1)
        dice -= mix.joins
        if dice < mix.known and self.people > len(self._visitors):
            return self._numbered(Kind.KNOWN, self._somebody())
        self.people += 1
        return self._numbered(Kind.NEW, self.people - 1)

    def identified(self, person: int) -> Lead:
        """The post with which a visitor says who they are, before their turn."""
        return self._numbered(Kind.IDENTIFIED, person)

    def _somebody(self) -> int:
        waiting = {person for _, person in self._visitors}
        while True:
            if self._random.random() < 0.5:
                person = self.people - 1 - int(self._random.random() * min(_LATEST, self.people))
            else:
                person = int(self._random.random() * self.people)
            if person not in waiting:
                return person

    def _numbered(self, kind: Kind, person: int) -> Lead:
        lead = Lead(kind, self.number, person)
        self.number += 1
        if kind is not Kind.VISIT:  # a repeated visit would end twice when its person is known
            self._recent.append(lead)
        return lead


class Person(Struct, frozen=True):
    """Who somebody is; the same for the same number and seed, in every post of theirs."""

    given: str
    family: str
    email: str
    phone: str
    country: str
    company: str
    employees: int
    cookie: str


class Writer:
    """Writes posts as bodies of about 1 KB: `form` for the form route, `event` for a Segment batch."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        rng = random.Random(f"{seed}:words")
        words = _PROSE.split()
        self._text = " ".join(rng.choice(words) for _ in range(20_000))

    def person(self, number: int) -> Person:
        """The person of this number."""
        # A multiplicative hash (Knuth): cheap, and well spread in its upper bits.
        h = ((number + 1) * 0x9E3779B97F4A7C15 + self._seed) & 0xFFFFFFFFFFFFFFFF
        h ^= h >> 29
        given, family = _GIVEN[(h >> 8) % 24], _FAMILY[(h >> 16) % 24]
        firm = (h >> 24) % 20_000
        business = (h >> 40) % 100 < 65
        countries = _HOME if (h >> 44) % 100 < 40 else _ABROAD
        country = countries[(h >> 50) % len(countries)]
        domain = f"firm{firm}.example" if business else _FREE[firm % len(_FREE)]
        phone = ""
        if (h >> 33) % 100 < 50:
            digits = f"{number % 10_000_000:07d}"
            code = _CODES[country]
            # One in seven writes it as people do, which is for the library to read.
            phone = f"{code}{digits}" if (h >> 55) % 7 else f"{code[:3]} ({code[3:]}) {digits[:3]} {digits[3:]}"
        return Person(
            given=given,
            family=family,
            email=f"{given.lower()}.{family.lower()}.{number}@{domain}",
            phone=phone,
            country=country,
            company=f"Firm {firm} GmbH" if country in _HOME else f"Firm {firm} Ltd",
            employees=(5, 40, 200, 1500)[(h >> 36) % 4],
            cookie=f"c{h:016x}-{number}",
        )

    def form(self, lead: Lead) -> bytes:
        """The body of a JSON form post."""
        who = self.person(lead.person)
        names = ""
        if lead.kind not in (Kind.VISIT, Kind.INVALID):
            names = (
                f'"email":"{who.email}","firstName":"{who.given}","lastName":"{who.family}","phone":"{who.phone}",'
                f'"company":"{who.company}","employees":{who.employees},"country":"{who.country}",'
            )
        if lead.kind in (Kind.VISIT, Kind.IDENTIFIED):
            names += f'"anonymousId":"{who.cookie}",'
        head = (
            f'{{"messageId":"{self._message_id(lead)}","n":{lead.number},{names}"pageUrl":"{_url(lead)}",'
            f'"pageTitle":"Talk to us","referrer":"https://www.search.example/","topic":"offer","message":"'
        )
        return self._filled(head, lead, '"}')

    def event(self, lead: Lead) -> bytes:
        """One event of a batch: a webinar that was attended, told with the person's traits."""
        who = self.person(lead.person)
        traits = ids = ""
        if lead.kind not in (Kind.VISIT, Kind.INVALID):
            traits = (
                f'"traits":{{"email":"{who.email}","firstName":"{who.given}","lastName":"{who.family}","phone":"{who.phone}",'
                f'"company":{{"name":"{who.company}","employees":{who.employees}}},"country":"{who.country}"}},'
            )
        if lead.kind in (Kind.VISIT, Kind.IDENTIFIED):
            ids = f'"anonymousId":"{who.cookie}",'
        head = (
            f'{{"type":"track","event":"webinar-attended","messageId":"{self._message_id(lead)}",{ids}'
            f'"context":{{{traits}"page":{{"url":"{_url(lead)}","title":"Webinar","referrer":"https://www.search.example/"}}}},'
            f'"properties":{{"n":{lead.number},"topic":"offer","message":"'
        )
        return self._filled(head, lead, '"}}')

    def batch(self, leads: list[Lead]) -> bytes:
        """The body of a batch."""
        return b'{"batch":[' + b",".join([self.event(lead) for lead in leads]) + b"]}"

    def _message_id(self, lead: Lead) -> str:
        return f"m{self._seed}-{lead.number}" if lead.number >= 0 else ""

    def _filled(self, head: str, lead: Lead, tail: str) -> bytes:
        missing = max(0, BODY_BYTES - len(head) - len(tail))
        begin = lead.number * 37 % 60_000
        return (head + self._text[begin : begin + missing] + tail).encode()


def form_path(lead: Lead) -> str:
    """Which form a post fills in."""
    return "/v1/forms/contact" if lead.number % 5 == 0 else "/v1/forms/magnet-guide"


def _url(lead: Lead) -> str:
    source = _SOURCES[lead.number & 3]
    return f"https://www.ours.example/contact?utm_source={source}&utm_medium=cpc&utm_campaign=autumn"
