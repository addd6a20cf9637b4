"""Reading a nurture document: YAML to a Nurturing, or every mistake at once with line and column. What it means is document.py's."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from yaml import Node

from services.route.domain import names
from services.route.domain.nurture.document import ANY, Cap, Channel, Content, Magnet, Nurturing, Quiet, Track
from services.route.domain.nurture.read_steps import KNOWN, NEVER, question, steps
from services.route.domain.nurture.telling import MAGNETS
from services.route.domain.reading import Reading

FORMAT = 1
NAME = "nurture"  # what the document is called; there is one
_TOP = ("format", "timezone", "limits", "channels", "content", "magnets", "tracks", "exit")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST = 1000


def read(text: str, *, name: str = "nurture.yaml") -> Nurturing:
    """The document in `text`; `name` is what mistakes call it. Raises Unreadable with all of them."""
    reading = Reading(name, text, KNOWN)
    top = reading.fields(reading.root, "a nurture document", _TOP, required=("format", "channels", "content", "tracks"))
    if "format" in top and reading.plain(top["format"]) != FORMAT:
        reading.wrong(top["format"], f"format must be {FORMAT}, the only one that this version reads")
    channels = {
        id_: _channel(reading, id_, node) for id_, node in reading.named(top.get("channels"), "channels").items()
    }
    content = {
        id_: _content(reading, id_, node, channels)
        for id_, node in reading.named(top.get("content"), "content").items()
    }
    limits, quiet = _limits(reading, top.get("limits"), channels)
    magnets = {
        form: _magnet(reading, form, node, content)
        for form, node in reading.named(top.get("magnets"), "magnets").items()
    }
    tracks: dict[str, Track] = {}
    for node in reading.items(top.get("tracks"), "tracks"):
        track = _track(reading, node, content)
        if track.id in tracks:
            reading.wrong(node, f"track `{track.id}` is there twice")
        tracks[track.id] = track
    exit_ = question(reading, top.get("exit"), "exit")
    zone = _zone(reading, top.get("timezone"))
    reading.end()
    return Nurturing(
        limits=limits,
        quiet=quiet,
        channels=channels,
        content=content,
        magnets=magnets,
        tracks=tracks,
        exit=exit_,
        zone=zone,
    )


def _limits(reading: Reading, node: Node | None, channels: Mapping[str, Channel]) -> tuple[dict[str, Cap], Quiet]:
    if node is None:
        return {}, Quiet()
    has = reading.fields(node, "limits", (*channels, ANY, "quiet_hours", "quiet_days"))
    begins, ends = reading.span_of_day(has.get("quiet_hours"), "quiet_hours")
    days = {reading.one_of(one, "quiet_days", _DAYS) for one in reading.items(has.get("quiet_days"), "quiet_days")}
    if days >= set(_DAYS):
        reading.wrong(has["quiet_days"], "quiet_days are all days of the week: nothing would ever be sent")
    caps = {}
    for name in has.keys() - {"quiet_hours", "quiet_days"}:
        what = f"limits.{name}"
        spans = reading.fields(has[name], what, ("per_day", "per_week"))
        day = reading.number(spans.get("per_day"), f"{what}.per_day", least=0, most=_MOST)
        week = reading.number(spans.get("per_week"), f"{what}.per_week", least=0, most=_MOST)
        if not spans:
            reading.wrong(has[name], f"{what} needs per_day or per_week")
        caps[name] = Cap(day, week)
    return caps, Quiet(begins, ends, frozenset(_DAYS.index(day) for day in days if day))


def _channel(reading: Reading, id_: str, node: Node) -> Channel:
    what = f"channel {id_}"
    if id_ in (ANY, "quiet_hours", "quiet_days"):
        reading.wrong(node, f"no channel is called {id_}: limits use that word")
    has = reading.fields(node, what, ("needs",))
    needs = reading.fields(has["needs"], f"{what}: needs", ("consent", "field")) if "needs" in has else {}
    consent = reading.word(needs.get("consent"), f"{what}: consent") or None
    field = reading.text(needs.get("field"), f"{what}: field")
    if field and (mistake := names.mistake(tuple(field.split(".")), {"profile": names.PROFILE})):
        reading.wrong(needs["field"], f"{what}: field {mistake}")
    return Channel(id_, consent, tuple(field.split(".")[1:]) if field else None)


def _content(reading: Reading, id_: str, node: Node, channels: Mapping[str, Channel]) -> Content:
    what = f"content {id_}"
    has = reading.fields(node, what, ("channel", "subject", "template", "audience"), required=("channel",))
    return Content(
        id=id_,
        channel=reading.one_of(has.get("channel"), f"{what}: channel", channels),
        subject=reading.text(has.get("subject"), f"{what}: subject") or None,
        template=reading.word(has.get("template"), f"{what}: template") or None,
        audience=reading.word(has.get("audience"), f"{what}: audience") or None,
    )


def _magnet(reading: Reading, form: str, node: Node, content: Mapping[str, Content]) -> Magnet:
    what = f"magnet {form}"
    has = reading.fields(node, what, ("content", "again_after"), required=("content",))
    given = reading.one_of(has.get("content"), f"{what}: content", content)
    return Magnet(form, given, reading.duration(has.get("again_after"), f"{what}: again_after") or 0)


def _track(reading: Reading, node: Node, content: Mapping[str, Content]) -> Track:
    has = reading.fields(node, "a track", ("id", "when", "steps", "again_after"), required=("id", "when", "steps"))
    id_ = reading.word(has.get("id"), "a track's id")
    if id_ == MAGNETS:
        reading.wrong(has["id"], f"no track is called {MAGNETS}: what forms ask for is told under that name")
    what = f"track {id_}"
    return Track(
        id_,
        question(reading, has.get("when"), f"{what}: when") or NEVER,
        steps(reading, has.get("steps"), what, content),
        reading.duration(has.get("again_after"), f"{what}: again_after"),
    )


def _zone(reading: Reading, node: Node | None) -> ZoneInfo:
    name = reading.text(node, "timezone")
    if node is None or not name:
        return ZoneInfo("UTC")
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        reading.wrong(node, f"there is no time zone {name!r}. Example: Europe/Berlin")
        return ZoneInfo("UTC")
