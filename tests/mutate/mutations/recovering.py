"""What is recovered: stores that are rebuilt or restored, and records whose fault is their own."""

from __future__ import annotations

from tests.mutate.mutations.mutation import Mutation

SIMULATION = "tests/unit/test_simulation.py"
REBUILT = (
    "tests/integration/test_core_records.py::test_an_empty_store_is_rebuilt_from_the_topics_and_nothing_is_told_again"
)
RESTORED = "tests/integration/test_core_records.py::test_a_store_restored_from_before_the_last_batches_hands_nothing_over_again"
TOLD_LAST = "tests/unit/route/test_any_order.py::test_an_earlier_step_that_is_told_last_counts_where_it_happened"
ANEW = "tests/unit/enrich/test_rebuild.py"
REPEATS = "tests/integration/test_enrich_rebuild.py::test_of_two_records_in_one_batch_of_a_rebuild_the_one_that_counted_counts_again"

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
        "        if not is_rows_fault(error) and not too_many:\n            raise",
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
