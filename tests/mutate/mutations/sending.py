"""What is written to topics: the outbox, and topics that hold each record once."""

from __future__ import annotations

from tests.mutate.mutations.mutation import Mutation

SIMULATION = "tests/unit/test_simulation.py"
RESTORED = "tests/integration/test_core_records.py::test_a_store_restored_from_before_the_last_batches_hands_nothing_over_again"

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
