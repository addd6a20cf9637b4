"""Who may write for a number: the fence, the claim, and the inbox that makes an input count once."""

from __future__ import annotations

from tests.mutate.mutations.mutation import Mutation

SIMULATION = "tests/unit/test_simulation.py"
OWNERSHIP = "tests/integration/test_core_ownership.py"
AT_THE_BROKER = "tests/integration/test_core_once.py"

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
