"""What is broken, by what it is about: in each room an exact text and its replacement, what that would mean in life, and the tests that must turn red."""

from __future__ import annotations

from tests.mutate.mutations.locking import LOCK_ORDER
from tests.mutate.mutations.mutation import Mutation
from tests.mutate.mutations.owning import FENCE, INBOX
from tests.mutate.mutations.recovering import REBUILD, RECORD
from tests.mutate.mutations.scoring import SCORE
from tests.mutate.mutations.sending import ONCE, OUTBOX

ALL: tuple[tuple[str, tuple[Mutation, ...]], ...] = (
    ("The fence and the claim", FENCE),
    ("The inbox", INBOX),
    ("The outbox", OUTBOX),
    ("Once on a transactional topic", ONCE),
    ("Rebuild and restore", REBUILD),
    ("One record's fault is its own", RECORD),
    ("The order of locks", LOCK_ORDER),
    ("The score that counts on", SCORE),
)
