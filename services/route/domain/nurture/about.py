"""What conditions see of a lead, decoded only as far as one looks; and what the newest lead.scored says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Raw, Struct

from services.route.domain.events import Scored
from services.route.domain.nurture.state import Facts, Nurtured

_NOTHING: dict[str, Any] = {}
_decode = msgspec.json.decode


_FEW = {"stage": "facts.stage", "episodes": "facts.episodes", "recycled": "recycled"}  # where they stand in a Nurtured


def facts(told: Scored) -> Facts:
    """What a lead.scored says. Raises msgspec.ValidationError when it has no score or no profile."""
    score, profile = bytes(told.score), bytes(told.profile)
    if not score or not profile:
        raise msgspec.ValidationError(f"missing - at `$.{'profile' if score else 'score'}`")
    return Facts(
        told.score_version,
        told.stage,
        told.previous_stage,
        told.stage_since,
        told.grade,
        told.probability,
        told.episode or 0,
        told.segments,
        score,
        profile,
    )


@lru_cache(maxsize=64)
def _getter(names: tuple[str, ...]) -> Callable[[Nurtured], Any]:
    return attrgetter(*(_FEW[name] for name in names))


class Seen:
    """One lead as conditions see it at one moment, with the activity that came, if one did."""

    __slots__ = ("_activity", "_lead", "_profile", "nurtured")

    def __init__(self, nurtured: Nurtured, activity: Mapping[str, Any] | None = None) -> None:
        self.nurtured = nurtured
        self._activity = activity
        self._lead: dict[str, Any] | None = None
        self._profile: dict[str, Any] | None = None

    def see(self, variable: str) -> Mapping[str, Any]:
        """The fields of a variable. A variable that says nothing is empty."""
        if variable == "lead":
            if self._lead is None:
                self._lead = _lead(self.nurtured)
            return self._lead
        if variable == "profile":
            return self.profile
        if variable == "score":
            return _score(self.nurtured.facts)
        if variable == "activity" and self._activity is not None:
            return self._activity
        return _NOTHING

    def few(self, names: tuple[str, ...]) -> Any:
        """The values of these fields of `lead` (question.py's few)."""
        return _getter(names)(self.nurtured)

    @property
    def profile(self) -> dict[str, Any]:
        """The profile as it was told last."""
        if self._profile is None:
            found = _decode(self.nurtured.facts.profile)
            self._profile = found if isinstance(found, dict) else {}
        return self._profile


def _lead(nurtured: Nurtured) -> dict[str, Any]:
    told = nurtured.facts
    found: dict[str, Any] = {
        "stage": told.stage,
        "previous_stage": told.previous_stage,
        "stage_since": told.stage_since,
        "segments": list(told.segments),
        "episodes": told.episodes,
        "recycled": nurtured.recycled,
        "seen": dict.fromkeys(nurtured.seen, True),
    }
    if nurtured.recycled_because:
        found["recycled_because"] = nurtured.recycled_because
    return found


def _score(told: Facts) -> dict[str, Any]:
    found = _decode(told.score)
    return (
        {**found, "grade": told.grade} | ({} if told.probability is None else {"probability": told.probability})
        if isinstance(found, dict)
        else {}
    )


class _Mail(Struct, frozen=True, gc=False):
    address: str | None = None


class _Reached(Struct, frozen=True, gc=False):
    email: _Mail | None = None


_reached = msgspec.json.Decoder(_Reached).decode


def address_in(profile: bytes | Raw) -> str | None:
    """The e-mail address in a profile."""
    mail = _reached(profile).email
    return mail.address if mail is not None else None


def address_told(told: Scored) -> str | None:
    """The e-mail address in a lead.scored; None where there is none, or what stands there is no profile: then decide will say so."""
    try:
        return address_in(told.profile)
    except msgspec.DecodeError:
        return None


def at(profile: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """What stands at a path, or None."""
    found: Any = profile
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def consents(profile: Mapping[str, Any], purpose: str) -> bool:
    """Whether the person consents to this purpose, by their newest word."""
    return at(profile, ("consent", purpose, "given")) is True


def zone_of(profile: Mapping[str, Any], otherwise: ZoneInfo) -> ZoneInfo:
    """The person's time zone, or the document's where nobody knows it."""
    name = profile.get("timezone")
    if not isinstance(name, str) or not name:
        return otherwise
    return _zone(name) or otherwise


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None
