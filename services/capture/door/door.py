"""From a request to its route: which paths there are, which methods they take, and a browser's question beforehand. Declared for OpenAPI in declared.py; bytes come and go in wire.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from services.capture import answers, pages
from services.capture.answers import Answer
from services.capture.door import assets, forms, hooks, mail, pixel, sdk, sources
from services.capture.door.desk import Desk, Judged
from services.capture.request import Headers, Request


class Route(Struct, frozen=True):
    """What judges requests of these methods. A route is a function of the desk and the request; it may raise Stop."""

    judge: Callable[[Desk, Request], Judged]
    methods: tuple[str, ...] = ("POST",)


_FILE = ("GET", "HEAD")
ROUTES: dict[str, Route] = {  # by path
    **dict.fromkeys(sdk.CALLS, Route(sdk.call)),
    **dict.fromkeys(sdk.BATCHES, Route(sdk.batch)),
    **dict.fromkeys(sources.RUDDERSTACK, Route(sources.rudderstack, _FILE)),
    assets.TRACKER: Route(assets.tracker, _FILE),
    pixel.PIXEL: Route(pixel.seen, ("GET",)),
}
BENEATH: dict[str, Route] = {  # by how the path begins
    forms.FORMS: Route(forms.submit),
    hooks.HOOKS: Route(hooks.receive, hooks.METHODS),
    mail.MAIL: Route(mail.used, mail.METHODS),
    sources.SEGMENT: Route(sources.segment, _FILE),
}
_BEGINNINGS = tuple(BENEATH)


def is_hot(path: str) -> bool:
    """Whether the door judges requests to this path; all others are the app's."""
    return path in ROUTES or path.startswith(_BEGINNINGS)


@lru_cache(maxsize=1024)
def named(path: str) -> str:
    """The route of a hot path, without what the sender chooses of it."""
    if path in ROUTES:
        return path
    return next((f"{beginning}*" for beginning in _BEGINNINGS if path.startswith(beginning)), "unknown")


class Door:
    """Judges requests to the hot routes. Knows nothing of connections."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def judge(self, request: Request) -> Judged:
        """Judges a request to a hot path. Its events are on their way when this returns."""
        route = ROUTES.get(request.path) or _beneath(request.path)
        if request.method not in route.methods:
            return Judged(self._other_method(route, request))
        try:
            return route.judge(self._desk, request)
        except answers.Stop as stop:
            return self._desk.turned_away(stop.answer, request)

    def stopped(self, answer: Answer, path: str, headers: Headers) -> Answer:
        """An answer to a request of which it is not known whose it is, readable for scripts where any property allows it, and for
        people where a browser posted a form."""
        for_a_person = path.startswith(forms.FORMS) and pages.wanted(headers)
        return self._desk.stopped(pages.of(answer) if for_a_person else answer, headers)

    def _other_method(self, route: Route, request: Request) -> Answer:
        if request.method == "OPTIONS":
            allowed = self._desk.allows_some(request.headers.get(b"origin"))
            return answers.preflight(request.headers, route.methods, allowed=allowed)
        return answers.of_problem(answers.not_this_method(route.methods))


def _beneath(path: str) -> Route:
    for beginning, route in BENEATH.items():
        if path.startswith(beginning):
            return route
    raise LookupError("not a hot path")
