"""Who comes to the web property and what they do there: visits as posts, from a seed. Sends nothing.

People live in households, who share a tablet and a telephone; some come without a name at first, under a user id, some write their address
with a tag or a slip of the pen: so leads become one, and visits change hands while everything fails.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RETURNING = 0.30  # of all visits
RAISED_HANDS = 0.35  # of the visits: ask for contact, which makes an SQL of them
TWINS = 0.04  # visits with the same messageId under two person keys at the same moment
INVALID = 0.05  # visits after which somebody posts a form that names nobody
TOGETHER = 0.25  # visits whose posts all come at once, in any order
HOUSEHOLD = 4  # people
ON_THE_TABLET = 0.25  # visits with the cookie of the household
LANDLINE = 0.2  # people who give the household's telephone number
BY_USER_ID = 0.1  # visits that begin under a user id alone
TAGGED, SLIPPED = (
    0.1,
    0.03,
)  # forms with a tag in the address, which is the same mailbox; with a slip of the pen, which is another
_FREE = ("gmail.com", "gmx.de", "outlook.com")
_TAGGING = ("gmail.com", "outlook.com")


@dataclass(frozen=True, slots=True)
class Post:
    """One request. `pause` is how many seconds after the one before it is meant; `valid` whether it should be accepted."""

    path: str
    message_id: str
    body: Mapping[str, Any]
    kind: str
    pause: float
    valid: bool = True


class Crowd:
    """Visits without end. The same seed gives the same visits; `run` keeps the people of two runs apart."""

    def __init__(self, seed: int, run: str) -> None:
        self._random = random.Random(f"people {seed}")
        self._run = run
        self._people = 0
        self._posts = 0

    def visit(self) -> list[Post]:
        """The posts of the next visit: at least three that name or come to name the same person."""
        rng = self._random
        returning = self._people > 0 and rng.random() < RETURNING
        if returning:
            number = rng.randrange(self._people)
        else:
            number, self._people = self._people, self._people + 1
        who = self._person(number)
        together = rng.random() < TOGETHER
        cookie = {"anonymousId": who["tablet"] if rng.random() < ON_THE_TABLET else who["cookie"]}
        posts = []
        if rng.random() < BY_USER_ID:
            posts.append(self._post("/v1/identify", {**cookie, "userId": who["user_id"], "traits": {}}))
        posts += [
            self._post("/v1/page", {**cookie, "properties": {"url": "https://ours.example/pricing?utm_source=news"}}),
            self._post("/v1/track", {**cookie, "event": rng.choice(("webinar-attended", "email-clicked", "looked"))}),
        ]
        form = "contact" if rng.random() < RAISED_HANDS else "magnet-guide"
        contact = {**who["contact"], "email": self._written(who["contact"]["email"])}
        posts.append(self._post(f"/v1/forms/{form}", {**cookie, **contact}))
        if posts[0].kind == "identify" or rng.random() < 0.3:
            posts.append(self._post("/v1/identify", {**cookie, "userId": who["user_id"], "traits": who["contact"]}))
        if together:
            posts = [Post(p.path, p.message_id, p.body, p.kind, 0.0) for p in posts]
        if rng.random() < TWINS:
            posts += self._twins(who)
        if rng.random() < INVALID:
            posts.append(self._invalid())
        return posts

    def _written(self, email: str) -> str:
        """An address as it is typed into a form."""
        name, _, domain = email.partition("@")
        luck = self._random.random()
        if luck < TAGGED:
            return f"{name}+news@{domain}" if domain in _TAGGING else email.upper()
        return f"x{email}" if luck < TAGGED + SLIPPED else email

    def _person(self, number: int) -> dict[str, Any]:
        household = number // HOUSEHOLD
        domain = _FREE[number % 3] if number % 6 == 0 else f"acme{number % 97}.example"
        contact = {
            "email": f"p{number}.{self._run}@{domain}",
            "firstName": "Jo",
            "lastName": f"Person{number}",
            "phone": f"+4930{1_000_000 + (household if number % 100 < 100 * LANDLINE else 1_000_000 + number)}",
            "country": "Germany",
            "company": f"Acme {number % 97} GmbH",
        }
        cookies = {"cookie": f"c{number}-{self._run}", "tablet": f"t{household}-{self._run}"}
        return {**cookies, "user_id": f"u{number}-{self._run}", "contact": contact}

    def _twins(self, who: dict[str, Any]) -> list[Post]:
        """They are known to be one person before; then one event comes twice at once, by the user id and by the e-mail."""
        contact = who["contact"]
        known = self._post("/v1/identify", {"userId": who["user_id"], "traits": contact}, pause=0.5)
        first = self._post("/v1/track", {"userId": who["user_id"], "event": "twin"}, pause=2.0, kind="twin")
        traits = {"context": {"traits": {"email": contact["email"]}}}
        body = {"messageId": first.message_id, "event": "twin", **traits}
        return [known, first, Post("/v1/track", first.message_id, body, "twin", 0.0)]

    def _invalid(self) -> Post:
        post = self._post("/v1/forms/contact", {"company": "Nobody's"}, kind="invalid")
        return Post(post.path, post.message_id, post.body, post.kind, post.pause, valid=False)

    def _post(self, path: str, body: dict[str, Any], *, pause: float = -1.0, kind: str = "") -> Post:
        message_id = f"m{self._posts}-{self._run}"
        self._posts += 1
        kind = kind or path.split("/")[2]
        pause = self._random.uniform(0.05, 1.0) if pause < 0 else pause
        return Post(path, message_id, {"messageId": message_id, **body}, kind, pause)
