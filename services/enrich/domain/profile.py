"""A lead's profile and touches out of what its events claim. Pure, and free of the order of arrival: each field is a maximum."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from services.enrich.domain import consent, crowd, human, job, zone
from services.enrich.domain.world import Kept, Said, State, TouchClaim, Voice
from shared.contracts import Company, Email, Job, Name, Phone, Profile

DIRECT = "direct"
# What a profile has room for, so that nobody can fill a lead by posting forms under its address until no event of it fits on a topic.
OWN_FIELDS = 100  # fields of the forms' own
_OWN_BYTES, _SMALL = 131_072, 4  # of these; of so few events it is never more, since an event has 32 KiB
_NO_IDS: Mapping[str, str] = {}
_encode = msgspec.json.Encoder().encode


def add(state: State, kept: Kept, users: Mapping[str, str], externals: Mapping[str, str] = _NO_IDS) -> State:
    """The state with one more event. A field is kept by trust, then recency, then event id; consent by the rules of
    consent.py. A repeat says nothing. `users` are the person's user ids by property, `externals` its
    external ids by system."""
    happened = kept.happened
    facts, at, event_id = happened.facts, happened.at, happened.event_id
    lately = crowd.added(state.lately, happened) if happened.cookie is None else state.lately
    if kept.repeat:
        return replace(state, lately=lately)
    voices = state.voices
    if facts.claims or facts.custom:
        voice = Voice(at, facts.claims, facts.custom)
        voices = _heard(voices, event_id, voice) if voices else {event_id: voice}
        if facts.custom and sum([len(one.custom) for one in voices.values()]) > OWN_FIELDS:
            voices = _fewer(voices)
    consents = state.consents
    if facts.consent is not None:
        consents = consent.heard(consents, happened, facts.consent)
    first, last = _touches(state, kept)
    known, others = state.users, state.externals
    return State(
        voices,
        consents,
        first,
        last,
        _least(known, users) if users else known,
        _least(others, externals) if externals else others,
        lately,
    )


def fold(events: Iterable[Kept], users: Mapping[str, str], externals: Mapping[str, str] = _NO_IDS) -> State:
    """The state that these events make, in any order."""
    state = State()
    for kept in events:
        state = add(state, kept, {})
    return replace(state, users=dict(users), externals=dict(externals))


def believed(state: State, kept: Kept) -> State | None:
    """The state after a new verdict on how human one of its events is; None where all events are needed to tell."""
    if kept.repeat or kept.happened.facts.touch is None:
        return state
    first, last = _touches(state, kept)
    if kept.shown >= human.LIKELY:
        return replace(state, first=first, last=last)
    event_id = kept.happened.event_id
    prevails = any(touch is not None and touch.event_id == event_id for touch in (first, last))
    return None if prevails else state


def _touches(state: State, kept: Kept) -> tuple[TouchClaim | None, TouchClaim | None]:
    """The first and last touch with those of one more event, which counts if a person may have done it."""
    happened, first, last = kept.happened, state.first, state.last
    if happened.facts.touch is not None and kept.shown >= human.LIKELY:
        touch = TouchClaim(happened.event_id, happened.facts.touch)
        if first is None or (happened.at, happened.event_id) < (first.touch.at, first.event_id):
            first = touch
        if last is None or _lastness(last) < _lastness(touch):
            last = touch
    return first, last


def _least(known: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Ids by property or system; of two of one (by a ruling) the least."""
    return {**known, **{place: min(known.get(place, id_), id_) for place, id_ in more.items()}}


def _lastness(claim: TouchClaim) -> tuple[Any, ...]:
    # As in GA4's last non-direct click: a direct visit never hides the channel that brought the person.
    return claim.touch.channel != DIRECT, claim.touch.at, claim.event_id


def _heard(voices: Mapping[str, Voice], event_id: str, voice: Voice) -> dict[str, Voice]:
    """The voices that prevail with one more: of each field the one with the most trust, then the latest, then by event id."""
    claims, custom = dict(voice.claims), dict(voice.custom)
    heard: dict[str, Voice] = {}
    for other_id, other in voices.items():
        first = (other.at, other_id) > (voice.at, event_id)
        theirs = _contest(other.claims, claims, first=first), _contest(other.custom, custom, first=first)
        if theirs[0] or theirs[1]:
            heard[other_id] = other if theirs == (other.claims, other.custom) else Voice(other.at, *theirs)
    if claims or custom:
        heard[event_id] = Voice(voice.at, claims, custom)
    return heard


def _contest(theirs: dict[str, Said], ours: dict[str, Said], *, first: bool) -> dict[str, Said]:
    """What is left of their claims; what they keep is taken out of ours. `first`: they go first where trust is equal."""
    lost = set()
    for field in theirs.keys() & ours.keys():
        more = theirs[field].trust - ours[field].trust
        if more > 0 or (first and more == 0):
            del ours[field]
        else:
            lost.add(field)
    return {field: said for field, said in theirs.items() if field not in lost} if lost else theirs


def _fewer(voices: Mapping[str, Voice]) -> dict[str, Voice]:
    """Of the fields of forms' own those that a profile has room for: the most trusted, then the latest."""
    fields = [
        (said.trust, voice.at, event_id, field)
        for event_id, voice in voices.items()
        for field, said in voice.custom.items()
    ]
    kept: dict[str, dict[str, Said]] = {}
    for _, _, event_id, field in sorted(fields, reverse=True)[:OWN_FIELDS]:
        kept.setdefault(event_id, {})[field] = voices[event_id].custom[field]
    fewer = {event_id: replace(voice, custom=kept.get(event_id, {})) for event_id, voice in voices.items()}
    return {event_id: voice for event_id, voice in fewer.items() if voice.claims or voice.custom}


def account(state: State) -> str | None:
    """The company that the lead is of, by the registered domain in its profile; None where none is known."""
    for voice in state.voices.values():
        said = voice.claims.get("company.domain")
        if said is not None:
            return str(said.value)
    return None


def of(state: State) -> Profile:
    """The profile as it goes out."""
    voices = list(state.voices.values())
    if len(voices) == 1:
        claims, own = voices[0].claims, voices[0].custom
    else:
        claims, own = {}, {}
        for voice in voices:
            claims.update(voice.claims)
            own.update(voice.custom)
    value = {field: said.value for field, said in claims.items()}.get
    email, phone = value("email"), value("phone")
    sources = {field: said.source for field, said in claims.items()}
    home, timezone = value("country"), value("timezone")
    if timezone is None and home is not None and (timezone := zone.of_country(home)) is not None:
        sources["timezone"] = "country"
    company = value("company.name"), value("company.domain"), value("company.size"), value("company.industry")
    return Profile(
        # Claims hold the parts themselves while they are fresh, and their fields once they were kept.
        email=Email(**email) if type(email) is dict else email,
        phone=Phone(**phone) if type(phone) is dict else phone,
        name=_name(value),
        company=Company(name=company[0], domain=company[1], size=company[2], industry=company[3])
        if company != _NO_COMPANY
        else None,
        job=_job(value),
        country=home,
        region=value("region"),
        city=value("city"),
        postal_code=value("postal_code"),
        language=value("language"),
        timezone=timezone,
        test=value("test"),
        consent={purpose: claim.consent for purpose, claim in consent.strictest(state.consents).items()}
        if state.consents
        else None,
        user_ids=state.users or None,
        external_ids=state.externals or None,
        # Without a source each: it would double what a form with many own fields says.
        custom=_shown(state, own) if own else None,
        sources=sources or None,
    )


def _shown(state: State, own: dict[str, Said]) -> dict[str, Any]:
    """The fields of forms' own, of many events so many as fit: those of the latest first."""
    shown = {field: said.value for field, said in own.items()}
    voices = state.voices
    if len(voices) <= _SMALL or len(_encode(shown)) <= _OWN_BYTES:
        return shown
    fitting: dict[str, Any] = {}
    left = _OWN_BYTES
    for event_id in sorted(voices, key=lambda event_id: (voices[event_id].at, event_id), reverse=True):
        for field, said in sorted(voices[event_id].custom.items()):
            left -= len(_encode((field, said.value)))
            if left < 0:
                return fitting
            fitting[field] = said.value
    return fitting


def _job(value: Callable[[str], Any]) -> Job | None:
    """What was said of somebody's seniority and department, else what their title says."""
    title, level, department = value("job.title"), value("job.seniority"), value("job.department")
    if title is None:
        return Job(seniority=level, department=department) if level is not None or department is not None else None
    told = job.read(title)
    return Job(title=title, seniority=level or told.seniority, department=department or told.department)


_NO_COMPANY = (None, None, None, None)


def _name(value: Callable[[str], Any]) -> Name | None:
    full, given, family, title = value("name.full"), value("name.given"), value("name.family"), value("name.title")
    if full is None:
        if given is not None or family is not None:
            full = " ".join([part for part in (given, family) if part is not None])
        elif title is None:
            return None
    return Name(full=full, given=given, family=family, title=title)
