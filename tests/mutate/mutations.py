"""The safeguards that are broken: an exact text and its replacement, what that would mean in life, and the tests that must turn red."""

from __future__ import annotations

from dataclasses import dataclass

SIMULATION = "tests/unit/test_simulation.py"
ON_POSTGRES = "tests/integration/test_simulation_on_postgres.py"
OWNERSHIP = "tests/integration/test_core_ownership.py"
AT_THE_BROKER = "tests/integration/test_core_once.py"
LOCKS = "tests/integration/test_lock_order.py"
REBUILT = (
    "tests/integration/test_core_records.py::test_an_empty_store_is_rebuilt_from_the_topics_and_nothing_is_told_again"
)
RESTORED = "tests/integration/test_core_records.py::test_a_store_restored_from_before_the_last_batches_hands_nothing_over_again"
ROUTE = "tests/integration/test_route_store.py"
TOLD_LAST = "tests/unit/route/test_any_order.py::test_an_earlier_step_that_is_told_last_counts_where_it_happened"
ANEW = "tests/unit/enrich/test_rebuild.py"
REPEATS = "tests/integration/test_enrich_rebuild.py::test_of_two_records_in_one_batch_of_a_rebuild_the_one_that_counted_counts_again"


@dataclass(frozen=True, slots=True)
class Mutation:
    """One safeguard and how it is broken. `old` stands exactly once in `file`, else the mutation itself is out of date.

    `tests` are run in order until one is red.
    """

    name: str
    file: str
    old: str
    new: str
    in_life: str
    tests: tuple[str, ...]


FENCE = (
    Mutation(
        "the fence does not compare epochs",
        "shared/ownership.py",
        " AND c.owner_epoch = m.epoch",
        "",
        "an instance that was frozen while its successor took over writes beside it",
        (OWNERSHIP,),
    ),
    Mutation(
        "the fence sees the loss and goes on",
        "shared/ownership.py",
        "        raise Fenced(sorted(lost))",
        "        pass",
        "an instance that was frozen while its successor took over writes beside it",
        (SIMULATION, OWNERSHIP),
    ),
    Mutation(
        "a claim takes no new epoch",
        "shared/ownership.py",
        "SET owner_epoch = next.epoch, owner = $3",
        "SET owner = $3",
        "records are touched by who does not own their number alone",
        (OWNERSHIP,),
    ),
    Mutation(
        "records are touched as soon as the number is claimed",
        "shared/claims.py",
        '    point("after_claim")\n',
        "    held.epochs[part] = claim.epoch\n"
        "    held.next_offsets.update({(topic, part): claim.next_offsets[topic] for topic in stage_topics(stage)})\n"
        "    return reader.seek(part, {topic: claim.next_offsets[topic] for topic in stage_topics(stage)})\n",
        "new versions are told before those that a dead owner left, and what a restored store forgot is decided anew",
        (SIMULATION,),
    ),
    Mutation(
        "the cursor takes whatever offset comes",
        "shared/ownership.py",
        "greatest(c.next_offset, m.next_offset)",
        "m.next_offset",
        "a timer's batch, or a late one, sets the cursor back, and records are read again for ever",
        (OWNERSHIP,),
    ),
    Mutation(
        "the transactional id is nobody's in particular",
        "shared/once.py",
        'transactional_id=f"leadflow-{self._stage}-{part}"',
        'transactional_id=f"leadflow-{self._stage}-{part}-{asyncio.get_running_loop().time()}"',
        "a frozen owner's handover is committed after its successor has sent the same one",
        (AT_THE_BROKER,),
    ),
    Mutation(
        "what is left in the outbox is anybody's",
        "shared/outbox.py",
        "AND c.owner_epoch = $3)",
        "AND $3 > 0)",
        "a former owner sends what its successor has already swept, older versions after newer ones",
        (OWNERSHIP,),
    ),
)

INBOX = (
    Mutation(
        "what counts is not written down",
        "shared/fold.py",
        "        if stage.inbox and input_.record is not None:",
        "        if False:",
        "an event that comes twice counts twice",
        (SIMULATION,),
    ),
    Mutation(
        "what counts already is not looked up",
        "shared/batch.py",
        "seen=list(wanted) if stage.inbox else (),",
        "seen=(),",
        "a repeat stops its number for ever",
        (SIMULATION,),
    ),
    Mutation(
        "an event counted meanwhile by another instance is let through",
        "shared/outbox.py",
        "        raise SeenMeanwhile",
        "        pass",
        "one event that comes on two numbers at once counts twice",
        (SIMULATION, OWNERSHIP),
    ),
)

OUTBOX = (
    Mutation(
        "nothing is put into the outbox",
        "shared/outbox.py",
        "    parts = sorted(part for part, batch in messages.items() if batch)",
        "    parts: list[int] = []",
        "what was decided is never told",
        (SIMULATION,),
    ),
    Mutation(
        "a new owner does not send what was left",
        "shared/claims.py",
        "    for row, messages in left:",
        "    for row, messages in left[:0]:",
        "what was decided just before a crash is never told",
        (SIMULATION,),
    ),
    Mutation(
        "a new owner sweeps before the broker has it",
        "shared/claims.py",
        "        await send(messages, part=part",
        "        await outbox.sweep(pool, acknowledged=[row])\n        await send(messages, part=part",
        "a crash during a take-over loses what an earlier crash left",
        (SIMULATION,),
    ),
    Mutation(
        "the outbox is swept before the broker has it",
        "shared/runner/sending.py",
        '            point("in_emit")\n',
        '            point("in_emit")\n            await outbox.sweep(self._pool, acknowledged=list(one.rows.values()))\n',
        "a crash between commit and acknowledgement loses outputs",
        (SIMULATION,),
    ),
    Mutation(
        "an answer that was lost raises no doubt",
        "shared/runner/loop.py",
        "self._sending.in_doubt = True  # it may have been committed before the answer was lost",
        "pass",
        "what was committed without an answer is told after what came later, or not until the next owner",
        (SIMULATION,),
    ),
    Mutation(
        "the next batch does not wait for the acknowledgement of the last",
        "shared/runner/loop.py",
        "            await self._sending.acknowledged()\n",
        "",
        "versions of one lead overtake each other, and outputs in flight are forgotten",
        (SIMULATION,),
    ),
    Mutation(
        "what has no acknowledgement is not sent again",
        "shared/producer.py",
        "                unsent.extend(inside)",
        "                pass",
        "a broker that answers late loses records",
        (SIMULATION,),
    ),
)

ONCE = (
    Mutation(
        "the tail of a transactional topic is not read",
        "shared/once.py",
        "        if number.tail_is_read:",
        "        if True:",
        "a handover whose commit was not answered is handed over again",
        (SIMULATION,),
    ),
    Mutation(
        "what stands in the tail is written again",
        "shared/once.py",
        "if message.event_id not in number.present",
        "if message.event_id",
        "a handover whose commit was not answered is handed over again",
        (SIMULATION,),
    ),
    Mutation(
        "what stands in the tail is forgotten with the first message that is sent",
        "shared/once.py",
        "            number.present.difference_update(message.event_id for message in messages)",
        "            number.present.clear()",
        "of two rows that a dead owner left and had sent, the second is handed over again",
        (SIMULATION,),
    ),
    Mutation(
        "the tail is read with what was aborted",
        "shared/once.py",
        "committed_only=True",
        "committed_only=False",
        "a handover whose transaction was aborted is believed to be there, and nobody ever gets it",
        (SIMULATION,),
    ),
    Mutation(
        "the tail goes unremembered",
        "shared/claims.py",
        "        if unknown:",
        "        if unknown and not tail:",
        "a store restored from an older day hands leads over again",
        (SIMULATION, RESTORED),
    ),
)

REBUILD = (
    Mutation(
        "outcomes are taken in the order in which they were met",
        "services/route/domain/outcomes.py",
        "    return sorted(said, key=lambda one: (one.occurred_at, one.received_at, one.command_id))",
        "    return list(said)",
        "what sales said of a handover is judged otherwise when the log is read once more",
        (TOLD_LAST,),
    ),
    Mutation(
        "outputs that are known are sent again",
        "shared/batch.py",
        "        if terms.recalling:",
        "        if False:",
        "a store restored from an older day hands leads over again",
        (SIMULATION, RESTORED),
    ),
    Mutation(
        "a store older than its topics does not read what it told",
        "shared/claims.py",
        "        await recall.read_own_output(",
        "        _ = (lambda *_, **__: None)(",
        "a rebuilt store tells everything again",
        (REBUILT,),
    ),
    Mutation(
        "reading goes on where Kafka says",
        "shared/claims.py",
        "    reader.seek(part, offsets)",
        "    reader.seek(part, {**offsets, **committed})",
        "a restored store skips what it has not decided",
        (SIMULATION,),
    ),
    Mutation(
        "enrich decides a rebuild anew",
        "services/enrich/domain/decide.py",
        "    if KEEPING in world:\n",
        "    if False:\n",
        "people get other ids than those that sales knows, and what they did is told again under these",
        (ANEW,),
    ),
    Mutation(
        "enrich takes whichever of two records under one id comes first",
        "services/enrich/domain/rebuild.py",
        "told.at in (None, input_.now) and ",
        "",
        "a rebuilt profile says what was refused the first time",
        (ANEW,),
    ),
    Mutation(
        "enrich takes whichever of two records under one id comes first, within a millisecond",
        "services/enrich/domain/rebuild.py",
        " and told.occurred_at in (None, input_.event.at)",
        "",
        "a rebuilt profile says what was refused the first time",
        (ANEW,),
    ),
    Mutation(
        "two records under one id are one in a rebuild's batch",
        "shared/batch.py",
        "    if terms.recalling and stage.recollect is not None:\n",
        "    if False:\n",
        "of the two, the one that counted is never looked at, and the event is lost to the store",
        (REPEATS,),
    ),
)

RECORD = (
    Mutation(
        "a record that does not decode takes its batch along",
        "shared/batch.py",
        "        return Reject(Reason.UNDECODABLE, type(error).__name__)",
        "        raise",
        "one line of garbage stops a service",
        (SIMULATION,),
    ),
    Mutation(
        "what decide raises takes the batch along",
        "shared/fold.py",
        "            reject(done, stage, input_, Reject(Reason.DECIDE_FAILED, type(error).__name__))\n            continue",
        "            raise",
        "one lead that our code fails on stops all others",
        (SIMULATION,),
    ),
    Mutation(
        "a batch that Postgres refuses is not cut in two",
        "shared/batch.py",
        "        if not is_rows_fault(error):\n            raise",
        "        raise",
        "one row that breaks a constraint stops a service",
        (SIMULATION,),
    ),
    Mutation(
        "only the first half of a cut batch is done",
        "shared/batch.py",
        "((decoded[:half], ()), (decoded[half:], ()))",
        "((decoded[:half], ()),)",
        "one row that breaks a constraint loses its neighbours",
        (SIMULATION,),
    ),
    Mutation(
        "what was refused is tried again with the others",
        "shared/fold.py",
        "        if input_.event_id in refused:",
        "        if False:",
        "one row that breaks a constraint stops a service",
        (SIMULATION,),
    ),
    Mutation(
        "a timer without an answer is decided again",
        "shared/runner/loop.py",
        "                if timers or self._draining.is_set():",
        "                if self._draining.is_set():",
        "a decay or a deadline happens twice when a commit is not answered",
        (SIMULATION,),
    ),
    Mutation(
        "a timer that the store refuses is not set aside",
        "shared/runner/timers.py",
        "            self._stuck |= one.refused",
        "            pass",
        "one broken timer writes the same dead letter four times a second, for ever",
        (SIMULATION,),
    ),
)

_IN_NO_ORDER = "ORDER BY random()"
LOCK_ORDER = (
    Mutation(
        "cursor rows are locked in no order",
        "shared/ownership.py",
        "ORDER BY topic FOR UPDATE",
        f"{_IN_NO_ORDER} FOR UPDATE",
        "two instances that claim one number break each other's claims",
        (LOCKS,),
    ),
    Mutation(
        "event ids are locked in no order",
        "services/enrich/migrations/0001_leads.sql",
        "FROM (SELECT DISTINCT hashtextextended(id::text, 1) AS h FROM unnest(wanted) AS id ORDER BY h) AS locks",
        "FROM (SELECT h FROM (SELECT DISTINCT hashtextextended(id::text, 1) AS h FROM unnest(wanted) AS id) AS d"
        f" {_IN_NO_ORDER}) AS locks",
        "two instances that meet the same events stand still for a second, again and again",
        (LOCKS,),
    ),
    Mutation(
        "identifiers are locked in no order",
        "services/enrich/migrations/0002_one_trip.sql",
        "FROM (SELECT DISTINCT hashtextextended(w, 2) AS h FROM unnest(wanted) AS w ORDER BY h) AS locks",
        "FROM (SELECT h FROM (SELECT DISTINCT hashtextextended(w, 2) AS h FROM unnest(wanted) AS w) AS d"
        f" {_IN_NO_ORDER}) AS locks",
        "two instances that meet the same people stand still for a second, again and again",
        (LOCKS,),
    ),
    Mutation(
        "leads are locked in no order",
        "services/enrich/migrations/0002_one_trip.sql",
        "ORDER BY l.lead_id FOR UPDATE",
        f"{_IN_NO_ORDER} FOR UPDATE",
        "two instances that meet the same leads stand still for a second, again and again",
        (LOCKS,),
    ),
    Mutation(
        "handovers are locked in no order",
        "services/route/store/batch/loading.py",
        "     ORDER BY handover_id\n       FOR UPDATE",
        f"     {_IN_NO_ORDER}\n       FOR UPDATE",
        "two numbers that touch the same handovers stand still for a second, again and again",
        (LOCKS,),
    ),
    Mutation(
        "route hands over without its gate",
        "services/route/store/batch/loading.py",
        "WITH gate AS MATERIALIZED (SELECT pg_advisory_xact_lock($4))",
        "WITH gate AS MATERIALIZED (SELECT $4::bigint)",
        "two numbers give one owner's turn away at the same moment: owners are treated unfairly, an account gets two",
        (ROUTE,),
    ),
)

ALL: tuple[tuple[str, tuple[Mutation, ...]], ...] = (
    ("The fence and the claim", FENCE),
    ("The inbox", INBOX),
    ("The outbox", OUTBOX),
    ("Once on a transactional topic", ONCE),
    ("Rebuild and restore", REBUILD),
    ("One record's fault is its own", RECORD),
    ("The order of locks", LOCK_ORDER),
)
