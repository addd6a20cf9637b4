"""Who may do what on Kafka: the least that each process needs, from the topology's own table. Statements and records of it; it asks no broker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.topology import CAPTURED, PRIVACY, TOPICS, Topic

# The principals (User:capture ...) are the users of SCRAM, or what a certificate is mapped to.
SERVICES = ("capture", "enrich", "score", "route", "console")
# Each stage's group; route has four stages.
GROUPS: dict[str, tuple[str, ...]] = {
    "enrich": ("enrich",),
    "score": ("score",),
    "route": ("route", "intake", "webhooks", "mail"),
    "console": ("console",),
    "signals": ("signals",),
}
# Names of the topology that are several processes, or somebody outside: whoever these are, they log in by one of these names.
_MEANS: dict[str, tuple[str, ...]] = {
    "every API": SERVICES,
    "every service": SERVICES,
    "web properties": ("web",),
    "sales tools": ("sales",),
    "marketing tools": ("marketing",),
    "privacy requests": ("privacy",),
}
OUTSIDE = ("web", "sales", "marketing", "privacy")
OPERATOR, MAKER = "operator", "topics"  # `leads tail` and the like; `leads topics apply` and `allow`


@dataclass(frozen=True, slots=True, order=True)
class Allowed:
    """One permission: `who` may do `operation` on the `kind` of that name, or on all whose names begin so (`begins`)."""

    who: str
    kind: str
    name: str
    operation: str
    begins: bool = False


def allowed() -> tuple[Allowed, ...]:
    """All permissions, each once, in order."""
    return tuple(sorted({one for topic in TOPICS for one in _of(topic)} | set(_beside())))


def _of(topic: Topic) -> Iterator[Allowed]:
    """What follows from who writes and reads the topic. A stage also reads what it wrote: a rebuilt store learns its decisions there."""
    stages = {who for one in topic.written_by for who in _MEANS.get(one, (one,))}
    for who in stages:
        yield from (Allowed(who, "topic", topic.name, one) for one in ("Write", "Describe"))
    rereaders = {who for who in topic.written_by if who in ("enrich", "score", "route")}
    for who in rereaders | {who for one in topic.read_by for who in _MEANS.get(one, (one,))}:
        yield from (Allowed(who, "topic", topic.name, one) for one in ("Read", "Describe"))
    if not topic.transactional and any(who in GROUPS for who in topic.read_by):
        # A replayed dead letter goes back to where it came from.
        yield from (Allowed("console", "topic", topic.name, one) for one in ("Write", "Describe"))
    yield from (Allowed(OPERATOR, "topic", topic.name, one) for one in ("Read", "Describe"))
    yield from (Allowed(MAKER, "topic", topic.name, one) for one in ("Create", "Describe", "DescribeConfigs"))


def _beside() -> Iterator[Allowed]:
    """What does not follow from the topology: groups, transactions, and looking at how far enrich is."""
    for who, groups in GROUPS.items():
        yield from (Allowed(who, "group", f"leadflow-{group}", one) for group in groups for one in ("Read", "Describe"))
    for who in OUTSIDE[1:3]:
        yield from (Allowed(who, "group", f"{who}-", one, begins=True) for one in ("Read", "Describe"))
    for one in ("Write", "Describe"):  # handovers are written in transactions, one id a partition
        yield Allowed("route", "transactional id", "leadflow-route-", one, begins=True)
    # Capture's bound on the backlog: how far enrich is, and how old what it has not read.
    yield Allowed("capture", "group", "leadflow-enrich", "Describe")
    yield Allowed("capture", "topic", CAPTURED.name, "Read")
    for one in ("Write", "Describe"):  # what a vendor's hook asks for in its people's names
        yield Allowed("capture", "topic", PRIVACY.name, one)
    yield Allowed(MAKER, "cluster", "kafka-cluster", "Alter")  # permissions


def script() -> str:
    """deploy/kafka/acls.sh."""
    lines = "\n".join(_statements())
    return f"""#!/bin/sh
# Who may do what on Kafka, generated from shared/access.py: python -m shared.generate. `leads topics allow` does the same without Kafka's tools.
# The broker needs authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer and allow.everyone.if.no.acl.found=false.
#   BOOTSTRAP=kafka:9093 COMMAND_CONFIG=admin.properties deploy/kafka/acls.sh
set -eu
acl() {{ kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config "$COMMAND_CONFIG" "$@"; }}
{lines}
"""


def _statements() -> Iterator[str]:
    """One call for all that somebody may do alike, since each call of Kafka's tool starts a Java."""
    may: dict[tuple[str, str, bool, str], list[str]] = {}
    for one in allowed():
        may.setdefault((one.who, one.kind, one.begins, one.name), []).append(one.operation)
    alike: dict[tuple[str, str, bool, tuple[str, ...]], list[str]] = {}
    for (who, kind, begins, name), several in may.items():
        alike.setdefault((who, kind, begins, tuple(several)), []).append(name)
    for (who, kind, begins, operations), names in alike.items():
        option = {"topic": "--topic", "group": "--group", "transactional id": "--transactional-id"}.get(kind)
        words = [f"acl --add --allow-principal User:{who}", *(f"--operation {one}" for one in operations)]
        words += [f"{option} {name}" for name in names] if option else ["--cluster"]
        words += ["--resource-pattern-type prefixed"] if begins else []
        yield " ".join(words)
