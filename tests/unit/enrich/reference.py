"""Who did what and what is known of them, by the rules as one would say them: the whole set of events and rulings at once, no store, no order.
For tests. The rules stand in services/enrich/domain/binding.py, cookies.py and profile.py."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from services.enrich.domain import consent, external
from services.enrich.domain.agreement import disagree
from services.enrich.domain.judgement import Judgement
from services.enrich.domain.limits import LIMITS
from services.enrich.domain.world import Happened, Kept, Rank, Said, State
from shared.contracts import Consent, Touch

Group = frozenset[str]  # the events of one person, by their ids
_KINDS = ["email", "user", "external", "named", "phone", "apart"]


class Known(NamedTuple):
    """What is known of one person: of each field and purpose, of the first and the last touch, which event says it, and what."""

    fields: dict[str, tuple[str, Said]]
    custom: dict[str, tuple[str, Said]]
    consents: dict[str, tuple[str, Consent]]
    first: tuple[str, Touch] | None
    last: tuple[str, Touch] | None
    users: dict[str, str]
    externals: dict[str, str]


class Whole:
    """A whole history: events, and rulings as they were judged."""

    def __init__(self, events: Iterable[Happened], rulings: Iterable[Judgement] = ()) -> None:
        self.events = sorted(events, key=lambda one: one.rank)
        self.rulings = sorted(rulings, key=lambda one: (one.at, one.command_id))
        # Who the events are of that a ruling took off whoever they name; the latest counts.
        self.apart = {event_id: one.apart for one in self.rulings for event_id in one.events}
        self.owners = self._owners()

    def groups(self) -> dict[str, Group]:
        """The events by person; visitors' are not in it."""
        found: dict[str, set[str]] = {}
        for one in self.events:
            who = self._of(one) or self._governs(one)
            if who is not None:
                found.setdefault(who, set()).add(one.event_id)
        return {who: frozenset(theirs) for who, theirs in found.items()}

    def known(self) -> dict[Group, Known]:
        """What is known of each person: a field by trust, then by time; consent by whoever says no."""
        found, kept = {}, judged(self.events)
        for who, group in self.groups().items():
            events = [one for one in self.events if one.event_id in group]
            names = {name for one in events for name in one.persons if self.owners[name] == who}
            found[group] = _known([one for each in events if not (one := kept[each.event_id]).repeat], names)
        return found

    def _of(self, one: Happened) -> str | None:
        name = self.apart.get(one.event_id) or next(iter(one.persons), None)
        return self.owners[name] if name is not None else None

    def _governs(self, visit: Happened) -> str | None:
        """Whose a visit is: of the last person identified on its cookie before it; or of the first one after it, as their history."""
        on = [one for one in self.events if one.cookie == visit.cookie]
        identified = [one for one in on if one.persons]
        before = [one for one in identified if one.rank < visit.rank]
        if before or not identified:
            return self._of(before[-1]) if before else None
        start = identified[0]
        history = [one for one in on if one.rank < start.rank and one.at >= start.at - timedelta(days=90)]
        return self._of(start) if visit in history[-500:] else None

    def _owners(self) -> dict[str, str]:
        """Each identifier's person, by the strongest identifier of the person."""
        person = {name: {name} for one in self.events for name in one.persons}
        person |= {one.apart: {one.apart} for one in self.rulings if one.events}
        person |= {name: {name} for one in self.rulings for pair in one.pairs for name in (pair.one, pair.other)}
        said: dict[frozenset[str], tuple[Rank, str]] = {}  # the latest ruling on each pair
        for one in self.rulings:
            for pair in one.pairs:
                of = frozenset((pair.one, pair.other))
                said[of] = max(said.get(of, ((one.at, ""), "")), ((one.at, one.command_id), pair.to))
        parted = [pair for pair, (_, to) in said.items() if to == "part"]

        def join(one: str, other: str) -> None:
            both = person[one] | person[other]
            if person[one] is person[other] or any(pair <= both for pair in parted):
                return
            person.update(dict.fromkeys(both, both))

        joined = [(rank, sorted(pair)) for pair, (rank, to) in said.items() if to != "part"]
        for _, (first, second) in sorted(
            sorted(joined, key=lambda each: each[1]), key=lambda each: each[0], reverse=True
        ):
            join(first, second)
        for _, name, above in [*sorted([*self._by_address(), *self._by_name()]), *sorted(self._by_phone())]:
            join(name, above)
        return {
            name: min(theirs, key=lambda each: (_KINDS.index(each.split("\x1f")[0]), each))
            for name, theirs in person.items()
        }

    def _by_address(self) -> Iterable[tuple[Rank, str, str]]:
        """Ids that hang on an address: each was first seen with the other, of all addresses, and of all ids of that property or system."""
        address_of: dict[str, tuple[Rank, str]] = {}
        id_of: dict[tuple[str, str], str] = {}
        for one in self.events:
            for name in (one.user, *one.externals):
                if one.email and name:
                    address_of.setdefault(name, (one.rank, one.email))
                    id_of.setdefault((one.email, name.rsplit("\x1f", 1)[0]), name)
        first: dict[str, list[tuple[Rank, str]]] = {}  # of each address the systems that are in no table
        for one in self.events:
            for name in one.externals:
                system = name.rsplit("\x1f", 1)[0]
                if one.email and not external.is_listed(name.split("\x1f")[1]) and id_of[one.email, system] == name:
                    first.setdefault(one.email, []).append((one.rank, system))
        for name, (rank, address) in address_of.items():
            system = name.rsplit("\x1f", 1)[0]
            systems = list(dict.fromkeys(slot for _, slot in sorted(first.get(address, []))))
            if id_of[address, system] == name and system not in systems[LIMITS.systems :]:
                yield rank, name, address

    def _by_name(self) -> Iterable[tuple[Rank, str, str]]:
        """Numbers under a name that hang on the number: the name agrees with the first one that was said so, and they are not too many."""
        said: dict[str, dict[str, tuple[Rank, str]]] = {}
        for one in self.events:
            if one.phone and one.called and not one.strong:
                said.setdefault(one.phone, {}).setdefault(one.persons[0], (one.rank, one.called))
        for phone, names in said.items():
            first = min(names.values())[1]
            for face, (rank, called) in sorted(names.items(), key=lambda name: name[1])[: LIMITS.names]:
                if not disagree(first, called):
                    yield rank, face, phone

    def _by_phone(self) -> Iterable[tuple[Rank, str, str]]:
        """Numbers that hang on the strong identifier that they were first seen with, unless names disagree, or there are too many."""
        first: dict[str, tuple[Rank, str]] = {}
        numbers: dict[str, dict[str, Rank]] = {}
        for one in self.events:
            if one.phone and one.strong:
                first.setdefault(one.phone, (one.rank, one.strong))
                numbers.setdefault(one.strong, {}).setdefault(one.phone, one.rank)
        for phone, (rank, strong) in first.items():
            earliest = sorted(numbers[strong].items(), key=lambda number: number[1])[: LIMITS.identifiers]
            hour = [number for number, at in earliest if _hour(at) == _hour(numbers[strong][phone])]
            by_number = [one.called for one in self.events if one.phone == phone and not one.strong and one.called]
            by_strong = [one.called for one in self.events if strong in one.persons and one.called]
            agree = not disagree(next(iter(by_number), None), next(iter(by_strong), None))
            if phone in hour[: LIMITS.an_hour] and agree:
                yield rank, phone, strong


def _hour(rank: Rank) -> str:
    return rank[0].strftime("%Y-%m-%d %H")


def people(events: Iterable[Happened], rulings: Iterable[Judgement] = ()) -> set[Group]:
    """The events grouped by person; visitors' are not in it."""
    return set(Whole(events, rulings).groups().values())


def known(events: Iterable[Happened], rulings: Iterable[Judgement] = ()) -> dict[Group, Known]:
    """What is known of each person, by the events that are theirs."""
    return Whole(events, rulings).known()


def _known(kept: Sequence[Kept], names: Collection[str]) -> Known:
    events = [one.happened for one in kept]

    def best(said: str) -> dict[str, tuple[str, Said]]:
        claims = [(field, one, claim) for one in events for field, claim in getattr(one.facts, said).items()]
        claims.sort(key=lambda claim: (claim[2].trust, claim[1].at, claim[1].event_id))
        return {field: (one.event_id, claim) for field, one, claim in claims}

    def ids(kind: str) -> dict[str, str]:
        parts = [name.split("\x1f") for name in names if name.startswith(kind)]
        # Of two of a property or system (by a ruling) the least.
        return {part[1]: min(other[-1] for other in parts if other[1] == part[1]) for part in parts}

    touches = [
        (one.happened.event_id, one.happened.facts.touch)
        for one in kept
        if one.happened.facts.touch is not None and one.shown >= 0.5
    ]
    indirect = [touch for touch in touches if touch[1].channel != "direct"]
    return Known(
        best("claims"),
        best("custom"),
        _consents(events),
        touches[0] if touches else None,
        (indirect or touches)[-1] if touches else None,
        ids("user"),
        ids("external"),
    )


def _consents(events: Sequence[Happened]) -> dict[str, tuple[str, Consent]]:
    """By purpose: a no if the last word about any identifier is no, where a visitor's words are about all; the last of those that say the same."""
    said = [(one, *answer) for one in events if one.facts.consent for answer in one.facts.consent.purposes.items()]
    said.sort(key=lambda word: (word[0].at, not word[2], word[0].event_id))
    counts: dict[str, tuple[str, Consent]] = {}
    for purpose in {purpose for _, purpose, _ in said}:
        words = [(one, yes) for one, of, yes in said if of == purpose]
        named = {name for one, _ in words for name in one.persons}
        last = [[word for word in words if not word[0].persons or name in word[0].persons][-1] for name in named]
        one, yes = max(last or words[-1:], key=lambda word: (not word[1], word[0].rank))
        counts[purpose] = one.event_id, _consent(one, yes)
    return counts


def _consent(one: Happened, yes: bool) -> Consent:
    given = one.facts.consent
    assert given is not None
    return Consent(given=yes, at=one.at, text=given.text, version=given.version, basis=given.basis)


def said(state: State) -> Known:
    """What a lead's state says, in the same words."""

    def of(kind: str) -> Any:
        voices: Mapping[str, Any] = state.voices
        return {
            field: (event_id, claim)
            for event_id, voice in voices.items()
            for field, claim in getattr(voice, kind).items()
        }

    return Known(
        of("claims"),
        of("custom"),
        {purpose: (claim.event_id, claim.consent) for purpose, claim in consent.strictest(state.consents).items()},
        (state.first.event_id, state.first.touch) if state.first is not None else None,
        (state.last.event_id, state.last.touch) if state.last is not None else None,
        dict(state.users),
        dict(state.externals),
    )


def judged(events: Iterable[Happened], rulings: Mapping[str, float] | None = None) -> dict[str, Kept]:
    """Each event with its verdict: looking at every second, and at every form that came before. `rulings` by event id."""
    happened = sorted(events, key=lambda one: one.rank)
    rulings = rulings or {}

    def burst(one: Happened) -> bool:
        if one.facts.kind in ("hook", "identify") or one.facts.history:
            return False
        hands = sorted(
            other.at
            for other in happened
            if (other.cookie or other.person) == (one.cookie or one.person)
            and other.facts.kind in ("page", "form", "pixel")
            and not other.facts.history
        )
        for first in hands if len(hands) >= 10 else ():
            second = [at for at in hands if first <= at < first + timedelta(seconds=1)]
            if len(second) >= 10 and first <= one.at <= second[-1]:
                return True
        return False

    def repeat(one: Happened) -> bool:
        return any(
            other.facts.content == one.facts.content != 0
            and other.rank < one.rank
            and one.at - other.at <= timedelta(seconds=10)
            for other in happened
        )

    found = {}
    for one in happened:
        again, ruling = repeat(one), rulings.get(one.event_id)
        likely = ruling if ruling is not None else 0.2 if burst(one) and not again else 1.0
        human = likely if ruling is not None or likely < one.facts.human else one.facts.human
        found[one.event_id] = Kept(
            one, human=human if human != one.facts.human else None, ruled=ruling is not None, repeat=again
        )
    return found


def heard(people_: Iterable[frozenset[str]], judged_: Mapping[str, Kept]) -> set[frozenset[str]]:
    """The events that count, grouped by person."""
    groups = (frozenset(id_ for id_ in group if not judged_[id_].repeat) for group in people_)
    return {group for group in groups if group}
