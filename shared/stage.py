"""What a service tells the shell about itself: a stage is facts in, a pure decision, effects out.

The shell (shared/runner) does the rest: ownership, fence, inbox, outbox, emission, commit, dead letters.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from shared.documents.inforce import Documents
from shared.outcome import Outcome, Outgoing, Reject
from shared.topology import Topic

Tx = PoolConnectionProxy  # a connection inside the fenced transaction of one batch
World = Mapping[Hashable, Any]  # what a batch may touch, by the stage's own keys


Place = tuple[str, int]  # topic, number


class Record(Struct, frozen=True, gc=False):
    """One Kafka record as it came. `timestamp_ms` is the broker's LogAppendTime; headers are by name, the last one wins."""

    topic: str
    part: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes
    headers: Mapping[str, bytes]
    pairs: Sequence[tuple[str, bytes]] = ()  # the headers as they came, repeated names included


class Input(Struct, frozen=True, gc=False):
    """One thing to decide on: a decoded record, or a timer that fell due.

    `event_id` is the id that makes it count once. `now` is the record's Kafka timestamp or the timer's due time: the only
    clock that `decide` may see. `part` is the number it belongs to. `record` is absent for a timer.
    """

    event_id: str
    event: Any
    now: datetime
    part: int
    record: Record | None = None


class Recollection(Struct, frozen=True, gc=False):
    """What a record of a stage's own output says to a rebuild: which input it is `about` (none for what is said of a lead alone), in which
    revision, at which version of its subject, whether it took that input off its subject, and what more its stage wants to know."""

    about: str | None
    revision: int
    version: int | None
    withdrawn: bool = False
    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage: which topics it reads, and its four functions.

    decode  pure: a record to an Input, or a Reject; None where it is none of the stage's business. It must take the event id from the
            payload (shared.cloudevent helps).
    load    IO, inside the transaction: the world that these inputs touch. Takes locks that it needs, in sorted order.
    decide  pure: the world, one input -> Decision (changes to the world, records to emit) or Reject. The shell applies the
            changes before the next input, so the second event of a lead sees what the first decided. Whatever it raises
            becomes a dead letter of this one record, and its changes are not applied.
    save    IO, inside the transaction: everything that changed, whole batches per statement (unnest).
    due     IO, inside the transaction: what the clock has made due for the numbers held, oldest first: (tx, {number: time up
            to which its topics have been read}, limit) -> inputs whose `now` is their due time. They go through the
            same load, decide and save. A due item that is done must no longer be due after save.
    inbox   True: the shell drops inputs whose event id it has seen before (and trims that memory after the topics'
            retention). False: the stage's own tables are the memory; its `load` tells what was seen through `seen`.
    seen    IO, inside the transaction, only with inbox=False: which of these event ids count already. Must first take
            whatever lock makes the answer hold until commit.
    gather_ms  how long the broker gathers at least while there is traffic: 15 is best for what somebody waits for, more is cheaper.
            Where batches take long it gathers longer (`reader.window_ms`).
    recollect  pure: what a record of the stage's own output says to a rebuild, for a `load` that must keep the decision which stands
            there; or None when it is not to be kept.
    recall  IO, inside the transaction, only while a recall is under way, after `load`: puts into the world what the output topics tell of
            these inputs, and (`reading`) that the store is built anew and has not read everything again: what is told of is kept then, and
            what is not told of waits. With it nothing is read before what is told is known of every number, and the clock stands
            still until everything is read: then it meets what is told of as it was told, and decides the rest.
    restore  IO: (connection, number, records of the stage's own ordinary output) -> what of it is kept as it was told, whoever decides what later.
    documents  the kinds of documents that it decides by and keeps (shared/documents): `at(part, now)` is true in decode, load and decide. Only
            with an inbox, and where it reads leads.commands.v1.
    accepted  pure: when we accepted what an input tells of, where it says so: for the latency from end to end.
    measure  told after the commit of each (input, output) of a batch, in order, for the stage's own metrics; not in a rebuild, where they
            were counted before. It must not raise.
    same_part  True: outputs go to the number that the input came from. False: to murmur2(key) mod the count.
    """

    name: str
    reads: tuple[Topic, ...]
    writes: tuple[Topic, ...]
    decode: Callable[[Record], Input | Reject | None]
    load: Callable[[Tx, Sequence[Input]], Awaitable[MutableMapping[Hashable, Any]]]
    decide: Callable[[World, Input], Outcome]
    save: Callable[[Tx, Mapping[Hashable, Any]], Awaitable[None]]
    due: Callable[[Tx, Mapping[int, datetime], int], Awaitable[Sequence[Input]]] | None = None
    due_seconds: float = 0.25  # how often the clock is looked at, and the most by which fresh records wait for a slice
    inbox: bool = True
    seen: Callable[[Tx, Sequence[str]], Awaitable[set[str]]] | None = None
    recollect: Callable[[Record], Recollection | None] | None = None
    recall: Callable[[Tx, MutableMapping[Hashable, Any], Sequence[Input], bool], Awaitable[None]] | None = None
    restore: Callable[[Tx, int, Sequence[Record]], Awaitable[None]] | None = None
    same_part: bool = True
    gather_ms: int = 15
    gather_bytes: int = 128 * 1024
    most_records: int = 1000
    documents: tuple[Documents[Any], ...] = ()
    accepted: Callable[[Any], datetime | None] | None = None  # of Input.event
    measure: Callable[[Sequence[tuple[Input, Outgoing]]], None] | None = None
