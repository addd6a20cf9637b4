"""One batch from decoded records to a committed transaction: fence, load, decide, save, outbox. All of it, or nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from shared import accepted, metrics, outbox, ownership, recall
from shared.accepted import Accepted
from shared.clock import from_ms
from shared.crash import point
from shared.database import Pool, is_rows_fault, sqlstate
from shared.fold import Folded, fold, reject
from shared.message import Message
from shared.outcome import Reason, Reject
from shared.rejects import RejectLimit
from shared.stage import Input, Place, Record, Stage

_OUT_OF_LOCKS = "53200"  # Postgres has room for some thousands at a time: what is too many together may do in parts


class Decoded(Struct, frozen=True):
    """A record and what it says, or why it says nothing; absent when it is none of the stage's business."""

    record: Record
    said: Input | Reject | None


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which claims a batch runs."""

    epochs: Mapping[int, int]
    partitions: int
    recalling: frozenset[int] = frozenset()  # numbers whose outputs may stand on the topics already
    known: Mapping[Place, int] = field(default_factory=dict)  # how far our own transactional output is known


@dataclass(frozen=True, slots=True)
class Written:
    """What is committed in Postgres and not yet on a topic: one outbox row a number, and the messages in the order of the decisions."""

    rows: Mapping[int, int]  # number -> outbox row
    messages: Mapping[int, Sequence[Message]]
    refused: frozenset[str] = (
        frozenset()
    )  # inputs that Postgres refused, timers that `decide` did: all that is written for them is a dead letter
    accepted: Mapping[str, Accepted] = field(default_factory=dict)  # by topic, where it is known


def decode(stage: Stage, records: Sequence[Record]) -> list[Decoded]:
    """Each record by itself: what does not decode, or makes `decode` raise, is a Reject and touches nobody else."""
    return [Decoded(record, _decode_one(stage, record)) for record in records]


def _decode_one(stage: Stage, record: Record) -> Input | Reject | None:
    try:
        return stage.decode(record)
    except Exception as error:
        return Reject(Reason.UNDECODABLE, type(error).__name__)


async def write(
    pool: Pool,
    stage: Stage,
    decoded: Sequence[Decoded],
    *,
    terms: Terms,
    acknowledged: Sequence[int],
    rejects: RejectLimit,
    timers: Sequence[Input] = (),
    refused: Mapping[str, str] | None = None,
) -> list[Written]:
    """Decides on a batch in one transaction; when Postgres refuses a row, cuts the batch in two until the culprit stands alone and
    becomes a dead letter; when it has no room for so many locks, until it has. Returns what was committed, in order.

    Raises Fenced, SeenMeanwhile, rejects.LimitReached, or the world's faults; then nothing of the failing part is written.
    """
    written: list[Written] = []
    if terms.recalling and stage.recollect is not None:
        # Which of two records under one id counted at first, the stage can tell; so that it is asked of each, they come one after the other.
        runs = _without_repeats(decoded)
        if len(runs) > 1:
            for run in runs:
                due = timers if run is runs[-1] else ()
                written += await write(
                    pool,
                    stage,
                    run,
                    terms=terms,
                    acknowledged=acknowledged,
                    rejects=rejects,
                    timers=due,
                    refused=refused,
                )
            return written
    try:
        return [
            await _transact(
                pool,
                stage,
                decoded,
                terms=terms,
                acknowledged=acknowledged,
                rejects=rejects,
                timers=timers,
                refused=refused or {},
            )
        ]
    except Exception as error:
        too_many = sqlstate(error) == _OUT_OF_LOCKS and len(decoded) + len(timers) > 1
        if not is_rows_fault(error) and not too_many:
            raise
        metrics.BISECTED.labels(stage.name).inc()
        state = sqlstate(error)
    again = {"terms": terms, "rejects": rejects}
    if len(decoded) + len(timers) <= 1:
        alone = timers[0].event_id if timers else _event_id(decoded[0])
        if not alone or alone in (refused or {}):
            raise RuntimeError(
                f"Postgres refuses the dead letter itself (SQLSTATE {state}); the store needs an operator"
            )
        return await write(
            pool,
            stage,
            decoded,
            acknowledged=acknowledged,
            timers=timers,
            refused={alone: state},
            **again,  # type: ignore[arg-type]
        )
    half = len(timers) // 2 if timers else len(decoded) // 2
    halves = ((decoded, timers[:half]), ((), timers[half:])) if timers else ((decoded[:half], ()), (decoded[half:], ()))
    for records, due in halves:
        written += await write(pool, stage, records, acknowledged=acknowledged, timers=due, **again)  # type: ignore[arg-type]
    return written


def _without_repeats(decoded: Sequence[Decoded]) -> list[list[Decoded]]:
    """The records in order, cut wherever an event id comes that came since the last cut."""
    runs: list[list[Decoded]] = [[]]
    seen: set[str] = set()
    for one in decoded:
        id_ = _event_id(one)
        if id_ in seen:
            runs.append([])
            seen.clear()
        if id_:
            seen.add(id_)
        runs[-1].append(one)
    return runs


def _event_id(decoded: Decoded) -> str:
    return decoded.said.event_id if isinstance(decoded.said, Input) else ""


async def _transact(
    pool: Pool,
    stage: Stage,
    decoded: Sequence[Decoded],
    *,
    terms: Terms,
    acknowledged: Sequence[int],
    rejects: RejectLimit,
    timers: Sequence[Input],
    refused: Mapping[str, str],
) -> Written:
    next_offsets: dict[Place, int] = dict(terms.known)
    wanted: dict[str, Input] = {}
    unreadable: list[tuple[Record, Reject]] = []
    for one in decoded:
        next_offsets[one.record.topic, one.record.part] = one.record.offset + 1
        if isinstance(one.said, Input):
            wanted.setdefault(one.said.event_id, one.said)
        elif one.said is not None:
            unreadable.append((one.record, one.said))
    for timer in timers:
        next_offsets.setdefault((stage.reads[0].name, timer.part), 0)  # moves nothing, but the fence looks at it
    began = time.perf_counter()
    async with pool.acquire() as connection, connection.transaction():
        phase: recall.Phase | None = None
        if (
            terms.recalling and stage.recall is not None
        ):  # before the fence moves the cursors: these records are not read yet
            phase = await recall.phase(connection, stage=stage.name, partitions=terms.partitions)
        seen = await ownership.fence(
            connection,
            stage=stage.name,
            epochs=terms.epochs,
            next_offsets=next_offsets,
            seen=list(wanted) if stage.inbox else (),
        )
        point("after_fence")
        if stage.seen is not None and wanted:
            seen = await stage.seen(connection, sorted(wanted))
        fresh = [input_ for id_, input_ in wanted.items() if id_ not in seen]
        fresh += timers
        fenced = time.perf_counter()
        # What Postgres refused is not loaded either: its key may be what was refused.
        healthy = [input_ for input_ in fresh if input_.event_id not in refused]
        world = await stage.load(connection, healthy) if healthy else {}
        if phase is not None and stage.recall is not None and healthy:
            await stage.recall(connection, world, healthy, phase.rebuilding and not phase.read)
        loaded = time.perf_counter()
        point("after_load")
        done = fold(stage, world, fresh, partitions=terms.partitions, refused=refused)
        for record, why in unreadable:
            cause = Input("", None, from_ms(record.timestamp_ms), record.part, record)
            reject(done, stage, cause, why)
        rejects.check(done, [one.record for one in decoded])
        point("after_decide")
        decided = time.perf_counter()
        if done.changes:
            await stage.save(connection, done.changes)
        point("after_save")
        if terms.recalling:
            await recall.drop_known(connection, stage=stage.name, parts=terms.recalling, messages=done.messages)
        rows = await outbox.put(
            connection,
            stage=stage.name,
            counted=done.counted,
            messages=done.messages,
            acknowledged=acknowledged,
            commands=done.commands,
        )
        point("before_commit")
        saved = time.perf_counter()
    point("after_commit")
    committed = time.perf_counter()
    rejects.remember(done, len(fresh))
    _measure(
        stage,
        done,
        len(decoded),
        len(wanted) - (len(fresh) - len(timers)),
        (began, fenced, loaded, decided, saved, committed),
    )
    counts = not terms.recalling  # what is decided again was counted before
    if stage.measure is not None and counts and done.told:
        stage.measure(done.told)
    return Written(
        rows, done.messages, frozenset(refused) | done.aside, accepted.of(stage, done.told) if counts else {}
    )


def _measure(stage: Stage, done: Folded, records: int, repeated: int, moments: Sequence[float]) -> None:
    steps = ("fence", "load", "decide", "save", "commit")
    for step, begin, end in zip(steps, moments, moments[1:], strict=False):
        metrics.STEP_SECONDS.labels(stage.name, step).observe(end - begin)
    metrics.BATCH_RECORDS.labels(stage.name).observe(records)
    if repeated:
        metrics.DUPLICATES.labels(stage.name).inc(repeated)
    for reason, _ in done.rejected:
        metrics.REJECTED.labels(stage.name, reason).inc()
    for type_, count in Counter([outgoing.type for _, outgoing in done.told]).items():
        metrics.EVENTS_DECIDED.add((stage.name, type_), count)
