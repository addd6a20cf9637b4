"""The closed table of vendors, and how one post to a hook is judged by them. Pure: the answer, the memory of replays and the durable write are the door's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.capture.domain.verdict import Refused
from services.capture.vendors import calendly, generic, google, hubspot, linkedin, meta, typeform, unbounce
from services.capture.vendors.vendor import Event, Hook, Refusal, Replay, Reply, Request, Vendor

# The name in /v1/hooks/{vendor}/{property} -> its module.
VENDORS: dict[str, Vendor] = {
    "meta": meta,
    "google": google,
    "linkedin": linkedin,
    "typeform": typeform,
    "hubspot": hubspot,
    "unbounce": unbounce,
    "calendly": calendly,
    "generic": generic,
}

METHOD = Refusal(405, "A hook takes POST, and GET for the vendor's own check of the address.")


@dataclass(frozen=True, slots=True)
class Taken:
    """A genuine post. `reply` is the answer once all is durable: the events, and for each Refused among them a dead letter that holds
    `storable`, of which nothing is secret. Remember `replay` then. What is wrong in the same way is there once: the dead letter
    holds the whole post, so a post full of mistakes is not kept as often as it has mistakes."""

    reply: Reply
    events: tuple[Event, ...] = ()
    storable: bytes = b""
    replay: Replay | None = None


def judge(vendor: Vendor, request: Request, hook: Hook, *, seen: Callable[[str], bool]) -> Reply | Refusal | Taken:
    """What a request to a hook means: a Reply at once to a handshake, a Refusal (a 4xx, and nothing is kept), or what was Taken.

    `seen` says whether the key of a replay is remembered; such a post is taken again and holds nothing. Never raises.
    """
    answer = vendor.handshake(request, hook)
    if answer is not None:
        return answer
    if request.method != "POST":
        return METHOD
    verdict = vendor.verify(request, hook)
    if isinstance(verdict, Refusal):
        return verdict
    if verdict.replay is not None and seen(verdict.replay.key):
        return Taken(vendor.ACCEPTED)
    return Taken(
        vendor.ACCEPTED,
        _once(vendor.events(request, hook)),
        vendor.storable(request, hook),
        verdict.replay,
    )


def _once(events: list[Event]) -> tuple[Event, ...]:
    told: set[tuple[str, str]] = set()
    kept: list[Event] = []
    for event in events:
        if isinstance(event, Refused):
            # Not by the pointer: it can hold names that the sender made up, each time others.
            if (event.reason, event.detail) in told:
                continue
            told.add((event.reason, event.detail))
        kept.append(event)
    return tuple(kept)
